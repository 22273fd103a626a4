"""Sums of all vectors, from which their means follow: exact integers, so no order changes them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import summary
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.state import Arrays, require_equal
from corpus_guard.sketch.text.embedder import CODE_SCALE

SIDES = ("input_vectors", "response_vectors")


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorMeans:
    """The mean vector of inputs and of responses, (d,) float64 each; (0,) where there are none."""

    input: npt.NDArray[np.float64]
    response: npt.NDArray[np.float64]


class VectorSums:
    """Sums of the vectors of input and response."""

    def __init__(self, *, embedder: str) -> None:
        """Start at zero; vectors of one `embedder` are not added to those of another."""
        self._embedder = embedder
        self._rows = 0
        self._sums = {side: np.zeros(0, np.int64) for side in SIDES}

    def observe(self, rows: Rows) -> None:
        """Add the rows' vectors."""
        self._rows += len(rows)
        for side in SIDES:
            codes = rows.column(side)
            if isinstance(codes, np.ndarray) and len(codes):
                self._add(side, codes.sum(axis=0, dtype=np.int64))

    def merge(self, other: Self) -> None:
        """Add another's sums, see `Sketch.merge`."""
        require_equal(self._embedder, other._embedder, "vector-sum")
        self._rows += other._rows
        for side, sums in other._sums.items():
            self._add(side, sums)

    def state(self) -> Arrays:
        """Return the sums."""
        return {"rows": np.array([self._rows], np.int64), **self._sums}

    def restore(self, state: Arrays) -> None:
        """Take over saved sums."""
        self._rows = int(state["rows"][0])
        self._sums = {side: np.array(state[side], np.int64) for side in SIDES}

    def evidence(self) -> VectorMeans:
        """Return the means over all rows."""
        means = [self._sums[side] / (CODE_SCALE * max(1, self._rows)) for side in SIDES]
        return VectorMeans(input=means[0], response=means[1])

    def _add(self, side: str, sums: npt.NDArray[np.int64]) -> None:
        mine = self._sums[side]
        self._sums[side] = mine + sums if len(mine) and len(sums) else (mine if len(mine) else sums)


@summary(needs=("vectors",))
def vector_sums(settings: SketchSettings) -> VectorSums:
    """Return an empty sketch."""
    return VectorSums(embedder=settings.embedder)
