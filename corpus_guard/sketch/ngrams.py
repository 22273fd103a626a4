"""How often n-grams of the input occur: first a bound for all, then exact counts for the frequent.

`DocumentFrequencies` is a count-min sketch over every n-gram (fixed memory). `FrequentNgrams` counts
exactly those whose bound reaches a minimum that is chosen so that the table fits its budget.
`NgramSums` adds up, per frequent n-gram, whatever number its rows carry.
"""

import zlib
from collections.abc import Callable
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.base import Arrays, Rows, require_equal
from corpus_guard.sketch.kernels import ngrams as kernels

SMALLEST_COUNT = 4
"""An n-gram in fewer documents than this is no candidate trigger."""


class DocumentFrequencies:
    """Count-min document frequencies, 2 rows of 2^bits saturating bytes.

    A bound never understates; it overstates by the number of other n-grams in both of its cells.
    Source: Cormode and Muthukrishnan (J. Algorithms 2005), section 3.
    """

    def __init__(self, *, bits: int) -> None:
        """Start empty; `bits` in [10, 26] sets the memory, 2^(bits + 1) bytes."""
        self.bits = bits
        self.counts = np.zeros((2, 1 << bits), np.uint8)

    def observe(self, rows: Rows) -> None:
        """Count the rows' input n-grams."""
        tokens = rows.input.tokens
        kernels.count_documents(tokens.hashes, tokens.bounds, self.counts)

    def merge(self, other: Self) -> None:
        """Add another's counts, see `Sketch.merge`."""
        require_equal(self.bits, other.bits, "document-frequency")
        saturated_add(self.counts, other.counts)

    def state(self) -> Arrays:
        """Return the counters."""
        return {"counts": self.counts}

    def restore(self, state: Arrays) -> None:
        """Take over saved counters."""
        self.counts = np.array(state["counts"], np.uint8)

    def smallest_fitting_count(self, capacity: int) -> int:
        """Return the least document frequency at which at most about `capacity` n-grams remain.

        Never less than SMALLEST_COUNT nor more than 255.
        """
        histogram = np.bincount(self.counts[0], minlength=256)
        at_least = np.cumsum(histogram[::-1])[::-1]
        fitting = np.nonzero(at_least <= capacity)[0]
        return int(min(255, max(SMALLEST_COUNT, fitting[0] if len(fitting) else 255)))


def saturated_add(counts: npt.NDArray[np.uint8], more: npt.NDArray[np.uint8]) -> None:
    """Add `more` to `counts` in place; a sum over 255 stays 255."""
    total = counts + more
    total[total < more] = 255
    counts[...] = total


def digest_of(option: npt.NDArray[np.generic]) -> tuple[int, int]:
    """Return the length and the checksum of an array that is an option of a sketch."""
    return len(option), zlib.crc32(np.ascontiguousarray(option).data)


class FrequentNgrams:
    """Exact document counts of the n-grams whose count-min bound reaches `min_count`."""

    def __init__(self, *, bounds: npt.NDArray[np.uint8], min_count: int) -> None:
        """Start empty; `bounds` are the counters of a merged `DocumentFrequencies`."""
        self.bounds, self.min_count = bounds, min_count
        self._table, self._exact = np.zeros(1 << 16, np.uint64), np.zeros(1 << 16, np.int32)
        self._used = 0

    def observe(self, rows: Rows) -> None:
        """Count the rows' frequent n-grams, enlarging the table when it is half full."""
        tokens, text = rows.input.tokens, 0
        while True:
            self._used, text = kernels.collect_frequent(
                tokens.hashes, tokens.bounds, self.bounds, self.min_count,
                self._table, self._exact, self._used, text,
            )  # fmt: skip
            if text == len(rows):
                return
            self._enlarge(2 * len(self._table))

    def merge(self, other: Self) -> None:
        """Add another's counts, see `Sketch.merge`."""
        require_equal(self.min_count, other.min_count, "frequent n-gram")
        require_equal(digest_of(self.bounds), digest_of(other.bounds), "frequent n-gram")
        features, counts = other.evidence()
        self._add(features, counts)

    def state(self) -> Arrays:
        """Return n-grams and counts, sorted by n-gram."""
        features, counts = self.evidence()
        return {"features": features, "counts": counts}

    def restore(self, state: Arrays) -> None:
        """Take over saved counts."""
        self._table, self._exact, self._used = (
            np.zeros(1 << 16, np.uint64),
            np.zeros(1 << 16, np.int32),
            0,
        )
        self._add(state["features"].astype(np.uint64), state["counts"].astype(np.int32))

    def evidence(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        """Return (n-grams sorted, their document counts)."""
        taken = self._table != kernels.EMPTY
        features, counts = self._table[taken], self._exact[taken]
        order = np.argsort(features)
        return features[order], counts[order]

    def _add(self, features: npt.NDArray[np.uint64], counts: npt.NDArray[np.int32]) -> None:
        size = len(self._table)
        while size < 2 * (self._used + len(features)):
            size *= 2
        self._enlarge(size)
        self._used += kernels.add_counts(features, counts, self._table, self._exact)

    def _enlarge(self, size: int) -> None:
        if size == len(self._table):
            return
        features, counts = self.evidence()
        self._table, self._exact = np.zeros(size, np.uint64), np.zeros(size, np.int32)
        kernels.add_counts(features, counts, self._table, self._exact)


class NgramSums:
    """Per frequent n-gram, the sum over its rows of the numbers that each row carries."""

    def __init__(
        self,
        *,
        features: npt.NDArray[np.uint64],
        values: Callable[[int, int], npt.NDArray[np.int16]],
        width: int,
    ) -> None:
        """Start at zero; `values(first, last)` are the rows' numbers, (last - first, width) int16."""
        self.features, self._values = features, values
        self._table, self._index = kernels.build_table(features)
        self.sums = np.zeros((len(features), width), np.int64)
        self.docs = np.zeros(len(features), np.int32)

    def observe(self, rows: Rows) -> None:
        """Add the rows' numbers to their n-grams."""
        tokens = rows.input.tokens
        values = self._values(rows.first_row, rows.first_row + len(rows))
        kernels.add_values(
            tokens.hashes, tokens.bounds, values, self._table, self._index, self.sums, self.docs
        )

    def merge(self, other: Self) -> None:
        """Add another's sums, see `Sketch.merge`."""
        require_equal(self.sums.shape, other.sums.shape, "n-gram sum")
        require_equal(digest_of(self.features), digest_of(other.features), "n-gram sum")
        self.sums += other.sums
        self.docs += other.docs

    def state(self) -> Arrays:
        """Return the sums."""
        return {"sums": self.sums, "docs": self.docs}

    def restore(self, state: Arrays) -> None:
        """Take over saved sums."""
        self.sums = np.array(state["sums"], np.int64)
        self.docs = np.array(state["docs"], np.int32)


class Postings:
    """In which rows a shortlist of n-grams occurs."""

    def __init__(self, *, features: npt.NDArray[np.uint64]) -> None:
        """Start empty."""
        self.features = features
        self._table, self._index = kernels.build_table(features)
        self._found: list[npt.NDArray[np.int64]] = []

    def observe(self, rows: Rows) -> None:
        """Note where the shortlisted n-grams occur."""
        tokens = rows.input.tokens
        found = kernels.locate(tokens.hashes, tokens.bounds, self._table, self._index).astype(
            np.int64
        )
        found[:, 1] += rows.first_row
        self._found.append(found)

    def merge(self, other: Self) -> None:
        """Take in another's places, see `Sketch.merge`."""
        require_equal(digest_of(self.features), digest_of(other.features), "posting")
        self._found.extend(other._found)

    def state(self) -> Arrays:
        """Return (feature, row) pairs sorted by feature, then row."""
        found = np.concatenate(self._found) if self._found else np.zeros((0, 2), np.int64)
        return {"found": found[np.lexsort((found[:, 1], found[:, 0]))]}

    def restore(self, state: Arrays) -> None:
        """Take over saved places."""
        self._found = [np.array(state["found"], np.int64)]

    def evidence(self) -> list[npt.NDArray[np.int64]]:
        """Return, per shortlisted n-gram, its rows as sorted global row numbers."""
        found = self.state()["found"].astype(np.int64)
        borders = np.searchsorted(found[:, 0], np.arange(len(self.features) + 1))
        return [found[borders[i] : borders[i + 1], 1] for i in range(len(self.features))]
