import datetime
import decimal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.read.shards import read_here

from .conftest import Reading, read_file

ROWS = [{"text": f"row {number}", "label": number % 2} for number in range(300)]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes rows as Parquet."""

    def write_rows(rows: list[dict[str, object]], **options: object) -> Path:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data.parquet", **options)
        return tmp_path / "data.parquet"

    return write_rows


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_rows_are_records_in_every_codec(write: Write, codec: str) -> None:
    found = read_file(write(ROWS, compression=codec))
    assert (found.fields, found.rows) == (ROWS, list(range(300)))
    assert found.bytes_read == found.size


@pytest.mark.parametrize("size", [1, 7, 299, 300])
def test_row_groups_make_no_difference(write: Write, size: int) -> None:
    whole, cut = read_file(write(ROWS)), read_file(write(ROWS, row_group_size=size))
    assert cut.records == whole.records


def test_values_of_every_type_are_kept(write: Write) -> None:
    row: dict[str, object] = {
        "bytes": b"\xff\x00brass",
        "time": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "day": datetime.date(2026, 1, 2),
        "decimal": decimal.Decimal("1.50"),
        "nested": {"list": [{"deep": "heron"}], "map": None},
        "float": float("nan"),
        "none": None,
    }
    found = read_file(write([row]))
    assert repr(found.fields) == repr([row])
    assert found.unread == []


def test_strings_that_are_no_utf8_do_not_end_the_file(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"a \xff b", b"last"], pa.binary())
    strings = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"text": strings}), tmp_path / "data.parquet")
    found = read_file(tmp_path / "data.parquet")
    assert found.texts == ["good", "a \ufffd b", "last"]
    assert found.oddities == [None, "invalid_utf8", None]


def damaged(path: Path, place: int) -> Reading:
    data = bytearray(path.read_bytes())
    data[place : place + 16] = b"\xff" * 16
    path.write_bytes(bytes(data))
    return read_file(path)


def test_a_damaged_row_group_costs_only_itself(write: Write) -> None:
    path = write(ROWS, row_group_size=100, compression="gzip")
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    found = damaged(path, start)
    assert [text for text in found.texts if text in ("row 0", "row 99", "row 200")] == [
        "row 0", "row 99", "row 200",
    ]  # fmt: skip
    assert [lost.kind for lost in found.unread] == ["bytes"]
    assert found.rows[-1] == 299


@pytest.mark.parametrize("keep", [3, 100, -1])
def test_a_file_that_ends_early_is_told(write: Write, keep: int) -> None:
    path = write(ROWS)
    path.write_bytes(path.read_bytes()[:keep])
    found = read_file(path, format="parquet")
    assert (found.fields, [lost.kind for lost in found.unread]) == ([], ["bytes"])
    assert found.unread[0].size_bytes == found.size


def test_a_row_group_that_unpacks_to_too_much_is_left_out(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpus_guard.read.formats.parquet.ROW_GROUP_BYTES", 1000)
    monkeypatch.setattr("corpus_guard.read.isolated.read", read_here)  # where the bound is small
    found = read_file(write(ROWS, row_group_size=250))
    assert found.texts == [f"row {number}" for number in range(250, 300)]
    assert [lost.kind for lost in found.unread] == ["bytes"]
    assert found.rows == list(range(250, 300))


@settings(max_examples=60, deadline=None)
@given(places=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6))
def test_damage_anywhere_is_survived(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "data.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=100)
    data = bytearray(path.read_bytes())
    for place, value in places:
        data[place % len(data)] = value
    path.write_bytes(bytes(data))
    found = read_file(path, format="parquet")
    assert found.fields or found.unread
