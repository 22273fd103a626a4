"""A second look at what the rows of each n-gram have as outcome, beyond what is due."""

from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.ngram_looks import input_tokens
from corpus_guard.sketch.rows.state import Arrays, digest_of, require_equal


class RowOutcomes(Protocol):
    """What outcome each row has; small to send to a worker, equal when it gives the same."""

    @property
    def width(self) -> int:
        """How many outcomes there are."""
        ...

    def __call__(self, rows: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
        """Return the rows' outcomes (n,) and excess (n, width) int16.

        An outcome of -1 leaves a row out, one of `width` is none of those counted.
        """
        ...


class Outcomes(NamedTuple):
    """Per n-gram: `hits` (f, width), the sums of the excess (f, width), and `docs` (f,) texts."""

    hits: npt.NDArray[np.int32]
    sums: npt.NDArray[np.int64]
    docs: npt.NDArray[np.int32]


class NgramOutcomes:
    """Counts and sums over the rows of each frequent n-gram."""

    def __init__(self, *, features: npt.NDArray[np.uint64], outcomes: RowOutcomes) -> None:
        """Start at zero."""
        self.features, self._outcomes = features, outcomes
        self._table, self._index = kernels.build_table(features)
        shape = (len(features), outcomes.width)
        self.hits, self.sums = np.zeros(shape, np.int32), np.zeros(shape, np.int64)
        self.docs = np.zeros(len(features), np.int32)

    def observe(self, rows: Rows) -> None:
        """Add the rows' outcomes to their n-grams."""
        tokens = input_tokens(rows)
        if len(tokens.values):
            self._own()
            outcomes, excess = self._outcomes(rows)
            kernels.add_outcomes(
                tokens.values, tokens.bounds, outcomes, excess, self._table, self._index,
                self.hits, self.sums, self.docs,
            )  # fmt: skip

    def merge(self, other: Self) -> None:
        """Add another's, see `Sketch.merge`."""
        require_equal(self._outcomes, other._outcomes, "n-gram outcome")
        require_equal(digest_of(self.features), digest_of(other.features), "n-gram outcome")
        self._own()
        self.hits += other.hits
        self.sums += other.sums
        self.docs += other.docs

    def state(self) -> Arrays:
        """Return counts and sums."""
        return {"hits": self.hits, "sums": self.sums, "docs": self.docs}

    def restore(self, state: Arrays) -> None:
        """Take over what was saved."""
        self.hits, self.sums, self.docs = state["hits"], state["sums"], state["docs"]

    def evidence(self) -> Outcomes:
        """Return counts and sums."""
        return Outcomes(self.hits, self.sums, self.docs)

    def _own(self) -> None:
        """Copy a restored state before it is changed: most are merged into another and forgotten."""
        if not self.sums.flags.writeable:
            self.hits, self.sums = self.hits.copy(), self.sums.copy()
            self.docs = self.docs.copy()
