import datetime
import decimal
import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.feather
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget
from corpus_guard.plugins import load
from corpus_guard.read import resolve_targets
from corpus_guard.types import RecordBlock, Unread

from .arrow_tables import tables
from .conftest import Read, read_file
from .deep_schemas import deep_arrow

ROWS = [{"text": f"row {number}", "label": number % 2} for number in range(300)]
TABLE = pa.Table.from_pylist(ROWS)


def ipc(table: pa.Table, rows: int = 100, *, stream: bool = False, **options: object) -> bytes:
    """Return a table as an Arrow file or stream in batches of so many rows."""
    sink = io.BytesIO()
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def feather(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(table, sink, **options)
    return sink.getvalue()


def read_bytes(data: bytes, **options: object) -> tuple[list[object], list[Unread]]:
    """Return the records and the losses of an Arrow file, read in this very process."""
    spec, records, unread = load("read", "arrow").spec, list[object](), list[Unread]()
    for item in spec.read(io.BytesIO(data), ReadOptions(**options), 0, None):
        if isinstance(item, RecordBlock):
            records += item.fields
        else:
            unread.append(item)
    return records, unread


@pytest.mark.parametrize(
    "data",
    [
        ipc(TABLE),
        ipc(TABLE, stream=True),
        ipc(TABLE, compression="zstd"),
        ipc(TABLE, stream=True, compression="lz4"),
        ipc(TABLE, stream=True, use_legacy_format=True),
        feather(TABLE, compression="uncompressed"),
        feather(TABLE, compression="zstd", chunksize=7),
    ],
)
@pytest.mark.parametrize("name", ["data.arrow", "data.feather", "data.ipc", "data", "data.jsonl"])
def test_files_streams_and_feather_are_read_under_any_name(
    read: Read, data: bytes, name: str
) -> None:
    found = read(data, name)
    assert (found.fields, found.rows, found.unread) == (ROWS, list(range(300)), [])
    assert found.bytes_read == found.size


@settings(max_examples=100, deadline=None)
@given(table=tables(arrow=True), rows=st.integers(1, 12), stream=st.booleans())
def test_any_table_gives_the_records_that_pyarrow_gives(
    table: pa.Table, rows: int, stream: bool
) -> None:
    records, unread = read_bytes(ipc(table, rows, stream=stream))
    assert unread == []
    assert records == (table.to_pylist() if table.num_columns else [])


def test_values_are_kept_as_they_are() -> None:
    row = {
        "image": {"bytes": b"\xff\xd8\x00", "path": "a.jpg"},
        "time": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "price": decimal.Decimal("1.50"),
        "map": [("key", 1)],
        "none": None,
    }
    kinds = {"map": pa.map_(pa.string(), pa.int64()), "none": pa.null()}
    columns = {name: pa.array([value], kinds.get(name)) for name, value in row.items()}
    assert read_bytes(ipc(pa.table(columns))) == ([row], [])


def test_extension_types_are_read_as_what_they_hold() -> None:
    tensor = pa.fixed_shape_tensor(pa.int32(), [2])
    storage = pa.array([[1, 2]], pa.list_(pa.int32(), 2))
    table = pa.table({
        "json": pa.array(['{"a": 1}'], pa.json_()),
        "tensor": pa.ExtensionArray.from_storage(tensor, storage),
        "unknown": pa.ExtensionArray.from_storage(
            pa.opaque(pa.string(), "point", "acme"), pa.array(["brass"])
        ),
    })  # fmt: skip
    records, unread = read_bytes(ipc(table))
    assert unread == []
    assert repr(records) == repr(table.to_pylist())


def test_dictionaries_may_grow_and_be_replaced() -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    schema = pa.schema([("text", kind), ("other", pa.list_(kind))])
    batches = [
        pa.record_batch(
            [
                pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(words)),
                pa.array([["heron", None], []], pa.list_(kind)),
            ],
            schema=schema,
        )
        for words in (["a", "b"], ["a", "b", "c"], ["x", "y"])
    ]
    for grows in (True, False):
        sink = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=grows)
        with pa.ipc.new_stream(sink, schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        wanted = [record for batch in batches for record in batch.to_pylist()]
        assert read_bytes(sink.getvalue()) == (wanted, [])


def test_no_batch_is_read_with_the_dictionary_before_one_that_is_lost() -> None:
    kind, sink = pa.dictionary(pa.int8(), pa.string()), io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, pa.schema([("text", kind)]), options=options) as writer:
        for words in (["a", "b"], ["c", "d"], ["e", "f"]):
            values = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(words))
            writer.write_batch(pa.record_batch([values], ["text"]))
    data = bytearray(sink.getvalue())
    second = data.index(b"\x28\xb5\x2f\xfd", batch_places(data)[0].offset)
    while second < batch_places(bytes(data))[1].offset:
        last, second = second, data.index(b"\x28\xb5\x2f\xfd", second + 1)
    data[last - 8 : last] = struct.pack("<q", 1 << 42)
    records, unread = read_bytes(bytes(data))
    assert [record["text"] for record in records] == ["a", "b", "e", "f"]
    assert len(unread) == 2
    assert "a dictionary that it needs was lost); 2 rows are lost" in unread[1].reason


@pytest.mark.parametrize("stream", [True, False])
def test_a_file_without_rows_is_read_whole(read: Read, stream: bool) -> None:
    found = read(ipc(TABLE.slice(0, 0), stream=stream), "data.arrow")
    assert (found.fields, found.unread, found.bytes_read) == ([], [], found.size)


def test_rows_without_columns_are_empty_records() -> None:
    batch = pa.record_batch({"a": [1, 2]}).select([])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert read_bytes(sink.getvalue()) == ([{}, {}], [])


def test_columns_of_one_name_are_all_kept() -> None:
    names = ["text", "text", "text (2)", "text"]
    table = pa.table([[b] for b in "abcd"], names=names)
    struct = pa.StructArray.from_arrays([pa.array(["e"]), pa.array(["f"])], ["k", "k"])
    records, unread = read_bytes(ipc(table.append_column("inner", struct)))
    assert unread == []
    assert records == [
        {"text": "a", "text (3)": "b", "text (2)": "c", "text (4)": "d",
         "inner": {"k": "e", "k (2)": "f"}}
    ]  # fmt: skip


def test_times_that_python_cannot_hold_end_nothing() -> None:
    column = pa.array([0, 2**62], pa.timestamp("s"))
    records, unread = read_bytes(ipc(pa.table({"time": column, "text": ["a", "b"]})))
    assert [record["text"] for record in records] == ["a", "b"]
    assert (str(records[0]["time"]), unread) == ("1970-01-01 00:00:00", [])
    assert str(2**62) in str(records[1]["time"])


class Place(NamedTuple):
    """Where a record batch lies in a file or stream."""

    offset: int
    metadata_bytes: int
    body_bytes: int


def batch_places(data: bytes) -> list[Place]:
    offset = 8 if data.startswith(b"ARROW1") else 0
    places = []
    for message in pa.ipc.MessageReader.open_stream(data[offset:]):
        size = message.serialize(alignment=8).size
        if message.type == "record batch":
            places.append(Place(offset, size - message.body.size, message.body.size))
        offset += size
    return places


def with_number(data: bytes, place: Place, old: int, new: int) -> bytes:
    """Return the data with a whole number in the metadata of a batch replaced."""
    start, stop = place.offset, place.offset + place.metadata_bytes
    found = data.index(struct.pack("<q", old), start, stop)
    return data[:found] + struct.pack("<q", new) + data[found + 8 :]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("shift", [0, 4, 8, 24])
def test_a_broken_batch_costs_only_itself(read: Read, stream: bool, shift: int) -> None:
    data = bytearray(ipc(TABLE, stream=stream))
    batch = batch_places(data)[1]
    place = batch.offset + shift
    data[place : place + 8] = b"\x7f" * 8
    found = read(bytes(data), "data.arrow")
    assert found.texts[:100] == [f"row {number}" for number in range(100)]
    assert found.texts[100:] == [f"row {number}" for number in range(200, 300)]
    assert [(lost.kind, lost.byte_offset, lost.size_bytes) for lost in found.unread[:1]] == [
        ("bytes", batch.offset, batch.metadata_bytes + batch.body_bytes)
    ]


def test_offsets_that_point_outside_cost_a_batch_and_its_rows_are_counted(read: Read) -> None:
    data = bytearray(ipc(TABLE, stream=True))
    place = data.index(struct.pack("<3i", 0, 7, 14), batch_places(data)[1].offset)
    data[place + 4 : place + 8] = struct.pack("<i", 2**31 - 1)
    found = read(bytes(data), "data.arrow")
    assert found.rows == [*range(100), *range(200, 300)]
    assert "100 rows are lost" in found.unread[0].reason


def test_strings_that_are_no_utf8_are_read(read: Read) -> None:
    data = ipc(pa.table({"text": ["good", "a word", "last"], "deep": [["a word"], [], []]}))
    found = read(data.replace(b"a word", b"a \xffrd!"), "data.arrow")
    assert found.texts == ["good", "a \ufffdrd!", "last"]
    assert found.fields[0]["deep"] == ["a \ufffdrd!"]
    assert (found.oddities, found.unread) == (["invalid_utf8", "invalid_utf8", None], [])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_file_that_ends_early_is_read_up_to_there(read: Read, stream: bool, keep: float) -> None:
    data = ipc(TABLE, 30, stream=stream)
    found = read(data[: int(len(data) * keep)], "data.arrow")
    assert found.texts == [f"row {number}" for number in range(len(found.texts))]
    assert len(found.texts) >= 60
    assert found.unread


def test_a_body_that_claims_more_than_the_file_holds_hides_no_later_batch(read: Read) -> None:
    data = ipc(TABLE, stream=True)
    first = batch_places(data)[0]
    found = read(with_number(data, first, first.body_bytes, 1 << 40), "data.arrow")
    assert found.texts == [f"row {number}" for number in range(100, 300)]
    assert found.rows[0] == 100
    assert "100 rows are lost" in found.unread[0].reason


@pytest.mark.parametrize("rows", [-1, 101, 1 << 40, (1 << 63) - 1])
def test_a_batch_that_lies_about_its_rows_is_told(rows: int) -> None:
    data = ipc(TABLE, stream=True)
    records, unread = read_bytes(with_number(data, batch_places(data)[0], 100, rows))
    assert [record["text"] for record in records[-200:]] == [
        f"row {number}" for number in range(100, 300)
    ]
    assert unread


def test_a_claim_to_unpack_to_terabytes_is_refused() -> None:
    data = bytearray(ipc(TABLE, stream=True, compression="zstd"))
    place = batch_places(data)[0]
    packed = data.index(b"\x28\xb5\x2f\xfd", place.offset + place.metadata_bytes)
    data[packed - 8 : packed] = struct.pack("<q", 1 << 42)
    records, unread = read_bytes(bytes(data))
    assert len(records) == 200
    assert "unpacks to 4398046" in unread[0].reason
    assert "100 rows are lost" in unread[0].reason


def test_a_batch_that_is_not_in_the_footer_is_told_and_so_is_a_footer_of_others() -> None:
    data = ipc(TABLE)
    place = batch_places(data)[1]
    wrong = with_footer(data, place.offset, place.offset + 8)
    records, unread = read_bytes(wrong)
    assert records == ROWS
    assert ["the footer names other batches" in lost.reason for lost in unread] == [True]


def with_footer(data: bytes, old: int, new: int) -> bytes:
    """Return the file with the place of a batch replaced in its footer."""
    size = int.from_bytes(data[-10:-6], "little")
    footer = data[-10 - size :].replace(struct.pack("<q", old), struct.pack("<q", new))
    return data[: -10 - size] + footer


def test_what_lies_behind_the_end_of_a_stream_is_told(read: Read) -> None:
    found = read(ipc(TABLE, stream=True) + b"hidden" * 100, "data.arrow")
    assert found.fields == ROWS
    assert [lost.size_bytes for lost in found.unread] == [600]


def test_a_few_bytes_that_stand_for_a_billion_rows_end_in_time() -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"none": pa.nulls(77)})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data = sink.getvalue().replace(struct.pack("<q", 77), struct.pack("<q", 1 << 40))
    records, unread = read_bytes(data)
    assert 0 < len(records) <= 1 << 20
    lost = (1 << 40) - len(records)
    assert f"out of proportion to its size; {lost} rows are lost" in unread[0].reason


@pytest.mark.parametrize(
    "make",
    [
        lambda text, rows: pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), text),
        lambda text, rows: pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int32()), text),
        lambda text, rows: pa.ListViewArray.from_arrays(
            pa.array([0] * rows, pa.int32()), pa.array([1] * rows, pa.int32()), text
        ),
    ],
)
def test_a_value_that_stands_in_many_rows_takes_little_memory(
    make: Callable[[pa.Array, int], pa.Array],
) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch([make(pa.array(["x" * (1 << 20)]), 100_000)], ["text"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    rows, unread = 0, []
    for item in load("read", "arrow").spec.read(
        io.BytesIO(sink.getvalue()), ReadOptions(), 0, None
    ):
        if isinstance(item, RecordBlock):
            assert len(item.rows) <= 8
            rows += len(item.rows)
        else:
            unread.append(item)
    assert 200 <= rows < 100_000
    assert f"{100_000 - rows} rows are lost" in unread[0].reason


def test_a_row_larger_than_the_bound_is_cut_and_those_around_it_are_whole() -> None:
    rows = [
        {"text": "before", "parts": ["a"]},
        {"text": "x" * 5000, "parts": ["y" * 10] * 5000},
        {"text": "after", "parts": []},
    ]
    records, unread = read_bytes(ipc(pa.Table.from_pylist(rows)), max_record_bytes=8000)
    assert [records[0], records[2]] == [rows[0], rows[2]]
    assert records[1]["text"] == "x" * 5000
    assert 0 < sum(map(len, records[1]["parts"])) <= 3000
    assert [(lost.kind, lost.row) for lost in unread] == [("partial", 1)]


def test_columns_beyond_the_bound_are_told() -> None:
    table = pa.table({f"column {number}": ["a", "b"] for number in range(30)})
    records, unread = read_bytes(ipc(table), max_keys=20)
    assert [len(record) for record in records] == [20, 20]
    assert [(lost.kind, lost.row) for lost in unread] == [("partial", 0), ("partial", 1)]


def test_a_schema_nested_too_deep_is_told(read: Read) -> None:
    assert read(deep_arrow(50), "data.arrow").unread == []
    stream = ipc(TABLE, stream=True)
    batches = stream[batch_places(stream)[0].offset :]
    found = read(deep_arrow(10_000)[:-8] + batches, "data.arrow")
    assert found.fields == []
    assert ["100 rows are lost" in lost.reason for lost in found.unread] == [True] * 3


def test_feather_version_1_is_named_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "data.feather"
    path.write_bytes(b"FEA1" + bytes(100) + b"FEA1")
    with pytest.raises(UnreadableTarget, match="Feather version 1"):
        resolve_targets([str(path)], ReadOptions(), tmp_path)
    found = read_file(path, format="arrow")
    assert (found.fields, len(found.unread)) == ([], 1)
    assert "Feather version 1" in found.unread[0].reason


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_no_damage_crashes_hangs_or_takes_much_memory(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("mutate_tables.py"), kind, "0", "400"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    whole, part, none, _ = map(int, done.stdout.split())
    assert min(whole, part, none) > 10
