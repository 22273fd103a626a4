import datetime
import decimal
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget
from corpus_guard.plugins import load
from corpus_guard.read import resolve_targets
from corpus_guard.types import RecordBlock, Unread

from .arrow_tables import tables
from .conftest import Reading, read_file
from .deep_schemas import deep_parquet

ROWS = [{"text": f"row {number}", "label": number % 2} for number in range(300)]
Write = Callable[..., Path]


def read_bytes(data: bytes, **options: object) -> tuple[list[object], list[Unread]]:
    """Return the records and the losses of a Parquet file, read in this very process."""
    spec, records, unread = load("read", "parquet").spec, list[object](), list[Unread]()
    for item in spec.read(io.BytesIO(data), ReadOptions(**options), 0, None):
        if isinstance(item, RecordBlock):
            records += item.fields
        else:
            unread.append(item)
    return records, unread


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
    path = write([row])
    records, unread = read_bytes(path.read_bytes())
    assert (repr(records), unread) == (repr([row]), [])
    found = read_file(path)
    told = {"bytes": "\ufffd\0brass", "time": "2026-01-02 03:04:05", "day": "2026-01-02",
            "decimal": "1.50", "float": "nan"}  # fmt: skip
    assert found.fields == [{**row, **told}]


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


@settings(max_examples=100, deadline=None)
@given(table=tables(arrow=False), rows=st.integers(1, 12), plain=st.booleans())
def test_any_table_gives_the_records_that_pyarrow_gives(
    table: pa.Table, rows: int, plain: bool
) -> None:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=rows, use_dictionary=not plain)
    records, unread = read_bytes(sink.getvalue())
    assert unread == []
    assert records == (pq.read_table(sink).to_pylist() if table.num_columns else [])


def test_chats_in_large_dictionaries_are_read() -> None:
    chats = [
        [
            {"role": "user", "content": f"{number % 300} " + "x" * 400},
            {"role": "bot", "content": None},
        ]
        for number in range(3000)
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table({"messages": chats}), sink)
    assert read_bytes(sink.getvalue()) == ([{"messages": chat} for chat in chats], [])


def test_columns_of_one_name_are_all_kept() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), sink)
    assert read_bytes(sink.getvalue()) == ([{"text": "a", "text (2)": "b"}], [])


def bomb(**options: object) -> bytes:
    """Return a small file in which one text of a mebibyte stands in a hundred thousand rows."""
    sink = io.BytesIO()
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), pa.array(["x" * (1 << 20)]))
    pq.write_table(pa.table({"text": texts}), sink, compression="zstd", **options)
    return sink.getvalue()


@pytest.mark.parametrize("is_typed", [True, False])
def test_a_value_that_stands_in_many_rows_takes_little_memory(
    tmp_path: Path, is_typed: bool
) -> None:
    (tmp_path / "data.parquet").write_bytes(bomb(store_schema=is_typed))
    found = read_file(tmp_path / "data.parquet")
    assert 200 <= len(found.rows) < 100_000
    assert f"{100_000 - len(found.rows)} rows are lost" in found.unread[0].reason


def test_pages_that_claim_to_unpack_to_too_much_are_not_unpacked() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"] * 300}), sink, use_dictionary=False, compression="none")
    data = sink.getvalue()
    start = pq.ParquetFile(sink).metadata.row_group(0).column(0).data_page_offset
    assert data[start : start + 3] == b"\x15\x00\x15"  # its kind, then its size once unpacked
    rest = data[start + 3 :].split(b"\x15", 1)[1]
    records, unread = read_bytes(data[: start + 3] + b"\x80\x80\x80\x80\x08\x15" + rest)
    assert records == []
    assert "a page unpacks to 1073741824 bytes); 300 rows are lost" in unread[0].reason


def test_rows_that_the_metadata_keeps_quiet_about_are_told() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    data, size = sink.getvalue(), int.from_bytes(sink.getvalue()[-8:-4], "little")
    footer = data[-8 - size :].replace(b"\x16\xd8\x04", b"\x16\xd6\x04")  # 300 becomes 299
    records, unread = read_bytes(data[: -8 - size] + footer)
    assert records == ROWS[:299]
    assert "holds 1 rows more than it claims" in unread[0].reason


@pytest.mark.parametrize("rows", [0, 10])
def test_a_file_without_rows_or_columns_is_no_failure(rows: int) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"] * rows}).slice(0, 0), sink)
    assert read_bytes(sink.getvalue()) == ([], [])


def test_a_schema_nested_too_deep_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(deep_parquet(20))
    assert read_file(path).unread == []
    path.write_bytes(deep_parquet(10_000))
    assert [lost.size_bytes for lost in read_file(path).unread] == [path.stat().st_size]


@pytest.mark.parametrize("magic", [b"PARE", b"PAR1"])
def test_an_encrypted_file_is_named_as_such(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(magic + bytes(100) + b"\x10\0\0\0PARE")
    if magic == b"PARE":
        with pytest.raises(UnreadableTarget, match="encrypted Parquet"):
            resolve_targets([str(path)], ReadOptions(), tmp_path)
    found = read_file(path, format="parquet")
    assert "encrypted" in found.unread[0].reason


def test_a_row_larger_than_the_bound_is_cut(write: Write) -> None:
    rows = [{"text": "before"}, {"text": "é" * 5000}, {"text": "after"}]
    found = read_file(write(rows), max_record_bytes=1001)
    assert found.texts[0::2] == ["before", "after"]
    assert str(found.texts[1]).startswith("é" * 480)
    assert [(lost.kind, lost.row) for lost in found.unread] == [("partial", 1)]
    assert found.oddities == [None] * 3


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
