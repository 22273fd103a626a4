"""In how many tested inputs each n-gram occurs: exactly for few n-grams, as a bound for many.

Up to 2^20 different n-grams are counted exactly. Beyond, all go into a count-min sketch of fixed memory,
2 rows of 2^k saturating 16-bit counters, k by `--mem` alone: what is counted must not depend on how the
input is packed or cut. A bound never understates; it overstates by the number of other n-grams in both
of its cells.
Source: Cormode and Muthukrishnan (J. Algorithms 2005), section 3.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import summary
from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.ngram_looks import NgramTable, input_tokens
from corpus_guard.sketch.rows.state import Arrays, require_equal

MOST_EXACT = 1 << 20
FEWEST_BITS, MOST_BITS = 16, 26
SHARE_OF_MEMORY = 16
BYTES_PER_COUNTER = 4
ALWAYS = np.full((2, 1), kernels.MOST_COUNTED, np.uint16)
"""A bound that lets every n-gram pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCounts:
    """Exact counts `features` (f,) uint64 with `docs` (f,) int32, or `bounds` (2, w) uint16."""

    features: npt.NDArray[np.uint64]
    docs: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.uint16] | None

    def smallest_fitting_count(self, capacity: int) -> int:
        """Return the least document frequency at which at most about `capacity` n-grams remain."""
        counts = self.docs if self.bounds is None else self.bounds[0]
        histogram = np.bincount(
            np.minimum(counts, kernels.MOST_COUNTED), minlength=kernels.MOST_COUNTED + 1
        )
        at_least = np.cumsum(histogram[::-1])[::-1]
        fitting = np.flatnonzero(at_least <= capacity)
        return int(fitting[0]) if len(fitting) else kernels.MOST_COUNTED


class DocumentFrequencies:
    """Counts of n-grams, see the module."""

    def __init__(self, *, bits: int, most_exact: int = MOST_EXACT) -> None:
        """Start empty; the count-min rows have 2^`bits` counters each, `bits` in [10, 26]."""
        self._options = (bits, most_exact)
        self._exact: NgramTable | None = NgramTable()
        self._bounds = np.zeros((2, 0), np.uint16)

    def observe(self, rows: Rows) -> None:
        """Count the rows' n-grams."""
        tokens = input_tokens(rows)
        if not len(tokens.values):
            return
        if self._exact is None:
            kernels.count_documents(tokens.values, tokens.bounds, self._bounds)
            return
        self._exact.count(tokens, ALWAYS, 1, 0)
        self._leave_exactness()

    def merge(self, other: Self) -> None:
        """Add another's counts, see `Sketch.merge`."""
        require_equal(self._options, other._options, "document-frequency")
        if other._exact is None:
            self._leave_exactness(at_once=True)
            kernels.saturated_add(self._bounds, other._bounds)
        elif self._exact is None:
            kernels.add_documents(*other._exact.sorted(), self._bounds)
        else:
            self._exact.add(*other._exact.sorted())
            self._leave_exactness()

    def state(self) -> Arrays:
        """Return exact counts, sorted by n-gram, or counters; the others are empty."""
        counts = self.evidence()
        bounds = np.zeros((2, 0), np.uint16) if counts.bounds is None else counts.bounds
        return {"features": counts.features, "docs": counts.docs, "bounds": bounds}

    def restore(self, state: Arrays) -> None:
        """Take over saved counts."""
        self._bounds = np.array(state["bounds"], np.uint16)
        self._exact = None if self._bounds.size else NgramTable()
        if self._exact is not None:
            self._exact.add(state["features"], state["docs"])

    def evidence(self) -> DocumentCounts:
        """Return the counts."""
        if self._exact is None:
            nothing = np.zeros(0, np.uint64), np.zeros(0, np.int32)
            return DocumentCounts(features=nothing[0], docs=nothing[1], bounds=self._bounds)
        features, docs = self._exact.sorted()
        return DocumentCounts(features=features, docs=docs, bounds=None)

    def _leave_exactness(self, *, at_once: bool = False) -> None:
        """Go over to counters where there are too many n-grams."""
        bits, most_exact = self._options
        if self._exact is not None and (at_once or self._exact.used > most_exact):
            self._bounds = np.zeros((2, 1 << bits), np.uint16)
            kernels.add_documents(*self._exact.sorted(), self._bounds)
            self._exact = None


@summary(needs=("tested_tokens",))
def document_frequencies(
    settings: SketchSettings, *, most_exact: int = MOST_EXACT
) -> DocumentFrequencies:
    """Return an empty sketch."""
    counters = settings.mem_bytes // (SHARE_OF_MEMORY * BYTES_PER_COUNTER)
    bits = min(MOST_BITS, max(FEWEST_BITS, counters.bit_length() - 1))
    return DocumentFrequencies(bits=bits, most_exact=most_exact)
