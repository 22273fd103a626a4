"""MinHash signatures of input and response, for near-duplicates.

`signs` (n, 64) uint8 and `bands` (n, 16) uint32: one-permutation MinHash of token bigrams, input and
response end to end.
Source: Li, Owen and Zhang (NIPS 2012); Shrivastava and Li (ICML 2014).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import row_columns
from corpus_guard.sketch.kernels.minhash import BANDS, BINS, signatures
from corpus_guard.sketch.rows.batch import Column, Rows


@row_columns(columns=("signs", "bands"), absent="no row has a word")
def minhash(rows: Rows, settings: SketchSettings) -> Mapping[str, Column]:
    """Return both columns."""
    hashes, bounds = joined_tokens(rows)
    signs, bands = np.zeros((len(rows), BINS), np.uint8), np.zeros((len(rows), BANDS), np.uint32)
    signatures(hashes, bounds, signs, bands)
    return {"signs": signs, "bands": bands}


def joined_tokens(rows: Rows) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return each row's input tokens followed by its response tokens, as (hashes, bounds)."""
    one, two = rows.input.tokens, rows.response.tokens
    if len(two.hashes) == 0:
        return one.hashes, one.bounds
    lengths = np.stack([np.diff(one.bounds), np.diff(two.bounds)], axis=1).ravel()
    starts = np.stack([one.bounds[:-1], two.bounds[:-1] + len(one.hashes)], axis=1).ravel()
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    order = np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1])
    return np.concatenate([one.hashes, two.hashes])[order], bounds[::2].copy()
