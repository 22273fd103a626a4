"""Parquet (.parquet, .pq). Sizes are checked in the metadata before a row group is read."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder, decode
from corpus_guard.types import RecordBlock, Unread

ROW_GROUP_BYTES = 2 << 30
BATCH_ROWS = 1024


@reader(extensions=(".parquet", ".pq"), seekable=True, native=True)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of a Parquet file; a broken or oversized row group is one `Unread`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    block = BlockBuilder()
    table = pq.ParquetFile(stream)
    for group in range(table.num_row_groups):
        about = table.metadata.row_group(group)
        next_group = block.next_row + about.num_rows
        packed = sum(about.column(i).total_compressed_size for i in range(about.num_columns))
        try:
            if about.total_byte_size > ROW_GROUP_BYTES:
                raise ValueError(f"unpacks to {about.total_byte_size} bytes")
            for batch in table.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False):
                _add(block, batch)
                yield from block.flush()
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            yield _lost(group, packed, str(error))
        else:
            block.count(packed)
        block.next_row = max(block.next_row, next_group)
    yield from block.flush()


def _add(block: BlockBuilder, batch: Any) -> None:  # noqa: ANN401  # pyarrow has no types
    for record, oddities in _records(batch):
        raw = orjson.dumps(
            record, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
        )
        block.add(-1, raw, record, oddities)


def _records(batch: Any) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:  # noqa: ANN401
    """Yield the records of a batch and what was odd about each."""
    import pyarrow as pa

    try:
        yield from ((record, ()) for record in batch.to_pylist())
    except UnicodeDecodeError:  # Arrow does not check that strings are UTF-8
        schema = pa.schema([field.with_type(_as_bytes(field.type)) for field in batch.schema])
        for record in batch.cast(schema).to_pylist():
            odd: set[str] = set()
            yield _decoded(record, odd), tuple(odd)


def _as_bytes(kind: Any) -> Any:  # noqa: ANN401
    """Return a type with binary in place of strings, however deep."""
    import pyarrow as pa

    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.large_binary()
    if types.is_dictionary(kind):
        return _as_bytes(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([field.with_type(_as_bytes(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(_as_bytes(kind.key_type), _as_bytes(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.large_list(_as_bytes(kind.value_type))
    return kind


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


def _lost(group: int, size: int, why: str) -> Unread:
    return Unread(
        file="",
        kind="bytes",
        row=-1,
        byte_offset=-1,
        size_bytes=size,
        reason=f"row group {group} cannot be read ({safe_text(why, 120)})",
    )
