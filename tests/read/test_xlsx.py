"""Workbooks: rows of sheets are records, and none is taken for an archive of XML."""

import datetime
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from corpus_guard import UnreadableTarget
from corpus_guard.config import ReadOptions
from corpus_guard.plugins import load
from corpus_guard.read import recognise, resolve_targets

from .conftest import Read
from .test_archives import zipped

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")


def workbook(*sheets: tuple[str, list[list[object]]], state: str = "visible") -> bytes:
    made, book = io.BytesIO(), openpyxl.Workbook()
    book.remove(book.active)
    for place, (name, rows) in enumerate(sheets):
        sheet = book.create_sheet(name)
        sheet.sheet_state = state if place else "visible"
        for row in rows:
            sheet.append(row)
    book.save(made)
    return made.getvalue()


ROWS: list[list[object]] = [
    ["text", "label"],
    ["one", 1],
    ["two", 0.5],
    [None, None],
    ["three", True],
]
READ = [
    {"text": "one", "label": 1},
    {"text": "two", "label": 0.5},
    {"text": "three", "label": True},
]


@pytest.mark.parametrize("name", ["data.xlsx", "data.zip", "data", "data.csv"])
def test_a_workbook_is_one_whatever_it_is_called(read: Read, name: str) -> None:
    found = read(workbook(("One", ROWS)), name)
    assert found.fields == READ
    assert (found.bytes_read, found.unread) == (found.size, [])


def test_empty_rows_before_the_header_are_passed_over(read: Read) -> None:
    found = read(workbook(("One", [[], [None, ""], *ROWS])), "data.xlsx")
    assert found.fields == READ


def test_hidden_sheets_are_read_too_and_told_apart(read: Read) -> None:
    data = workbook(("One", ROWS), ("Two", [["text"], ["four"]]), state="veryHidden")
    found = read(data, "data.xlsx")
    assert found.fields == [
        *({**record, "sheet": "One"} for record in READ), {"text": "four", "sheet": "Two"}
    ]  # fmt: skip
    assert found.rows == list(range(4))


def test_names_of_columns_differ(read: Read) -> None:
    found = read(workbook(("One", [["a", "a", None], [1, 2, 3]])), "data.xlsx")
    assert found.fields == [{"a": 1, "a (1)": 2, "column_2": 3}]


def test_a_first_row_of_long_texts_is_a_record(read: Read) -> None:
    found = read(workbook(("One", [["x" * 99, "y"], ["z", "w"]])), "data.xlsx")
    assert [list(record.values()) for record in found.fields] == [["x" * 99, "y"], ["z", "w"]]


def test_times_are_text(read: Read) -> None:
    when = datetime.datetime(2020, 1, 2, 3, 4, 5)
    found = read(workbook(("One", [["a"], [when]])), "data.xlsx")
    assert found.fields == [{"a": "2020-01-02T03:04:05"}]


def test_a_large_cell_is_scanned_up_to_the_bound(read: Read) -> None:
    found = read(workbook(("One", [["a"], ["x" * 9000]])), "data.xlsx", max_record_bytes=100)
    assert found.fields == [{"a": "x" * 100}]
    assert [item.kind for item in found.unread] == ["partial"]


def test_a_workbook_in_an_archive_is_read(read: Read) -> None:
    found = read(zipped(("a/b.xlsx", workbook(("One", ROWS)))), "data.zip")
    assert found.fields == READ


@pytest.mark.parametrize("form", ["csv", "text", "jsonl"])
def test_no_format_that_is_named_makes_text_of_it(read: Read, form: str) -> None:
    with pytest.raises(UnreadableTarget, match="it is xlsx"):
        read(workbook(("One", ROWS)), "data.xlsx", format=form)


def altered(data: bytes, change: dict[str, bytes]) -> bytes:
    """Return a workbook with other parts."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped(*{**parts, **change}.items())


def far() -> bytes:
    book, made = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "a", "b"
    book.save(made)
    return made.getvalue()


def sheet() -> bytes:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


GOOD = workbook(("One", ROWS))
BAD = {
    "cut": lambda: GOOD[:-200],
    "of no XML": lambda: altered(GOOD, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}),
    "with a sheet cut behind a tag": lambda: altered(
        GOOD, {"xl/worksheets/sheet1.xml": sheet()[: sheet().index(b"<row")]}
    ),
    "with entities": lambda: altered(
        GOOD,
        {"xl/worksheets/sheet1.xml": b'<!DOCTYPE x [<!ENTITY a "b">]>' + sheet()},
    ),
    "with two cells far apart": far,
    "that is a bomb": lambda: altered(GOOD, {"xl/media/a.bin": bytes(300 << 20)}),
    "of the old kind and broken": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000),
    "with a lie about a part's size": lambda: lying(),
}


def lying() -> bytes:
    data = bytearray(altered(GOOD, {"xl/media/a.bin": bytes(1 << 20)}))
    size = (1 << 20).to_bytes(4, "little")
    while (place := data.find(size)) >= 0:
        data[place : place + 4] = (9).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("kind", BAD)
def test_a_workbook_that_cannot_be_read_is_told(read: Read, kind: str) -> None:
    found = read(BAD[kind](), "data.xlsx" if "old" not in kind else "data.xls")
    assert found.unread
    assert found.bytes_read + sum(item.size_bytes for item in found.unread) >= found.size


def test_without_the_extra_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.xlsx"
    path.write_bytes(GOOD)
    monkeypatch.setattr(recognise, "missing_extra", lambda reader: "corpus-guard[xlsx]")
    with pytest.raises(UnreadableTarget, match=r"pip install 'corpus-guard\[xlsx\]'"):
        resolve_targets([str(path)], ReadOptions(), tmp_path)


def test_it_is_imported_only_where_a_workbook_is_read() -> None:
    code = "import corpus_guard.read.formats.xlsx, sys; print('python_calamine' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
    assert load("read", "xlsx").spec


def test_records_are_plain_values(read: Read) -> None:
    assert json.dumps(read(GOOD, "data.xlsx").fields)
