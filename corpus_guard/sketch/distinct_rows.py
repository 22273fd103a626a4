"""Which rows say the same: copies of a record count once.

Evidence is `DistinctRows`. Of rows with the same tokens in input and response, the one with the smallest
content hash stands for all; among exact copies the first does.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.rows.corpus import Corpus


@dataclass(frozen=True, kw_only=True)
class DistinctRows:
    """`standing_for` (n,) int64: the row that stands for each row, itself or one that says the same."""

    standing_for: npt.NDArray[np.int64]

    @cached_property
    def is_first(self) -> npt.NDArray[np.bool_]:
        """Which rows stand for themselves, (n,)."""
        found: npt.NDArray[np.bool_] = self.standing_for == np.arange(len(self.standing_for))
        return found

    @cached_property
    def count(self) -> int:
        """How many different rows there are."""
        return int(self.is_first.sum())


@derived(needs=("fingerprints",))
def distinct_rows(corpus: Corpus) -> DistinctRows:
    """Return which rows say the same."""
    order = corpus.rows.canonical_order
    whole = corpus.rows.column("whole").take(order)
    _, first, group = np.unique(whole, return_index=True, return_inverse=True)
    standing_for = np.empty(len(order), np.int64)
    standing_for[order] = order[first[group]]
    return DistinctRows(standing_for=standing_for)
