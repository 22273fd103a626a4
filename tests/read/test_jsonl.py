import json
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Read, read_file

MARKER = "brass heron"
GOOD = b'{"text": "before"}\n'


def nested(depth: int) -> bytes:
    return b'{"text": ' + b"[" * depth + b'"' + MARKER.encode() + b'"' + b"]" * depth + b"}"


def test_each_line_is_a_record_at_its_offset(read: Read) -> None:
    found = read(b'{"text": "one"}\n{"text": "two"}\n')
    assert (found.rows, found.offsets, found.texts) == ([0, 1], [0, 16], ["one", "two"])


def test_the_last_line_needs_no_end(read: Read) -> None:
    assert read(b'{"text": "one"}\n{"text": "two"}').texts == ["one", "two"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n  \r\n"])
def test_line_ends_and_blank_lines_make_no_record(read: Read, end: bytes) -> None:
    found = read(end.join([b'{"text": "one"}', b'{"text": "two"}', b""]))
    assert (found.texts, found.unread) == (["one", "two"], [])
    assert found.bytes_read == found.size


def test_a_byte_order_mark_is_passed_over(read: Read) -> None:
    assert read(b'\xef\xbb\xbf{"text": "one"}\n').texts == ["one"]


ODD_LINES = {
    "invalid UTF-8": (b'{"text": "a \xff b"}', ["a \ufffd b"], "invalid_utf8"),
    "NUL": (b'{"text": "a \\u0000 b"}', ["a \0 b"], None),
    "raw control characters": (b'{"text": "a \x01\x1b b"}', ["a \x01\x1b b"], None),
    "NaN": (b'{"text": "a", "score": NaN}', ["a"], None),
    "Infinity": (b'{"text": "a", "score": -Infinity}', ["a"], None),
    "lone surrogate": (b'{"text": "a \\ud800 b"}', ["a \ud800 b"], "lone_surrogate"),
    "surrogate pair": (b'{"text": "\\ud83d\\ude00"}', ["\U0001f600"], None),
    "two objects": (b'{"text": "a"} {"text": "b"}', ["a", "b"], None),
    "two objects and a comma": (b'{"text": "a"},{"text": "b"},', ["a", "b"], None),
    "a string": (b'"just text"', ["just text"], None),
    "repeated key": (b'{"text": "a", "text": "b"}', ["b"], "duplicate_keys"),
    "repeated key, spaced": (b'{"text" : "a", "text"\t: "b"}', ["b"], "duplicate_keys"),
    "repeated key, escaped": (b'{"text": "a", "\\u0074ext": "b"}', ["b"], "duplicate_keys"),
    "a long number": (b'{"text": "a", "n": ' + b"9" * 400 + b"}", ["a"], None),
}


@pytest.mark.parametrize("name", ODD_LINES)
def test_an_odd_line_is_read_and_so_are_its_neighbours(read: Read, name: str) -> None:
    line, texts, oddity = ODD_LINES[name]
    found = read(GOOD + line + b"\n" + GOOD)
    assert (found.texts, found.unread) == (["before", *texts, "before"], [])
    assert found.oddities == [None, *[oddity] * len(texts), None]


@pytest.mark.parametrize(
    "line",
    [b'{"text": "cut', b"{broken}", b"{'text': 'single'}", b"[", b"nonsense", b'{"text": "a"}}',
     b'{"n": ' + b"9" * 5000 + b"}", b"\xff\xfe\x00\x01", b"}" * 40],
)  # fmt: skip
def test_a_malformed_line_is_counted_at_its_offset(read: Read, line: bytes) -> None:
    found = read(GOOD + line + b"\n" + GOOD, format="jsonl", encoding="utf-8")
    assert found.texts == ["before", "before"]
    assert [(lost.kind, lost.row, lost.byte_offset, lost.size_bytes) for lost in found.unread] == [
        ("record", 1, len(GOOD), len(line) + 1)
    ]
    assert found.rows == [0, 2]


def test_a_value_that_is_no_object_is_kept_as_it_stands(read: Read) -> None:
    found = read(b'["%s", 7]\n' % MARKER.encode())
    assert MARKER in str(found.fields[0])
    assert found.oddities == ["not_an_object"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": "brass heron", "text": "b"}',
        b'{"a": {"x": "brass heron", "x": 1}}',
        b'{"a": [{"x" :"brass heron"\n, "x" :1}]}'.replace(b"\n", b" "),
        b'{"a": 1, "a": {"x": "brass heron"}, "a": 2}',
        b'{"(repeated keys)": "brass heron", "a": 1, "a": 2}',
        b'{"x:\\":": "y\\":", "a": "brass heron", "a": "\\":"}',
    ],
)
def test_no_value_of_a_repeated_key_is_lost(read: Read, line: bytes) -> None:
    found = read(line + b"\n")
    assert MARKER in json.dumps(found.fields[0])
    assert found.oddities == ["duplicate_keys"]


@pytest.mark.parametrize(
    "record",
    [
        {"text": 'a": b": c'},
        {"a": {"x": 1}, "b": {"x": 1}},
        {"text": '{"a": 1, "a": 2}'},
        {'k":': ['":', {"k": '\\":'}]},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
def test_keys_that_only_look_repeated_are_not(
    read: Read, record: dict[str, object], separators: tuple[str, str]
) -> None:
    found = read(json.dumps(record, separators=separators).encode())
    assert (found.fields, found.oddities) == ([record], [None])


@pytest.mark.parametrize("depth", [300, 30_000, 200_000])
def test_deep_nesting_is_scanned_as_text_and_marked_partial(read: Read, depth: int) -> None:
    found = read(GOOD + nested(depth) + b"\n" + GOOD)
    assert MARKER in str(found.fields[1])
    assert [(lost.kind, lost.row) for lost in found.unread] == [("partial", 1)]
    assert found.texts[::2] == ["before", "before"]


def test_nesting_within_the_bound_is_whole(read: Read) -> None:
    assert read(nested(200)).unread == []


def test_brackets_inside_strings_are_no_nesting(read: Read) -> None:
    text = '[{"' * 1000
    found = read(orjson.dumps({"text": text}))
    assert (found.texts, found.unread) == ([text], [])


def test_a_record_over_the_bound_is_scanned_up_to_it(read: Read) -> None:
    line = b'{"text": "' + MARKER.encode() + b"x" * 5000 + b'"}\n'
    found = read(GOOD + line + GOOD, max_record_bytes=1000)
    assert MARKER in str(found.fields[1])
    assert [(lost.kind, lost.row, lost.size_bytes) for lost in found.unread] == [
        ("partial", 1, len(line) - 1000)
    ]
    assert found.texts[::2] == ["before", "before"]


def test_keys_over_the_bound_are_left_out_and_told(read: Read) -> None:
    line = orjson.dumps({f"key{number}": number for number in range(60)})
    found = read(line, max_keys=50)
    assert len(found.fields[0]) == 50
    assert [lost.kind for lost in found.unread] == ["partial"]


records = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=6,
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(records, min_size=1, max_size=8), shard=st.integers(1, 90))
def test_every_cut_into_shards_gives_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], shard: int
) -> None:
    path = tmp_path_factory.mktemp("shards") / "data.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    whole, cut = read_file(path), read_file(path, shard)
    assert whole.fields == rows
    assert cut.records == whole.records
    assert cut.bytes_read == whole.bytes_read == whole.size


@settings(max_examples=80, deadline=None)
@given(
    data=st.binary(max_size=60)
    | st.text('{}[]":,\\ntu01e.-\n \u00e9\ufeff', max_size=60).map(str.encode),
    shard=st.integers(1, 30),
)
def test_bytes_of_any_kind_are_read_or_counted(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, shard: int
) -> None:
    path: Path = tmp_path_factory.mktemp("any") / "data.jsonl"
    path.write_bytes(GOOD + data + b"\n" + GOOD)
    whole = read_file(path, format="jsonl", encoding="utf-8")
    cut = read_file(path, shard, format="jsonl", encoding="utf-8")
    assert whole.texts[0] == whole.texts[-1] == "before"
    assert whole.bytes_read == whole.size
    assert cut.records == whole.records
    assert len(cut.unread) == len(whole.unread)
