import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Read, read_file

ROWS: list[dict[str, object]] = [
    {"text": 'quotes " and \\ and [brackets], {braces}'},
    {"text": "日本語", "n": 1, "inner": {"list": [1, [2, {"deep": "]}"}]]}},
    {"text": ""},
]
SHAPES: dict[str, Callable[[list[dict[str, object]]], str]] = {
    "array": json.dumps,
    "indented array": lambda rows: json.dumps(rows, indent=2),
    "one after another": lambda rows: "".join(json.dumps(row) for row in rows),
    "indented, one after another": lambda rows: "\n".join(json.dumps(r, indent=1) for r in rows),
    "lines": lambda rows: "\n".join(json.dumps(row) for row in rows),
    "wrapped": lambda rows: json.dumps({"data": rows}),
    "wrapped, with more": lambda rows: json.dumps({"rows": rows, "version": "1"}),
    "byte order mark": lambda rows: "\ufeff" + json.dumps(rows),
    "white space around": lambda rows: f"\n\n  {json.dumps(rows)}  \n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_file_gives_the_same_records(read: Read, shape: str) -> None:
    found = read(SHAPES[shape](ROWS).encode(), "data.json")
    assert [record for record in found.fields if "text" in record] == ROWS
    assert found.unread == []


@pytest.mark.parametrize("shape", SHAPES)
def test_every_byte_is_counted(read: Read, shape: str) -> None:
    found = read(SHAPES[shape](ROWS).encode(), "data.json")
    assert found.bytes_read == found.size


def test_what_stands_beside_a_wrapped_array_is_scanned(read: Read) -> None:
    found = read(b'{"data": [{"text": "a"}], "note": "brass heron"}', "data.json")
    assert "brass heron" in str(found.fields)


def test_the_offset_of_an_element_is_that_of_its_first_byte(read: Read) -> None:
    data = json.dumps(ROWS, indent=2).encode()
    found = read(data, "data.json")
    assert [data[offset : offset + 1] for offset in found.offsets] == [b"{"] * 3


def test_an_array_of_strings_is_a_list_of_texts(read: Read) -> None:
    assert read(b'["one", "two, three", "four"]', "data.json").texts == [
        "one",
        "two, three",
        "four",
    ]


@pytest.mark.parametrize("number", [1, 200, 3000])
def test_elements_are_found_across_chunks(
    read: Read, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpus_guard.read.text.json_elements.CHUNK", 7)
    rows = [{"text": f'row {n} "]' + "\\" * (n % 3)} for n in range(number)]
    assert read(json.dumps(rows).encode(), "data.json").fields == rows


@pytest.mark.parametrize("element", [b'{"text": nonsense}', b"nope", b'{"text" "x"}'])
def test_a_malformed_element_costs_only_itself(read: Read, element: bytes) -> None:
    found = read(b'[{"text": "a"}, ' + element + b', {"text": "b"}]', "data.json")
    assert found.texts == ["a", "b"]
    assert [(lost.kind, lost.row, lost.byte_offset) for lost in found.unread] == [("record", 1, 16)]


@pytest.mark.parametrize("cut", [20, 27, 36])
def test_a_file_that_ends_early_keeps_its_records(read: Read, cut: int) -> None:
    found = read(b'[{"text": "a"}, {"text": "b"}, {"text": "c"}]'[:cut], "data.json")
    assert found.texts[0] == "a"
    assert found.unread or cut == 36


def test_an_element_over_the_bound_is_scanned_up_to_it(read: Read) -> None:
    data = b'[{"text": "a"}, {"text": "brass heron' + b"x" * 500 + b'"}, {"text": "b"}]'
    found = read(data, "data.json", max_record_bytes=100)
    assert "brass heron" in str(found.fields[1])
    assert [(lost.kind, lost.row) for lost in found.unread] == [("partial", 1)]
    assert (found.texts[0], found.texts[2]) == ("a", "b")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.dictionaries(st.text(max_size=4), values, min_size=1), max_size=5))
def test_an_array_and_its_lines_hold_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    array, flat = folder / "data.json", folder / "data.jsonl"
    array.write_bytes(json.dumps(rows).encode() + b"\n")
    flat.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows) or b"\n")
    one, two = read_file(array), read_file(flat, format="jsonl")
    assert (one.fields, one.digests) == (two.fields, two.digests)


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=60) | st.text('{}[]":,\\n1e \n', max_size=60).map(str.encode))
def test_bytes_of_any_kind_are_read_or_counted(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "data.json"
    path.write_bytes(b'[{"text": "a"},' + data)
    found = read_file(path, format="json", encoding="utf-8")
    assert found.texts[0] == "a"
    assert found.bytes_read == found.size


CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(CHAT),
        json.dumps(CHAT) * 3,
        "\n".join([json.dumps(CHAT)] * 3),
        json.dumps([CHAT, CHAT]),
        json.dumps({"id": 7} | CHAT),
    ],
)
def test_the_turns_of_a_chat_are_no_records(read: Read, data: str) -> None:
    found = read(data.encode(), "data.json")
    assert all("messages" in record for record in found.fields)


def test_records_that_hold_lists_of_objects_are_not_wrappers(read: Read) -> None:
    row = {"text": "a", "spans": [{"start": 1}]}
    assert read(json.dumps(row).encode() * 2, "data.json").fields == [row, row]


@pytest.mark.parametrize("before", [{}, {"version": "1", "tags": ["x"], "info": {"by": [{}]}}])
@pytest.mark.parametrize("after", [{}, {"note": 'brass "heron"', "more": [1, [2]]}])
@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
def test_an_object_may_hold_several_arrays_of_records(
    read: Read,
    before: dict[str, object],
    after: dict[str, object],
    chunk: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("corpus_guard.read.formats.json.HEAD_BYTES", 4096)
    monkeypatch.setattr("corpus_guard.read.text.json_elements.CHUNK", chunk)
    rows = [{"text": "]} " * 1500}, *ROWS]
    found = read(json.dumps(before | {"train": rows, "test": ROWS} | after).encode(), "data.json")
    assert found.fields == [*rows, *ROWS, before | {"train": [], "test": []} | after]
    assert (found.unread, found.bytes_read) == ([], found.size)


STRAY = {
    "quote": b'{"text": "say "hi there"}',
    "opening bracket": b'{"text": ["a"}',
    "opening brace": b'{"text": {"a"}',
    "no end": b'{"text": "a',
}


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("separator", [b",", b", ", b",\n  "])
def test_a_stray_mark_costs_only_its_record(read: Read, stray: str, separator: bytes) -> None:
    good = [b'{"text": "row %d"}' % number for number in range(9)]
    data = b"[" + separator.join([*good[:4], STRAY[stray], *good[4:]]) + b"]"
    found = read(data, "data.json")
    assert found.texts == [f"row {number}" for number in range(9)]
    assert [(lost.kind, lost.row, lost.byte_offset) for lost in found.unread] == [
        ("record", 4, data.index(STRAY[stray]))
    ]
    assert found.bytes_read == found.size


def test_a_stray_quote_that_swallows_more_than_a_record_may_hold(read: Read) -> None:
    good = [b'{"text": "row %d"}' % number for number in range(9000)]
    data = b"[" + b", ".join([*good[:400], STRAY["quote"], *good[400:]]) + b"]"
    found = read(data, "data.json", max_record_bytes=20_000)
    assert found.texts == [f"row {number}" for number in range(9000)]
    assert [lost.row for lost in found.unread] == [400]
    assert [data[at : at + 1] for at in found.offsets] == [b"{"] * 9000


def test_a_file_of_nothing_but_stray_quotes_is_read_in_linear_time(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpus_guard.read.text.json_elements._FREE_RESCANS", 1 << 20)
    found = read(b"[" + b'{"text": "a},\n' * 20_001 + b"]", "data.json")
    assert found.unread
    assert found.bytes_read == found.size
