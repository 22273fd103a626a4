"""From Arrow batches, of whatever file, to records: in slices that stay small once unpacked."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.read.arrow_sizes import FREE_VALUES, value_sizes
from corpus_guard.read.blocks import BLOCK_BYTES, BLOCK_RECORDS, BlockBuilder, decode
from corpus_guard.read.opening import FREE_BYTES, LARGEST_RATIO
from corpus_guard.types import RecordBlock, Unread

ROW_BYTES = 256
"""What a row counts besides its values: about what it takes up on its way through a scan."""


class OutOfProportionError(ValueError):
    """A file claims far more than its size can honestly hold."""


class Expansion:
    """How far a file has unpacked, and how far it may: as far as a compressed file may."""

    def __init__(self) -> None:
        """Start with nothing unpacked."""
        self.spent = 0

    def left(self, consumed: int) -> int:
        """Return the bytes that may still unpack after `consumed` bytes of the file."""
        return max(FREE_BYTES, LARGEST_RATIO * consumed) - self.spent

    def most_values(self, consumed: int) -> int:
        """Return how many values may hang together in one batch."""
        return max(FREE_VALUES, LARGEST_RATIO * consumed // ROW_BYTES)


def add_batch(
    block: BlockBuilder,
    batch: Any,  # noqa: ANN401  # pyarrow has no types
    options: ReadOptions,
    expansion: Expansion,
    consumed: int,
) -> Iterator[RecordBlock | Unread]:
    """Add the rows of a batch to a block; hand it out whenever it is full.

    Raises OutOfProportionError after the last row that `expansion` allows.
    """
    batch = _with_distinct_names(batch)
    rows = min(batch.num_rows, max(0, expansion.left(consumed)) // ROW_BYTES)
    is_whole = rows == batch.num_rows
    batch = batch.slice(0, rows)
    sizes = np.zeros(rows, np.int64)
    for column in batch.columns:
        sizes += value_sizes(column, expansion.most_values(consumed))
    ends = np.cumsum(sizes + ROW_BYTES)
    start, spent = 0, 0
    while start < rows:
        stop = int(np.searchsorted(ends, spent + BLOCK_BYTES, side="right"))
        stop = max(start + 1, min(stop, start + BLOCK_RECORDS))
        too_large = sizes[start:stop] > options.max_record_bytes + batch.num_columns
        if too_large.any():
            stop = start + max(1, int(np.argmax(too_large)))
        cost = min(int(ends[stop - 1]) - spent, (stop - start) * options.max_record_bytes)
        if cost > expansion.left(consumed):
            is_whole = False
            break
        expansion.spent += cost
        if too_large[0]:
            yield from _add_large(block, batch.slice(start, 1), int(sizes[start]), options)
        else:
            _add_rows(block, batch.slice(start, stop - start))
        yield from block.flush()
        start, spent = stop, int(ends[stop - 1])
    if not is_whole:
        raise OutOfProportionError("unpacks out of proportion to its size")


def _add_rows(block: BlockBuilder, batch: Any) -> None:  # noqa: ANN401
    for record, oddities in _records(batch):
        _add(block, record, oddities)


def _add(block: BlockBuilder, record: dict[str, Any], oddities: tuple[str, ...]) -> int:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        raw = orjson.dumps(record, default=str, option=options)
    except TypeError:  # nested too deep, or a whole number too long
        raw = repr(record).encode("utf-8", "replace")
    return block.add(-1, raw, record, oddities)


def _records(batch: Any) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:  # noqa: ANN401
    """Yield the records of a batch and what was odd about each."""
    import pyarrow as pa

    try:
        yield from [(record, ()) for record in batch.to_pylist()]
    except UnicodeDecodeError:  # Arrow does not check that strings are UTF-8
        columns = [as_binary(column) for column in batch.columns]
        for record in pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist():
            odd: set[str] = set()
            kept = {
                name: _decoded(value, odd) if _holds_text(batch.schema.field(name).type) else value
                for name, value in record.items()
            }
            yield kept, tuple(odd)


def _add_large(
    block: BlockBuilder, batch: Any, size: int, options: ReadOptions  # noqa: ANN401
) -> Iterator[Unread]:  # fmt: skip
    """Add the one row of a batch as far as the bound for a record goes."""
    left, record = options.max_record_bytes, {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        record[name], used = _cut(column[0], left)
        left -= used
    row = _add(block, record, ())
    cut = max(1, size - options.max_record_bytes)
    yield block.partial(row, -1, cut, "larger than --max-record; its beginning was scanned")


def _cut(value: Any, left: int) -> tuple[Any, int]:  # noqa: ANN401
    """Return what of an Arrow scalar fits into `left` bytes, and how many bytes that takes."""
    import pyarrow as pa

    if not value.is_valid or left <= 0:
        return None, 1
    if isinstance(value, pa.DictionaryScalar | pa.RunEndEncodedScalar | pa.ExtensionScalar):
        return _cut(value.value, left)
    if isinstance(value, pa.BinaryScalar):  # strings are a kind of these
        data = value.as_buffer()[:left].to_pybytes()
        is_text = isinstance(value, pa.StringScalar)
        return (data.decode("utf-8", "replace") if is_text else data), len(data) + 1
    if isinstance(value, pa.StructScalar):
        kept: dict[str, Any] = {}
        used = 1
        for name, item in value.items():
            kept[name], more = _cut(item, left - used)
            used += more
        return kept, used
    if isinstance(value, pa.ListScalar):
        items: list[Any] = []
        used = 1
        for item in value.values:
            if used >= left:
                break
            kept_item, more = _cut(item, left - used)
            items.append(kept_item)
            used += more
        return items, used
    return value.as_py(), 9


def _with_distinct_names(batch: Any) -> Any:  # noqa: ANN401
    """Return the batch with no column name given twice: a record holds only one value a name."""
    names: list[str] = []
    for name in batch.schema.names:
        taken, number = name, 2
        while taken in names:
            taken, number = f"{name} ({number})", number + 1
        names.append(taken)
    return batch if names == batch.schema.names else batch.rename_columns(names)


def as_binary(array: Any) -> Any:  # noqa: ANN401
    """Return the same array with binary in place of strings, however deep; nothing is copied."""
    import pyarrow as pa

    types, kind = pa.types, array.type
    plain = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}
    plain[pa.string_view()] = pa.binary_view()
    if kind in plain:
        return _rebuilt(array, plain[kind], array.buffers(), None)
    if types.is_dictionary(kind):
        values = as_binary(array.dictionary)
        return pa.DictionaryArray.from_arrays(array.indices, values, safe=False)
    if types.is_struct(kind):
        children = [as_binary(child) for child in array.flatten()]
        names = [field.name for field in kind]
        return pa.StructArray.from_arrays(children, names, mask=array.is_null())
    if types.is_map(kind):
        pairs = [as_binary(array.keys), as_binary(array.items)]
        child = pa.StructArray.from_arrays(pairs, ["key", "value"])
        return _rebuilt(array, pa.list_(child.type), array.buffers()[:2], child)
    if types.is_list(kind) or types.is_large_list(kind):
        child = as_binary(array.values)
        make = pa.list_ if types.is_list(kind) else pa.large_list
        return _rebuilt(array, make(child.type), array.buffers()[:2], child)
    if types.is_fixed_size_list(kind):
        child = as_binary(array.values)
        return _rebuilt(array, pa.list_(child.type, kind.list_size), array.buffers()[:1], child)
    return array


def _rebuilt(array: Any, kind: Any, buffers: Any, child: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    children = None if child is None else [child]
    return pa.Array.from_buffers(
        kind, len(array), buffers, offset=array.offset, children=children
    )  # fmt: skip


def _holds_text(kind: Any) -> bool:  # noqa: ANN401
    """Say whether a type is or holds strings; plain bytes stay bytes."""
    return "string" in str(kind)


def _decoded(value: Any, odd: set[str]) -> Any:  # noqa: ANN401
    """Return a value with its bytes as text; add to `odd` what was odd."""
    if isinstance(value, bytes):
        text, oddities = decode(value)
        odd.update(oddities)
        return text
    if isinstance(value, dict):
        return {key: _decoded(item, odd) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_decoded(item, odd) for item in value]
    return value
