"""Parquet (.parquet, .pq): each row is a record.

Sizes are checked in the metadata and the page headers before anything is unpacked, and a value that
stands in many rows is unpacked a few rows at a time. A broken or oversized row group is one `Unread`;
rows out of proportion to the file's size (a few kilobytes that claim a billion) are left out and told.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.arrow_records import Expansion, OutOfProportionError, add_batch
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.parquet_pages import pages_of
from corpus_guard.types import RecordBlock, Unread

ROW_GROUP_BYTES = 2 << 30
BATCH_ROWS = 1024
BATCH_BYTES = 64 << 20
_SHARED_PREFIXES = "DELTA_BYTE_ARRAY"


@reader(extensions=(".parquet", ".pq"), seekable=True, native=True)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of a Parquet file; a broken or oversized row group is one `Unread`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    block, expansion = BlockBuilder(), Expansion()
    size = stream.seek(0, 2)
    metadata = pq.ParquetFile(stream).metadata
    for group in range(metadata.num_row_groups):
        about = metadata.row_group(group)
        next_group = block.next_row + about.num_rows
        packed = _packed(metadata, group)
        try:
            for batch in _batches(stream, metadata, group, expansion.most_values(size)):
                yield from add_batch(block, batch, options, expansion, size)
        except OutOfProportionError as error:
            yield from block.flush()
            rest = range(group, metadata.num_row_groups)
            rows = sum(metadata.row_group(i).num_rows for i in rest) - (
                block.next_row - next_group + about.num_rows
            )
            yield _lost(
                f"{error}; {rows} rows are left out", sum(_packed(metadata, i) for i in rest)
            )
            return
        except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
            yield from block.flush()
            why = safe_text(str(error), 120)
            yield _lost(f"row group {group} cannot be read ({why})", packed)
        else:
            block.count(packed)
        block.next_row = max(block.next_row, next_group)
    yield from block.flush()


def _batches(stream: BinaryIO, metadata: Any, group: int, most_values: int) -> Iterator[Any]:  # noqa: ANN401
    """Yield the rows of a row group as batches that are small as they stand."""
    import pyarrow.parquet as pq

    about = metadata.row_group(group)
    if about.total_byte_size > ROW_GROUP_BYTES:
        raise ValueError(f"unpacks to {about.total_byte_size} bytes")
    rows, repeated = BATCH_ROWS, []
    for place in range(about.num_columns):
        chunk, nested = about.column(place), metadata.schema.column(place).max_repetition_level > 0
        pages = pages_of(stream, chunk)
        if nested and pages.values > most_values:
            raise ValueError(f"claims {pages.values} values, out of proportion to its size")
        if chunk.physical_type != "BYTE_ARRAY" or pages.largest * BATCH_ROWS <= BATCH_BYTES:
            continue
        repeated.append(chunk.path_in_schema)
        if _SHARED_PREFIXES in chunk.encodings:  # a value may be as large as all of its page
            rows = min(rows, max(1, BATCH_BYTES // pages.largest))
            if nested and pages.largest * pages.values > BATCH_BYTES * BATCH_ROWS:
                raise ValueError("holds lists of values with long shared prefixes")
    table = pq.ParquetFile(stream, metadata=metadata, read_dictionary=repeated, pre_buffer=False)
    yield from table.iter_batches(rows, row_groups=[group], use_threads=False)


def _packed(metadata: Any, group: int) -> int:  # noqa: ANN401
    about = metadata.row_group(group)
    return sum(about.column(place).total_compressed_size for place in range(about.num_columns))


def _lost(reason: str, size: int) -> Unread:
    return Unread(
        file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=size, reason=reason
    )  # fmt: skip
