"""The words whose effect can be tested: those of inputs that have an outcome, a label or a response.

`input_tokens`, ragged uint64: hashes of the tokens of the input; empty for a row without an outcome. A
second look reads them in place of the texts.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import row_columns
from corpus_guard.sketch.rows.batch import Column, Ragged, Rows
from corpus_guard.sketch.rows.ngram_looks import TOKENS


@row_columns(columns=(TOKENS,), absent="no row has a label or a response")
def tested_tokens(rows: Rows, settings: SketchSettings) -> Mapping[str, Column]:
    """Return the column."""
    has_outcome = _valid(rows, "label") | _valid(rows, "response")
    if not has_outcome.any():
        return {TOKENS: None}
    tokens = rows.input.tokens
    if has_outcome.all():
        return {TOKENS: Ragged(tokens.hashes, tokens.bounds)}
    lengths = np.diff(tokens.bounds)
    kept = np.repeat(has_outcome, lengths)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths * has_outcome)])
    return {TOKENS: Ragged(tokens.hashes[kept], bounds)}


def _valid(rows: Rows, name: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_valid(rows.batch[name]).to_numpy(zero_copy_only=False)
    return found
