"""How often each source repeats an opening sentence.

At most `most` pairs of source and sentence are counted, those with the smallest keys. A pair that is
among them in the end was among them in every shard, so its count is exact and no order or sharding
changes it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import summary
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.state import Arrays, require_equal

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Keys of source and opening (k,) uint64, sorted, and how many records have each, (k,) int64."""

    keys: Keys
    counts: Counts


class OpeningCounts:
    """Counts by key, of the smallest keys."""

    def __init__(self, *, most: int) -> None:
        """Start empty."""
        self._most = most
        self._keys, self._counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)

    def observe(self, rows: Rows) -> None:
        """Count the openings of some records."""
        column = rows.column("opening_key")
        if isinstance(column, np.ndarray):
            keys, counts = np.unique(column[column != 0], return_counts=True)
            self._add(keys, counts)

    def merge(self, other: Self) -> None:
        """Add what another has counted; leave it alone."""
        require_equal(self._most, other._most, "source-opening")
        self._add(other._keys, other._counts)

    def state(self) -> Arrays:
        """Return keys, sorted, and counts."""
        return {"keys": self._keys, "counts": self._counts}

    def restore(self, state: Arrays) -> None:
        """Take over what was saved."""
        self._keys = np.array(state["keys"], np.uint64)
        self._counts = np.array(state["counts"], np.int64)

    def evidence(self) -> Openings:
        """Return the counts."""
        return Openings(keys=self._keys, counts=self._counts)

    def _add(self, keys: Keys, counts: Counts) -> None:
        all_keys, places = np.unique(np.concatenate([self._keys, keys]), return_inverse=True)
        sums = np.zeros(len(all_keys), np.int64)
        np.add.at(sums, places, np.concatenate([self._counts, counts]))
        self._keys, self._counts = all_keys[: self._most], sums[: self._most]


@summary(needs=("opening_keys",))
def source_openings(settings: SketchSettings, *, most: int = 100_000) -> OpeningCounts:
    """Return an empty sketch."""
    return OpeningCounts(most=most)
