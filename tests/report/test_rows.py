from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus_guard.report.rows import ROWS_SCHEMA, write_rows


def batch(rows: range) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [
            {
                "file": "data.jsonl",
                "row": row,
                "byte_offset": row * 100,
                "record_id": None,
                "sha256": bytes([row]) * 32,
                "source": "somewhere",
                "score": row / 10,
                "flagged": row == 3,
                "rules": ["CG202"] if row == 3 else [],
                "findings": ["CG202-0123456789ab"] if row == 3 else [],
                "cluster": -1,
            }
            for row in rows
        ],
        schema=ROWS_SCHEMA,
    )


def test_rows_read_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "run" / "rows.parquet"
    assert write_rows(path, iter([batch(range(3)), batch(range(3, 5))])) == 5
    table = pq.read_table(path)
    assert table.schema.equals(ROWS_SCHEMA)
    assert table.column("row").to_pylist() == [0, 1, 2, 3, 4]
    assert table.column("rules").to_pylist()[3] == ["CG202"]
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_no_records_give_an_empty_file(tmp_path: Path) -> None:
    assert write_rows(tmp_path / "rows.parquet", []) == 0
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == 0


def test_other_columns_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ROWS_SCHEMA"):
        write_rows(tmp_path / "rows.parquet", [pa.record_batch({"row": [1]})])
    assert not list(tmp_path.iterdir())


def test_an_error_on_the_way_keeps_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_rows(path, [batch(range(2))])

    def breaking() -> Iterator[pa.RecordBatch]:
        yield batch(range(1))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        write_rows(path, breaking())
    assert pq.read_table(path).num_rows == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.parquet"]
