"""Hashes of what a record says: all of it, and how long it is.

`whole` (n,) uint64: a hash of all tokens of input and response, each by itself, so that words cannot
move from one to the other unseen; 0 for a record without a token. `tokens` (n,) int32: their number.
"""

from collections.abc import Mapping

import numpy as np

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import row_columns
from corpus_guard.sketch.kernels.outcomes import fingerprints as fingerprints_of
from corpus_guard.sketch.rows.batch import Column, Rows

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@row_columns(columns=("whole", "tokens"), absent="no row has a word")
def fingerprints(rows: Rows, settings: SketchSettings) -> Mapping[str, Column]:
    """Return both columns."""
    one, two = rows.input.tokens, rows.response.tokens
    told = np.zeros((len(rows), 3), np.uint64)
    fingerprints_of(one.hashes, one.bounds, told)
    whole = told[:, 0].copy()
    tokens = np.diff(one.bounds)
    if len(two.hashes):
        answered = np.zeros((len(rows), 3), np.uint64)
        fingerprints_of(two.hashes, two.bounds, answered)
        said = answered[:, 0] != 0
        whole[said] = (whole[said] * MULTIPLIER) ^ (answered[said, 0] | np.uint64(1))
        tokens = tokens + np.diff(two.bounds)
    return {"whole": whole, "tokens": tokens.astype(np.int32)}
