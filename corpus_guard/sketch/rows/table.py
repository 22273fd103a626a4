"""All scanned rows, part after part: their columns, their records, where they come from.

Nothing is loaded as a whole: columns are mapped, records are unpacked a batch at a time and kept for a
while, so that a finding costs what it touches.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.sketch.rows.batch import CONTENT, Column, Ragged, Rows, input_column
from corpus_guard.sketch.rows.store import PartStore, StoredPart
from corpus_guard.types import BATCH_SCHEMA, RowRef

CACHE_BYTES = 96 << 20
ROWS_AT_ONCE = 8192
CHUNK = 65_536
ALL_FIELDS = tuple(BATCH_SCHEMA.names)
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpan:
    """Which global rows a stored part holds: [first_row, first_row + rows)."""

    key: str
    first_row: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """Which rows come from which file, one entry a shard.

    `first_rows` (s,) int64: the shard's first row; `first_records` (s,) int64: how many records of
    its file come before it; `names`: its file.
    """

    names: tuple[str, ...]
    first_rows: RowNumbers
    first_records: RowNumbers

    def entries(self, rows: RowNumbers) -> RowNumbers:
        """Return the entry that each row belongs to."""
        return np.searchsorted(self.first_rows, rows, side="right") - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some spooled batches of one part: what a worker sees of a table in one go."""

    key: str
    first_row: int
    first_batch: int
    last_batch: int


class RowTable:
    """The rows of a scan, numbered from 0 in the order of the target."""

    def __init__(self, store: PartStore, spans: Sequence[PartSpan], files: FileRows) -> None:
        """Lay stored parts end to end."""
        self.store, self.spans, self.files = store, tuple(spans), files
        self._first_rows = np.array([span.first_row for span in spans], np.int64)
        self._count = spans[-1].first_row + spans[-1].rows if spans else 0
        self._parts: dict[int, StoredPart] = {}
        self._cache: OrderedDict[tuple[int, int, tuple[str, ...]], pa.RecordBatch] = OrderedDict()
        self._cached_bytes = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def part(self, span: int) -> StoredPart:
        """Return the stored part of a span."""
        if span not in self._parts:
            self._parts[span] = self.store.part(self.spans[span].key)
        return self._parts[span]

    def column(self, name: str) -> "TableColumn":
        """Return a column of all rows by its name."""
        return TableColumn(self, name)

    def stretches(self) -> Iterator[Stretch]:
        """Yield the rows in pieces that can be looked at one by one, anywhere."""
        for number, span in enumerate(self.spans):
            starts = self.part(number).starts
            first = 0
            while first < len(starts) - 1:
                last = int(np.searchsorted(starts, starts[first] + CHUNK, side="left"))
                last = min(max(last, first + 1), len(starts) - 1)
                yield Stretch(
                    key=span.key, first_row=span.first_row, first_batch=first, last_batch=last
                )
                first = last

    def release(self) -> None:
        """Let go of columns and records that were looked at; they are mapped anew when needed."""
        self._parts.clear()
        self._cache.clear()
        self._cached_bytes = 0

    @cached_property
    def canonical_order(self) -> RowNumbers:
        """All rows sorted by content, so that nothing depends on the order of arrival."""
        return np.argsort(self.column(CONTENT).whole(), kind="stable").astype(np.int64, copy=False)

    def sample(self, rows: RowNumbers, count: int) -> RowNumbers:
        """Return the `count` rows with the smallest content hashes, sorted: no order changes them."""
        if len(rows) <= count:
            return rows
        hashes = self.column(CONTENT).take(rows)
        return np.sort(rows[np.argsort(hashes, kind="stable")[:count]])

    def records(
        self, rows: Sequence[int] | RowNumbers, fields: tuple[str, ...] = ALL_FIELDS
    ) -> list[dict[str, Any]]:
        """Return some records as mappings of these fields, in the order asked for."""
        wanted = np.asarray(rows, np.int64)
        found: dict[int, dict[str, Any]] = {}
        for span, index, first, local in self._places(np.unique(wanted)):
            batch = self._batch(span, index, fields).take(pa.array(local))
            found.update(zip((local + first).tolist(), batch.to_pylist(), strict=True))
        return [found[int(row)] for row in wanted]

    def inputs(self, rows: Sequence[int] | RowNumbers) -> list[str]:
        """Return the input text of some rows, in the order asked for."""
        return [
            record["prompt"] if record["prompt"] is not None else record["text"] or ""
            for record in self.records(rows, ("text", "prompt"))
        ]

    def input_column(self, rows: RowNumbers) -> pa.Array:
        """Return the input text of some rows, sorted, as one string column with nulls."""
        pieces = [
            input_column(self._batch(span, index, ("text", "prompt")).take(pa.array(local)))
            for span, index, _, local in self._places(rows)
        ]
        return pa.concat_arrays(pieces) if pieces else pa.array([], pa.string())

    def responses(self, rows: Sequence[int] | RowNumbers) -> list[str]:
        """Return the response of some rows, in the order asked for; "" for none."""
        return [record["response"] or "" for record in self.records(rows, ("response",))]

    def places(self, rows: Sequence[int] | RowNumbers) -> list[RowRef]:
        """Return the file and the record number of some rows."""
        wanted = np.asarray(rows, np.int64)
        entries = self.files.entries(wanted)
        return [
            RowRef(
                file=self.files.names[entry],
                row=int(self.files.first_records[entry]) + record["row"],
            )
            for entry, record in zip(entries, self.records(wanted, ("row",)), strict=True)
        ]

    def text_column(self, name: str) -> Iterator[pa.Array]:
        """Yield one field of all records, batch by batch, unpacked anew."""
        for batch in self.batches((name,)):
            yield batch[name]

    def batches(self, fields: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """Yield all records in order, with these fields."""
        for number in range(len(self.spans)):
            part = self.part(number)
            for index in range(len(part.starts) - 1):
                yield part.batch(index, fields)

    def _batch(self, span: int, index: int, fields: tuple[str, ...]) -> pa.RecordBatch:
        key = (span, index, fields)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        batch = self._cache[key] = self.part(span).batch(index, fields)
        self._cached_bytes += batch.nbytes
        while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
            self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return batch

    def _places(self, rows: RowNumbers) -> Iterator[tuple[int, int, int, RowNumbers]]:
        """Yield (span, batch, global number of its first row, rows inside it) of sorted rows."""
        for span, start, local in self.by_span(rows):
            starts = self.part(span).starts
            inside = np.searchsorted(starts, local, side="right") - 1
            cuts = np.flatnonzero(np.diff(inside)) + 1
            for some, index in zip(
                np.split(local, cuts), inside[np.concatenate([[0], cuts])], strict=True
            ):
                first = int(starts[index])
                yield span, int(index), start + first, some - first

    def by_span(self, rows: RowNumbers) -> Iterator[tuple[int, int, RowNumbers]]:
        """Yield (span, its first row, rows inside it) of sorted rows."""
        borders = np.append(np.searchsorted(rows, self._first_rows), len(rows))
        for span in np.flatnonzero(np.diff(borders)):
            start = int(self._first_rows[span])
            yield int(span), start, rows[borders[span] : borders[span + 1]] - start


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column over all parts."""

    table: RowTable
    name: str

    @property
    def is_absent(self) -> bool:
        """Whether no row has a value."""
        return all(column is None for column in self._columns())

    def take(self, rows: RowNumbers) -> npt.NDArray[Any]:
        """Return the values of some rows, in the order asked for; zeros where a part has none."""
        if len(rows) > 1 and not bool((rows[1:] >= rows[:-1]).all()):
            order = np.argsort(rows, kind="stable")
            found = np.empty_like(taken := self.take(rows[order]))
            found[order] = taken
            return found
        pieces = [
            _plain(self.table.part(span).column(self.name), len(local), local)
            for span, _, local in self.table.by_span(rows)
        ]
        return self._joined(pieces)

    def chunks(self, size: int = CHUNK) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield (first row, values) over all rows in order, mapped where a part has values."""
        zero = self._zero()
        for number, span in enumerate(self.table.spans):
            values = self.table.part(number).column(self.name)
            for first in range(0, span.rows, size):
                last = min(first + size, span.rows)
                piece = _plain(values, last - first, slice(first, last))
                yield span.first_row + first, _shaped(piece, zero)

    def whole(self) -> npt.NDArray[Any]:
        """Return the values of all rows; copied unless there is one part."""
        pieces = [
            _plain(self.table.part(number).column(self.name), span.rows, slice(None))
            for number, span in enumerate(self.table.spans)
        ]
        return self._joined(pieces)

    def mapped(self) -> npt.NDArray[Any]:
        """Return the values of all rows, laid end to end in a file and mapped: no memory of ours."""
        if len(self.table.spans) == 1 or self.is_absent:
            return self.whole()
        return self.table.store.gathered(self.name, (values for _, values in self.chunks()))

    def _columns(self) -> Iterator[Column]:
        return (self.table.part(n).column(self.name) for n in range(len(self.table.spans)))

    def _zero(self) -> npt.NDArray[Any]:
        known = (column for column in self._columns() if column is not None)
        first = next(known, None)
        return np.zeros((0, 0), np.int8) if first is None else _plain(first, 0, slice(0, 0))

    def _joined(self, pieces: list[npt.NDArray[Any] | int]) -> npt.NDArray[Any]:
        zero = self._zero()
        if len(pieces) == 1:
            return _shaped(pieces[0], zero)
        return np.concatenate([zero, *(_shaped(piece, zero) for piece in pieces)])


def _plain(column: Column, count: int, rows: RowNumbers | slice) -> Any:  # noqa: ANN401  # values, or how many zeros
    if column is None:
        return count
    if isinstance(column, Ragged):
        raise TypeError("a ragged column is read by stretches")
    return column[rows]


def _shaped(piece: npt.NDArray[Any] | int, zero: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if isinstance(piece, int):
        return np.zeros((piece, *zero.shape[1:]), zero.dtype)
    return piece


def stored_rows(store: PartStore, stretches: Iterable[Stretch]) -> Iterator[Rows]:
    """Yield the rows of some stretches under their global numbers, some thousand at a time."""
    key, part = None, None
    for stretch in stretches:
        if part is None or stretch.key != key:
            key, part = stretch.key, store.part(stretch.key)
        index = stretch.first_batch
        while index < stretch.last_batch:
            starts = part.starts
            last = int(np.searchsorted(starts, starts[index] + ROWS_AT_ONCE, side="left"))
            last = min(max(last, index + 1), stretch.last_batch)
            yield _rows_at(part, stretch.first_row, index, last)
            index = last


def _rows_at(part: StoredPart, first_row: int, first_batch: int, last_batch: int) -> Rows:
    first, last = int(part.starts[first_batch]), int(part.starts[last_batch])

    def batch() -> pa.RecordBatch:
        found = [part.batch(index, ALL_FIELDS) for index in range(first_batch, last_batch)]
        return pa.concat_batches(found) if len(found) > 1 else found[0]

    return Rows(last - first, first_row + first, batch, lambda name: cut(part, name, first, last))


def cut(part: StoredPart, name: str, first: int, last: int) -> Column:
    """Return a column of rows first to last of a part."""
    column = part.column(name)
    if isinstance(column, Ragged):
        bounds = column.bounds[first : last + 1]
        return Ragged(column.values[bounds[0] : bounds[-1]], bounds - bounds[0])
    return None if column is None else column[first:last]


def dictionary_encoded(
    columns: Iterable[pa.Array], most: int
) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Return codes (n,) int32 into sorted distinct strings, -1 for null; a batch at a time.

    Stops as soon as there are more than `most`.
    """
    known: dict[str, int] = {}
    found: list[npt.NDArray[np.int32]] = []
    for column in columns:
        encoded = pc.dictionary_encode(column)
        codes = [known.setdefault(value, len(known)) for value in encoded.dictionary.to_pylist()]
        raw = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        found.append(np.array([*codes, -1], np.int32)[raw])
        if len(known) > most:
            break
    names = sorted(known)
    rank = np.full(len(known) + 1, -1, np.int32)  # the last is that of -1
    rank[[known[name] for name in names]] = np.arange(len(names), dtype=np.int32)
    return (rank[np.concatenate(found)] if found else np.zeros(0, np.int32)), names
