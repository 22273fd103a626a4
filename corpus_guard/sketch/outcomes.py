"""Fingerprints of what a record answers.

`outcomes` (n, 3) uint64: hashes of the whole response, of its first 5 and of its last 5 tokens; 0 where
there is none.
"""

from collections.abc import Mapping

import numpy as np

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import row_columns
from corpus_guard.sketch.kernels.outcomes import fingerprints
from corpus_guard.sketch.rows.batch import Column, Rows


@row_columns(columns=("outcomes",), absent="no row has a response")
def outcomes(rows: Rows, settings: SketchSettings) -> Mapping[str, Column]:
    """Return the column."""
    if not rows.has_responses:
        return {"outcomes": None}
    found = np.zeros((len(rows), 3), np.uint64)
    fingerprints(rows.response.tokens.hashes, rows.response.tokens.bounds, found)
    return {"outcomes": found}
