"""Parquet (.parquet, .pq). Sizes are checked in the metadata before a row group is read."""

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.types import RecordBlock, Unread

ROW_GROUP_BYTES = 2 << 30
BATCH_ROWS = 1024


@reader(extensions=(".parquet", ".pq"), seekable=True)
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
        packed = sum(about.column(i).total_compressed_size for i in range(about.num_columns))
        if about.total_byte_size > ROW_GROUP_BYTES:
            yield _lost(group, packed, f"unpacks to {about.total_byte_size} bytes")
            block.next_row += about.num_rows
            continue
        try:
            for batch in table.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False):
                for record in batch.to_pylist():
                    raw = orjson.dumps(
                        record, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
                    )
                    block.add(-1, raw, record)
                yield from block.flush()
        except (pa.ArrowException, OSError, UnicodeDecodeError, orjson.JSONEncodeError) as error:
            yield _lost(group, packed, f"cannot be read: {type(error).__name__}")
            continue
        block.count(packed)
    yield from block.flush()


def _lost(group: int, size: int, why: str) -> Unread:
    return Unread(
        file="",
        kind="bytes",
        row=-1,
        byte_offset=-1,
        size_bytes=size,
        reason=f"row group {group} {why}",
    )
