"""Second looks at the n-grams of the tested inputs: which are frequent, what their rows carry, where.

All of them read the column `input_tokens`, so that no text is cut into words again.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.rows.batch import CONTENT, Ragged, Rows
from corpus_guard.sketch.rows.state import Arrays, digest_of, require_equal
from corpus_guard.sketch.rows.store import Shared

PLACES_KEPT = 1 << 20

TOKENS = "input_tokens"
"""The ragged column of token hashes, (t,) uint64."""


def input_tokens(rows: Rows) -> Ragged:
    """Return the tested tokens of some rows."""
    column = rows.column(TOKENS)
    if isinstance(column, Ragged):
        return column
    return Ragged(np.zeros(0, np.uint64), np.zeros(len(rows) + 1, np.int64))


class NgramTable:
    """Counts of n-grams by n-gram; grows as it fills."""

    def __init__(self) -> None:
        """Start empty."""
        self.used = 0
        self._keys, self._docs = np.zeros(1 << 16, np.uint64), np.zeros(1 << 16, np.int32)

    def count(self, tokens: Ragged, bounds: npt.NDArray[np.uint16], least: int, level: int) -> None:
        """Count the texts of each n-gram whose bound reaches `least` and that is sampled at `level`."""
        text = 0
        while True:
            self.used, text = kernels.collect_frequent(
                tokens.values, tokens.bounds, bounds, least, level,
                self._keys, self._docs, self.used, text,
            )  # fmt: skip
            if text == len(tokens.bounds) - 1:
                return
            self._enlarge(2 * len(self._keys))

    def add(self, features: npt.NDArray[np.uint64], docs: npt.NDArray[np.int32]) -> None:
        """Add counts of distinct n-grams."""
        size = len(self._keys)
        while size < 2 * (self.used + len(features)):
            size *= 2
        self._enlarge(size)
        self.used += kernels.add_counts(features, docs, self._keys, self._docs)

    def sorted(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        """Return (n-grams sorted, their counts)."""
        taken = self._keys != kernels.EMPTY
        features, docs = self._keys[taken], self._docs[taken]
        order = np.argsort(features)
        return features[order], docs[order]

    def _enlarge(self, size: int) -> None:
        if size == len(self._keys):
            return
        features, docs = self.sorted()
        self._keys, self._docs = np.zeros(size, np.uint64), np.zeros(size, np.int32)
        kernels.add_counts(features, docs, self._keys, self._docs)


class FrequentNgrams:
    """Exact document counts of the n-grams whose count-min bound reaches `min_count`.

    Never more than `most` of them: where there are more, the one half whose hashes begin with 0 is
    kept, and so on. Which half depends on the n-grams alone, so no order or sharding changes it.
    Source: Wegman's adaptive sampling (Flajolet, Computing 1990).
    """

    def __init__(self, *, bounds: Shared, min_count: int, most: int) -> None:
        """Start empty; `bounds` are the counters of a merged count-min sketch, (2, w) uint16."""
        self.bounds, self.min_count, self.most = bounds, min_count, most
        self._level, self._table = 0, NgramTable()

    def observe(self, rows: Rows) -> None:
        """Count the rows' frequent n-grams."""
        self._table.count(input_tokens(rows), self.bounds.load(), self.min_count, self._level)
        self._thin(self._level)

    def merge(self, other: Self) -> None:
        """Add another's counts, see `Sketch.merge`."""
        mine = (self.bounds, self.min_count, self.most)
        require_equal(mine, (other.bounds, other.min_count, other.most), "frequent n-gram")
        self._add(*other._table.sorted(), other._level)

    def state(self) -> Arrays:
        """Return n-grams and counts, sorted by n-gram, and how often their number was halved."""
        features, docs = self._table.sorted()
        return {"features": features, "docs": docs, "level": np.array([self._level], np.int64)}

    def restore(self, state: Arrays) -> None:
        """Take over saved counts."""
        self._level, self._table = 0, NgramTable()
        self._add(state["features"], state["docs"], int(state["level"][0]))

    def evidence(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], int]:
        """Return (n-grams sorted, their document counts, how often their number was halved)."""
        return *self._table.sorted(), self._level

    def _add(
        self, features: npt.NDArray[np.uint64], docs: npt.NDArray[np.int32], level: int
    ) -> None:
        self._thin(max(level, self._level))
        kept = _sampled(features, self._level)
        self._table.add(features[kept], docs[kept])
        self._thin(self._level)

    def _thin(self, level: int) -> None:
        """Go up to a level, and on as long as there are too many n-grams."""
        while level > self._level or self._table.used > self.most:
            level = self._level = max(level, self._level + 1)
            features, docs = self._table.sorted()
            kept = _sampled(features, level)
            self._table = NgramTable()
            self._table.add(features[kept], docs[kept])


def _sampled(features: npt.NDArray[np.uint64], level: int) -> npt.NDArray[np.bool_]:
    """Return which n-grams are kept at a level, see `kernels.is_sampled`."""
    if level == 0:
        return np.ones(len(features), np.bool_)
    kept: npt.NDArray[np.bool_] = (features >> np.uint64(64 - level)) == 0
    return kept


class RowValues(Protocol):
    """What numbers each row carries; small to send to a worker, equal when it gives the same."""

    @property
    def width(self) -> int:
        """How many numbers a row carries."""
        ...

    def __call__(self, rows: Rows) -> npt.NDArray[np.int16]:
        """Return the rows' numbers, (n, width) int16."""
        ...


class NgramSums:
    """Per frequent n-gram, the sum over its rows of the numbers that each row carries."""

    def __init__(
        self,
        *,
        features: npt.NDArray[np.uint64],
        values: RowValues,
    ) -> None:
        """Start at zero."""
        self.features, self._values = features, values
        self._table, self._index = kernels.build_table(features)
        self.sums = np.zeros((len(features), values.width), np.int64)
        self.docs = np.zeros(len(features), np.int32)

    def observe(self, rows: Rows) -> None:
        """Add the rows' numbers to their n-grams."""
        tokens = input_tokens(rows)
        if len(tokens.values):
            self._own()
            kernels.add_values(
                tokens.values, tokens.bounds, self._values(rows), self._table, self._index,
                self.sums, self.docs,
            )  # fmt: skip

    def merge(self, other: Self) -> None:
        """Add another's sums, see `Sketch.merge`."""
        require_equal(self._values, other._values, "n-gram sum")
        require_equal(digest_of(self.features), digest_of(other.features), "n-gram sum")
        self._own()
        self.sums += other.sums
        self.docs += other.docs

    def state(self) -> Arrays:
        """Return the sums."""
        return {"sums": self.sums, "docs": self.docs}

    def restore(self, state: Arrays) -> None:
        """Take over saved sums."""
        self.sums, self.docs = state["sums"], state["docs"]

    def evidence(self) -> npt.NDArray[np.int64]:
        """Return the sums, (f, width)."""
        return self.sums

    def _own(self) -> None:
        """Copy a restored state before it is changed: most are merged into another and forgotten."""
        if not (self.sums.flags.writeable and self.docs.flags.writeable):
            self.sums, self.docs = self.sums.copy(), self.docs.copy()


class Postings:
    """In which rows a shortlist of n-grams occurs."""

    def __init__(self, *, features: npt.NDArray[np.uint64]) -> None:
        """Start empty."""
        self.features = features
        self._table, self._index = kernels.build_table(features)
        self._found: list[npt.NDArray[np.int64]] = []

    def observe(self, rows: Rows) -> None:
        """Note where the shortlisted n-grams occur."""
        tokens = input_tokens(rows)
        found = kernels.locate(tokens.values, tokens.bounds, self._table, self._index).astype(
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


class SampledPostings:
    """Some rows of each n-gram of a shortlist: the `most` with the smallest content hashes."""

    def __init__(self, *, features: npt.NDArray[np.uint64], most: int) -> None:
        """Start empty."""
        self.features, self.most = features, most
        self._table, self._index = kernels.build_table(features)
        self._found, self._places = [_Found.nothing()], 0

    def observe(self, rows: Rows) -> None:
        """Note where the n-grams occur."""
        tokens, content = input_tokens(rows), rows.column(CONTENT)
        found = kernels.locate(tokens.values, tokens.bounds, self._table, self._index)
        if len(found) and isinstance(content, np.ndarray):
            feature, place = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
            self._add(_Found(feature, content[place], place + rows.first_row))

    def merge(self, other: Self) -> None:
        """Take in another's places, see `Sketch.merge`."""
        require_equal(self.most, other.most, "posting")
        require_equal(digest_of(self.features), digest_of(other.features), "posting")
        for found in other._found:
            self._add(found)

    def state(self) -> Arrays:
        """Return n-gram, hash and row of each place, sorted in this order."""
        found = self._smallest()
        return {"feature": found.feature, "content": found.content, "row": found.row}

    def restore(self, state: Arrays) -> None:
        """Take over saved places."""
        self._found = [_Found(state["feature"], state["content"], state["row"])]
        self._places = len(state["row"])

    def evidence(self) -> list[npt.NDArray[np.int64]]:
        """Return, per n-gram, some of its rows as sorted global row numbers."""
        found = self._smallest()
        borders = np.searchsorted(found.feature, np.arange(len(self.features) + 1))
        return [np.sort(found.row[first:last]) for first, last in pairwise(borders)]

    def _add(self, more: "_Found") -> None:
        self._found.append(more)
        self._places += len(more.row)
        if self._places > 2 * self.most * len(self.features) + PLACES_KEPT:
            self._found = [self._smallest()]
            self._places = len(self._found[0].row)

    def _smallest(self) -> "_Found":
        return _Found.joined(self._found).smallest(self.most)


class _Found(NamedTuple):
    """Places of n-grams: which, the content hash of the row, and the row; (n,) each."""

    feature: npt.NDArray[np.int64]
    content: npt.NDArray[np.uint64]
    row: npt.NDArray[np.int64]

    @classmethod
    def nothing(cls) -> "_Found":
        return cls(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64))

    @classmethod
    def joined(cls, pieces: Sequence["_Found"]) -> "_Found":
        return cls(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))

    def smallest(self, most: int) -> "_Found":
        """Return the places of each n-gram with the smallest hashes, sorted."""
        order = np.lexsort((self.row, self.content, self.feature))
        feature = self.feature[order]
        first = np.searchsorted(feature, feature)
        kept = order[np.arange(len(order)) - first < most]
        return _Found(self.feature[kept], self.content[kept], self.row[kept])
