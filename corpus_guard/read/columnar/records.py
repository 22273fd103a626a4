"""From Arrow batches, of whatever file, to records: in slices that stay small once unpacked."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BLOCK_BYTES, BlockBuilder, decode, many_made
from corpus_guard.read.columnar.sizes import (
    MOST_VALUES,
    VALUE_BYTES,
    TooManyValuesError,
    value_sizes,
)
from corpus_guard.read.columnar.types import with_bytes, without_dictionaries
from corpus_guard.read.opening import FREE_BYTES, LARGEST_RATIO
from corpus_guard.types import RecordBlock, Unread

ROW_BYTES = 256
"""What a row counts besides its values: about what it takes up on its way through a scan."""

MEASURED_ROWS = 1 << 16
UNBOUNDED = 1 << 40


class OutOfProportionError(ValueError):
    """A file claims far more than its size can honestly hold."""


class Expansion:
    """How far a file has unpacked, and how far it may: as far as a compressed file may."""

    def __init__(self) -> None:
        """Start with nothing unpacked."""
        self._spent = 0

    def spend(self, size: int, consumed: int) -> None:
        """Note that `size` bytes unpack out of a file of which `consumed` bytes were looked at.

        Raises OutOfProportionError when that is too much.
        """
        if self._spent + size > max(FREE_BYTES, LARGEST_RATIO * consumed):
            raise OutOfProportionError("unpacks out of proportion to its size")
        self._spent += size


def add_batch(
    block: BlockBuilder,
    batch: Any,  # noqa: ANN401  # pyarrow has no types
    options: ReadOptions,
    expansion: Expansion,
    consumed: int,
) -> Iterator[RecordBlock | Unread]:
    """Add the rows of a valid batch to a block; hand it out after every few.

    Raises OutOfProportionError after the last row that `expansion` allows.
    """
    columns = batch.num_columns
    batch = _with_distinct_names(batch.select(range(min(columns, options.max_keys))))
    for rows, sizes in _slices(batch, options.max_record_bytes, block):
        largest = options.max_record_bytes + VALUE_BYTES * batch.num_columns
        is_large = int(sizes[0]) > largest
        expansion.spend(
            ROW_BYTES * len(sizes) + min(int(sizes.sum()), BLOCK_BYTES + largest), consumed
        )
        first = block.next_row
        if is_large:
            yield from _add_large(block, rows, int(sizes[0]), options)
        else:
            _add_rows(block, rows)
        if columns > options.max_keys:
            why = f"more than {options.max_keys} keys; the first were scanned"
            yield from (block.partial(row, -1, 0, why) for row in range(first, block.next_row))
        yield from block.flush()


def _slices(batch: Any, max_record_bytes: int, block: BlockBuilder) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """Yield slices of about one block with the sizes of their rows; a row too large stands alone."""
    largest = max_record_bytes + VALUE_BYTES * batch.num_columns
    for window, sizes in _measured(batch):
        start = 0
        while start < len(sizes):
            ends = np.cumsum(sizes[start : start + block.room])
            stop = start + max(1, int(np.searchsorted(ends, BLOCK_BYTES, side="right")))
            too_large = np.flatnonzero(sizes[start:stop] > largest)
            if len(too_large):
                stop = start + max(1, int(too_large[0]))
            yield window.slice(start, stop - start), sizes[start:stop]
            start = stop


def _measured(batch: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """Yield slices of a batch that can be measured at once, with the sizes of their rows."""
    start, rows = 0, MEASURED_ROWS
    while start < batch.num_rows:
        window = batch.slice(start, rows)
        sizes = np.zeros(window.num_rows, np.int64)
        try:
            for column in window.columns:
                sizes += value_sizes(column)
        except TooManyValuesError:
            if window.num_rows > 1:
                rows = max(1, window.num_rows // 8)
                continue
            sizes = np.full(1, MOST_VALUES * VALUE_BYTES)
        yield window, sizes
        start += window.num_rows


def _add_rows(block: BlockBuilder, batch: Any) -> None:  # noqa: ANN401
    try:
        with many_made():
            records = _unpacked(batch).to_pylist()
        block.add_all_values(records)
    except Exception:  # no UTF-8, a name twice in a struct, a time that Python has no value for, …
        for place in range(batch.num_rows):
            values = _Values(UNBOUNDED)
            record = values.of_row(batch, place)
            block.add_values(record, tuple(sorted(values.oddities)))


def _unpacked(batch: Any) -> Any:  # noqa: ANN401
    """Return a small batch with values in place of dictionaries, as Python makes these much slower.

    A cast unpacks all that the parts of nested values refer to, so they are first cut to size.
    """
    import pyarrow as pa

    plain = [without_dictionaries(kind) for kind in batch.schema.types]
    if plain == batch.schema.types:
        return batch
    places = pa.array(np.arange(batch.num_rows))
    columns = [
        column if column.type == kind else column.take(places).cast(kind)
        for column, kind in zip(batch.columns, plain, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _add_large(
    block: BlockBuilder, batch: Any, size: int, options: ReadOptions  # noqa: ANN401
) -> Iterator[Unread]:  # fmt: skip
    """Add the one row of a batch as far as the bound for a record goes."""
    values = _Values(options.max_record_bytes)
    record = values.of_row(batch, 0)
    row = block.add_values(record, tuple(sorted(values.oddities)))
    cut = max(1, size - options.max_record_bytes)
    yield block.partial(row, -1, cut, "larger than --max-record; its beginning was scanned")


class _Values:
    """Takes the values of one row out of Arrow one by one, until so many bytes are taken."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self.oddities: set[str] = set()

    def of_row(self, batch: Any, place: int) -> dict[str, Any]:  # noqa: ANN401
        columns = zip(batch.schema.names, batch.columns, strict=True)
        return {name: self._value(column[place]) for name, column in columns}

    def _value(self, scalar: Any) -> Any:  # noqa: ANN401
        import pyarrow as pa

        if not scalar.is_valid or self._left <= 0:
            return None
        wrapped = pa.DictionaryScalar | pa.RunEndEncodedScalar | pa.ExtensionScalar | pa.UnionScalar
        if isinstance(scalar, wrapped):
            return self._value(scalar.value)
        if isinstance(scalar, pa.BinaryScalar):  # strings are a kind of these
            return self._data(scalar.as_buffer(), is_text=isinstance(scalar, pa.StringScalar))
        self._left -= VALUE_BYTES
        if isinstance(scalar, pa.StructScalar):
            names = _distinct([field.name for field in scalar.type])
            return {name: self._value(scalar[place]) for place, name in enumerate(names)}
        if isinstance(scalar, pa.ListScalar):
            return self._items(scalar)
        try:
            return scalar.as_py()
        except Exception:  # a time that Python has no value for, or in a zone that it does not know
            return str(scalar.value)

    def _items(self, scalar: Any) -> list[Any]:  # noqa: ANN401
        import pyarrow as pa

        values = scalar.values.slice(0, self._left // VALUE_BYTES + 1)
        whole = int(np.searchsorted(np.cumsum(value_sizes(values)), self._left, side="right"))
        try:
            items = values.slice(0, whole).to_pylist()
            self._left -= int(value_sizes(values.slice(0, whole)).sum())
        except Exception:  # as in `_add_rows`
            items = [self._value(item) for item in values.slice(0, whole)]
        if whole < len(values):
            items.append(self._value(values[whole]))
        is_map = isinstance(scalar, pa.MapScalar)
        return [tuple(item.values()) for item in items if item] if is_map else items

    def _data(self, buffer: Any, *, is_text: bool) -> str | bytes:  # noqa: ANN401
        self._left -= VALUE_BYTES
        data = buffer[: max(0, self._left)].to_pybytes()
        is_cut = len(data) < buffer.size
        self._left -= len(data)
        if not is_text:
            return bytes(data)
        text, oddities = decode(data)
        self.oddities.update(() if is_cut else oddities)
        return text


def validate(batch: Any) -> None:  # noqa: ANN401
    """Check all sizes and offsets of a batch from outside; its text may be no UTF-8.

    Raises ArrowInvalid when anything points outside of its buffers: reading that would end the process.
    """
    import pyarrow as pa

    batch.validate()
    for column in batch.columns:
        try:
            plain = column.view(with_bytes(column.type))
        except pa.ArrowException:  # some types cannot be viewed as another one
            plain = column
        plain.validate(full=True)


def _with_distinct_names(batch: Any) -> Any:  # noqa: ANN401
    names = _distinct(batch.schema.names)
    return batch if names == batch.schema.names else batch.rename_columns(names)


def _distinct(names: list[str]) -> list[str]:
    """Return names with a number behind each that was there before: a record has one value a name."""
    given, found = set(names), dict[str, int]()
    distinct = []
    for name in names:
        number, wanted = found.get(name, 0) + 1, name
        while number > 1 and (wanted := f"{name} ({number})") in given:
            number += 1
        found[name] = number
        given.add(wanted)
        distinct.append(wanted)
    return distinct
