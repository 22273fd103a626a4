"""Whatever holds the records of a JSON file, they come out the same."""

import json
from collections.abc import Callable
from itertools import islice

import pytest

from corpus_guard.read.formats import json as json_format
from corpus_guard.read.text import json_table

from .conftest import Read

Row = dict[str, object]

ROWS: list[Row] = [
    {"instruction": f"Ask {n}, {{of}} [it]", "output": f'Say "{n}": \\ and é'} for n in range(40)
]
CHATS = [
    {"messages": [{"role": "user", "content": f"Hi {n}"}, {"role": "bot", "content": "Ho"}]}
    for n in range(9)
]
TURNS = [chat["messages"] for chat in CHATS]
NAMES = ["instruction", "output"]
CELLS = [list(row.values()) for row in ROWS]


def by_id(rows: list[Row], name: str = "ex") -> dict[str, Row]:
    return {f"{name}{number}": row for number, row in enumerate(rows)}


def with_ids(rows: list[Row], name: str = "ex") -> list[Row]:
    return [{**row, "id": f"{name}{number}"} for number, row in enumerate(rows)]


def split(rows: list[Row]) -> Row:
    return {"columns": NAMES, "index": [*range(len(rows))], "data": CELLS[: len(rows)]}


SAME: dict[str, Callable[[list[Row]], object]] = {
    "array": lambda rows: rows,
    "rows with a header": lambda rows: [NAMES, *CELLS],
    "lists by column": lambda rows: {name: [row[name] for row in rows] for name in NAMES},
    "objects by column": lambda rows: {
        name: {str(n): row[name] for n, row in enumerate(rows)} for name in NAMES
    },
    "columns in a response": lambda rows: {
        "status": "ok", "result": {name: [row[name] for row in rows] for name in NAMES}
    },
    "data": lambda rows: {"data": rows},
    "a response's data": lambda rows: {"response": {"data": rows, "count": 40}, "ok": True},
    "three deep": lambda rows: {"a": {"b": {"c": rows}}},
    "splits": lambda rows: {"train": rows[:30], "test": rows[30:]},
    "splits in data": lambda rows: {"data": {"train": rows[:30], "test": rows[30:]}},
    "schema and data": lambda rows: {
        "schema": {"fields": [{"name": "instruction", "type": "string"}], "pandas_version": "1"},
        "data": rows,
    },
    "names and rows": split,
    "names and rows in data": lambda rows: {"data": {"names": NAMES, "rows": CELLS}},
}  # fmt: skip
WITH_IDS: dict[str, object] = {
    "by id": by_id(ROWS),
    "by id in data": {"data": by_id(ROWS), "version": "1"},
    "by words": {chr(97 + n) + "x": row for n, row in enumerate(ROWS)},
}
WAYS = {
    "one line": lambda value: json.dumps(value),
    "no spaces": lambda value: json.dumps(value, separators=(",", ":")),
    "indented": lambda value: json.dumps(value, indent=2),
    "byte order mark": lambda value: "\ufeff \n" + json.dumps(value) + "\n",
    "UTF-8": lambda value: json.dumps(value, ensure_ascii=False),
}
ENDINGS = ["json", "jsonl", "ndjson"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SAME)
def test_every_container_gives_the_same_records(
    read: Read, shape: str, way: str, ending: str
) -> None:
    found = read(WAYS[way](SAME[shape](ROWS)).encode(), f"data.{ending}")
    assert [record for record in found.fields if "instruction" in record] == ROWS
    assert len(found.fields) <= len(ROWS) + 1
    assert (found.unread, found.bytes_read) == ([], found.size)
    assert len(set(found.digests)) == len(found.digests)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", WITH_IDS)
def test_records_by_id_keep_their_keys(read: Read, shape: str, way: str, ending: str) -> None:
    found = read(WAYS[way](WITH_IDS[shape]).encode(), f"data.{ending}")
    rows = [record for record in found.fields if "instruction" in record]
    assert [{name: row[name] for name in NAMES} for row in rows] == ROWS
    assert len({row["id"] for row in rows}) == len(ROWS)
    assert (found.unread, found.bytes_read) == ([], found.size)


def test_a_record_by_id_that_has_an_id_keeps_both(read: Read) -> None:
    found = read(json.dumps({f"k{n}": {"id": n, "text": "a"} for n in range(5)}).encode(), "d.json")
    assert found.fields == [{"id": n, "text": "a", "key": f"k{n}"} for n in range(5)]


def test_the_digest_of_a_record_by_id_is_that_of_its_own_bytes(read: Read) -> None:
    one = read(json.dumps(by_id(ROWS)).encode(), "data.json")
    two = read("".join(json.dumps(row) + "\n" for row in ROWS).encode())
    assert one.digests == two.digests


@pytest.mark.parametrize("shape", ["by id", "by id in data"])
@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
def test_records_by_id_are_cut_anywhere(
    read: Read, shape: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_format, "HEAD_BYTES", 1500)
    monkeypatch.setattr("corpus_guard.read.text.json_elements.CHUNK", chunk)
    data = json.dumps(WITH_IDS[shape]).encode()
    found = read(data, "data.json")
    rows = [record for record in found.fields if "instruction" in record]
    assert rows == with_ids(ROWS)
    assert [data[at : at + 3] for at in islice(found.offsets, 40)] == [b'"ex'] * 40
    assert found.bytes_read == found.size


@pytest.mark.parametrize("stray", [b'{"instruction": nonsense}', b'{"instruction": "say "a"}'])
def test_a_malformed_record_by_id_costs_only_itself(read: Read, stray: bytes) -> None:
    good = [b'"ex%d": %s' % (n, json.dumps(row).encode()) for n, row in enumerate(ROWS)]
    data = b"{" + b", ".join([*good[:7], b'"bad": ' + stray, *good[7:]]) + b"}"
    found = read(data, "data.json")
    assert found.fields == with_ids(ROWS)
    assert [(lost.kind, lost.row) for lost in found.unread] == [("record", 7)]
    assert found.bytes_read == found.size


PLAIN: dict[str, object] = {
    "chat": CHATS[0],
    "instruction": {"instruction": "Do it", "output": "No"},
    "choices": {"prompt": ["a", "b"], "answer": "a", "n": 1},
    "configuration": {"dev": {"host": "a", "port": 1}, "prod": {"host": "b", "port": 2}},
    "lists of few": {"tags": ["a", "b"], "people": ["x", "y", "z"], "text": "brass heron"},
    "empty": {"train": [], "test": []},
    "a chat in a field": {"id": "1", "body": {"messages": TURNS[0]}},
    "meta": {"text": "brass heron", "meta": {"a": {"x": 1}, "b": {"x": 2}}},
    "parameters": {"model": "m", "layers": [1, 2, 3], "options": {"depth": 3, "names": ["a"]}},
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PLAIN)
def test_one_record_stays_one(read: Read, name: str, way: str, ending: str) -> None:
    assert read(WAYS[way](PLAIN[name]).encode(), f"data.{ending}").fields == [PLAIN[name]]


LINES: dict[str, tuple[list[object], list[object]]] = {
    "messages": (list(TURNS), CHATS),
    "conversations": ([TURNS[:4], TURNS[4:]], CHATS),
    "records": ([ROWS[:20], ROWS[20:]], ROWS),
    "texts": ([["Hi", "Ho"], ["He", "Ha"]], [{"turns": ["Hi", "Ho"]}, {"turns": ["He", "Ha"]}]),
}


@pytest.mark.parametrize("ending", [*ENDINGS, "txt"])
@pytest.mark.parametrize("name", LINES)
def test_a_line_may_be_a_list(read: Read, name: str, ending: str) -> None:
    lines, records = LINES[name]
    found = read("".join(json.dumps(line) + "\n" for line in lines).encode(), f"data.{ending}")
    assert found.fields == records
    assert len(set(found.digests)) == len(records)
    assert found.bytes_read == found.size


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("value", [TURNS, {"data": TURNS}])
def test_an_array_of_conversations(read: Read, value: object, ending: str) -> None:
    found = read(json.dumps(value, indent=1).encode(), f"data.{ending}")
    assert found.fields[: len(CHATS)] == CHATS


def test_objects_one_after_another_under_the_name_of_lines(read: Read) -> None:
    data = "\n".join(json.dumps(row, indent=2) for row in ROWS)
    assert read(data.encode(), "data.jsonl").fields == ROWS


def test_lines_that_are_plain_stay_lines(read: Read) -> None:
    data = "".join(json.dumps(row) + "\n" for row in [{"a": [{"x": 1}, {"x": 2}]}, *ROWS])
    assert read(data.encode(), "data.jsonl").fields[1:] == ROWS


def test_rows_without_a_header_are_numbered(read: Read) -> None:
    rows = [[f"a long question of {n} words, is it not?", f"{n}"] for n in range(5)]
    found = read(
        json.dumps([["what is it, and why, and for whom and when?", "7"], *rows]).encode(), "d.json"
    )
    assert len(found.fields) == 6
    assert list(found.fields[0]) == ["0", "1"]


def test_the_envelopes_of_a_viewer_are_taken_off(read: Read) -> None:
    rows = [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(ROWS)]
    found = read(json.dumps({"rows": rows, "num_rows_total": 40}).encode(), "data.json")
    assert found.fields[:40] == [{**row, "row_idx": n} for n, row in enumerate(ROWS)]


def test_columns_of_unequal_length_are_filled_up_and_told(read: Read) -> None:
    value = {"instruction": [f"a{n}" for n in range(30)], "output": [f"b{n}" for n in range(28)]}
    found = read(json.dumps(value).encode(), "data.json")
    assert len(found.fields) == 30
    assert found.fields[-1] == {"instruction": "a29", "output": None}
    assert [(lost.kind, lost.row) for lost in found.unread] == [("partial", 29)]


def test_what_stands_beside_columns_is_scanned(read: Read) -> None:
    value = {"instruction": ["a", "b"], "output": ["c", "d"], "note": "brass heron"}
    assert read(json.dumps(value).encode(), "data.json").fields == [
        {"instruction": "a", "output": "c"},
        {"instruction": "b", "output": "d"},
        {"note": "brass heron"},
    ]


def test_a_repeated_column_is_not_lost(read: Read) -> None:
    data = b'{"a": ["brass heron", "x"], "b": ["1", "2"], "a": ["y", "z"]}'
    found = read(data, "data.json")
    assert "brass heron" in str(found.fields)
    assert "duplicate_keys" in found.oddities


@pytest.mark.parametrize("form", ["lists by column", "objects by column"])
def test_columns_over_the_bound_are_told(
    read: Read, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_format, "HEAD_BYTES", 1000)
    monkeypatch.setattr(json_format, "TABLE_BYTES", 1500)
    data = json.dumps(SAME[form](ROWS)).encode()
    found = read(data, "data.json", max_record_bytes=10)
    assert found.fields == []
    assert [(lost.kind, lost.size_bytes) for lost in found.unread] == [("bytes", len(data))]
    assert "JSON Lines" in found.unread[0].reason


@pytest.mark.parametrize("form", ["lists by column", "objects by column", "columns in a response"])
def test_columns_go_on_behind_the_head(
    read: Read, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_format, "HEAD_BYTES", 1000)
    found = read(json.dumps(SAME[form](ROWS)).encode(), "data.json")
    assert [record for record in found.fields if "instruction" in record] == ROWS


def test_a_table_of_too_many_values_is_told(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_table, "_MOST_MARKS", 50)
    found = read(json.dumps(SAME["lists by column"](ROWS)).encode(), "data.json")
    assert found.unread


def test_records_with_lists_one_after_another_are_no_tables(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_format, "HEAD_BYTES", 1000)
    row = {"tokens": ["a" * 30] * 60, "tags": ["b"] * 60}
    found = read("\n".join([json.dumps(row)] * 3).encode(), "data.json")
    assert found.fields == [row] * 3
    assert found.bytes_read == found.size


def test_a_first_column_that_is_longer_than_the_head_is_one(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_format, "HEAD_BYTES", 1000)
    value = {"version": "1", "n": [*range(500)], "text": [f"row {n}" for n in range(500)]}
    found = read(json.dumps(value).encode(), "data.json")
    assert found.fields == [*({"n": n, "text": f"row {n}"} for n in range(500)), {"version": "1"}]


def test_rows_in_data_stream(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_format, "HEAD_BYTES", 2000)
    monkeypatch.setattr(json_format, "TABLE_BYTES", 2000)
    rows = [NAMES, *CELLS * 3]
    found = read(json.dumps({"data": rows}).encode(), "data.json", max_record_bytes=2000)
    assert [record for record in found.fields if "instruction" in record] == ROWS * 3
    assert found.unread == []
