"""`rows.parquet`: one row per record, for machines."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_guard.report.replacing import replacing

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


def write_rows(path: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches that have the columns of `ROWS_SCHEMA`; return the number of rows.

    Raises ValueError when a batch has other columns or types. The file appears whole or not at all.
    """
    rows = 0
    with replacing(path) as part, pq.ParquetWriter(part, ROWS_SCHEMA, compression="zstd") as writer:
        for batch in batches:
            if not batch.schema.equals(ROWS_SCHEMA):
                raise ValueError(f"rows must have the columns of ROWS_SCHEMA, not {batch.schema}")
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows
