"""`rows.parquet`: one row per record, for machines."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_guard.replacing import replacing

ROWS_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("byte_offset", pa.int64()),
        pa.field("record_id", pa.string()),
        pa.field("sha256", pa.binary()),
        pa.field("source", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("flagged", pa.bool_()),
        pa.field("rules", pa.list_(pa.string())),
        pa.field("findings", pa.list_(pa.string())),
        pa.field("cluster", pa.int64()),
    ]
)
"""`row` is the 0-based record number in its file, `score` lies in [0, 1], `flagged` marks what
`clean` would drop, `cluster` is -1 for a record in no cluster."""


ROWS_AT_ONCE = 1 << 16


def write_rows(path: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches that have the columns of `ROWS_SCHEMA`; return the number of rows.

    The bytes depend on the rows alone, not on how they were cut into batches. Raises ValueError when
    a batch has other columns or types. The file appears whole or not at all.
    """
    rows = 0
    with replacing(path) as part, pq.ParquetWriter(part, ROWS_SCHEMA, compression="zstd") as writer:
        for table in _evenly_cut(batches):
            writer.write_table(table.combine_chunks(), row_group_size=ROWS_AT_ONCE)
            rows += table.num_rows
    return rows


def _evenly_cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield the same rows in tables of `ROWS_AT_ONCE`, the last of fewer."""
    waiting = ROWS_SCHEMA.empty_table()
    for batch in batches:
        if not batch.schema.equals(ROWS_SCHEMA):
            raise ValueError(f"rows must have the columns of ROWS_SCHEMA, not {batch.schema}")
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while waiting.num_rows >= ROWS_AT_ONCE:
            yield waiting.slice(0, ROWS_AT_ONCE)
            waiting = waiting.slice(ROWS_AT_ONCE)
    if waiting.num_rows:
        yield waiting
