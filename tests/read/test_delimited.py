import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Read, read_file


def table(*rows: str, end: str = "\n") -> bytes:
    return "".join(row + end for row in rows).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["data.csv", "data.tsv"])
def test_rows_are_records_named_by_the_header(read: Read, name: str, end: str) -> None:
    mark = "," if name.endswith("csv") else "\t"
    found = read(table(f"text{mark}label", f"one{mark}0", f"two{mark}1", end=end), name)
    assert found.fields == [{"text": "one", "label": "0"}, {"text": "two", "label": "1"}]
    assert (found.rows, found.bytes_read) == ([0, 1], found.size)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_from_the_header(read: Read, mark: str) -> None:
    found = read(table(f"text{mark}label", f'"a, b; c\td|e"{mark}0'), "data.csv")
    assert found.fields == [{"text": "a, b; c\td|e", "label": "0"}]


def test_the_offset_of_a_record_is_that_of_its_line(read: Read) -> None:
    found = read(b'text,label\n"one\nand more",0\n\ntwo,1\n', "data.csv")
    assert found.offsets == [11, 29]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"one, two"', "one, two"),
        ('"say ""hi"""', 'say "hi"'),
        ('"line\nline"', "line\nline"),
        ('"line\r\n\r\nline"', "line\n\nline"),
        ('"""start"', '"start'),
        ('""', ""),
        ('6" pipe', '6" pipe'),
        ("it's", "it's"),
    ],
)
def test_quoted_cells(read: Read, cell: str, text: str) -> None:
    found = read(f"text,label\n{cell},1\nlast,2\n".encode(), "data.csv")
    assert [(r["text"], r["label"]) for r in found.fields] == [(text, "1"), ("last", "2")]


def test_a_quote_that_is_never_closed_swallows_nothing(read: Read) -> None:
    rows = [f"row {number},{number}" for number in range(50)]
    found = read(table("text,label", *rows[:20], '"brass heron,7', *rows[20:]), "data.csv")
    assert len(found.fields) == 51
    assert found.fields[20]["text"] == '"brass heron'
    assert found.oddities[20] == "unclosed_quote"
    assert [oddity for oddity in found.oddities if oddity] == ["unclosed_quote"]


def test_a_quote_that_would_join_rows_of_the_wrong_width_ends_with_its_line(read: Read) -> None:
    rows = ['"brass heron,1', "middle,2", 'end",3,4', "after,5"]
    found = read(table("text,label", *rows), "data.csv")
    assert [record["label"] for record in found.fields] == ["1", "2", "3", "5"]


def test_surplus_cells_are_kept(read: Read) -> None:
    found = read(table("text,label", "one,0,brass,heron"), "data.csv")
    assert found.fields == [{"text": "one", "label": "0", "(surplus cells)": "brass\nheron"}]
    assert found.oddities == ["ragged_row"]


def test_a_short_row_is_kept(read: Read) -> None:
    found = read(table("text,label", "one"), "data.csv")
    assert (found.fields, found.oddities) == ([{"text": "one"}], ["ragged_row"])


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("text,text", ["text", "text (1)"]),
        (",label", ["column_0", "label"]),
        ("text (1),text,text", ["text (1)", "text", "text (2)"]),
        ("column_1,", ["column_1", "column_1 (3)"]),
        (" text , label ", ["text", "label"]),
        ('"a\tb",c', ["a\tb", "c"]),
    ],
)
def test_every_column_has_a_name_of_its_own(read: Read, header: str, names: list[str]) -> None:
    cells = [f"cell {number}" for number in range(len(names))]
    found = read(table(header, ",".join(cells)), "data.csv")
    assert list(found.fields[0].values()) == cells
    assert len(set(found.fields[0])) == len(names)
    assert [name for name in found.fields[0] if " (" not in name] == [
        name for name in names if " (" not in name
    ]


def test_a_byte_order_mark_is_no_part_of_a_name(read: Read) -> None:
    assert list(read(b"\xef\xbb\xbftext,label\none,1\n", "data.csv").fields[0]) == ["text", "label"]


def test_a_first_row_with_a_long_cell_is_a_record(read: Read) -> None:
    long = "a sentence that goes on and on, as no name of a column does " * 2
    found = read(f'"{long}",1\n"short",0\n'.encode(), "data.csv")
    assert [list(record.values()) for record in found.fields] == [[long, "1"], ["short", "0"]]


def test_invalid_utf8_is_replaced_and_told(read: Read) -> None:
    found = read(b"text\na \xff b\nnext\n", "data.csv")
    assert (found.texts, found.oddities) == (["a \ufffd b", "next"], ["invalid_utf8", None])


@pytest.mark.parametrize("data", [b"text\na\0b\nnext\n", b"text\n\x1b[2J\nnext\n"])
def test_control_characters_are_kept(read: Read, data: bytes) -> None:
    found = read(data, "data.csv", format="csv", encoding="utf-8")
    assert found.texts == [data.split(b"\n")[1].decode(), "next"]


def test_a_cell_over_the_bound_is_scanned_up_to_it(read: Read) -> None:
    found = read(b"text,label\nbrass heron" + b"x" * 500 + b",1\nnext,2\n", "data.csv",
                 max_record_bytes=100)  # fmt: skip
    assert str(found.texts[0]).startswith("brass heron")
    assert [(lost.kind, lost.row) for lost in found.unread] == [("partial", 0)]
    assert found.texts[1] == "next"


def test_a_cell_larger_than_the_library_allows_by_itself(read: Read) -> None:
    found = read(b"text\n" + b"x" * 300_000 + b"\nnext\n", "data.csv")
    assert [len(str(text)) for text in found.texts] == [300_000, 4]


def test_columns_over_the_bound_are_joined(read: Read) -> None:
    found = read(table(",".join(f"c{n}" for n in range(60)), ",".join(map(str, range(60)))),
                 "data.csv", max_keys=50)  # fmt: skip
    assert found.fields[0]["(surplus cells)"] == "\n".join(map(str, range(50, 60)))


def test_a_header_alone_holds_no_record(read: Read) -> None:
    found = read(b"text,label\n", "data.csv")
    assert (found.fields, found.unread, found.bytes_read) == ([], [], found.size)


cells = st.text(st.sampled_from("ab \",;\n\t|'é\x00"), max_size=8)


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells), max_size=6))
def test_what_the_standard_library_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
    path.write_bytes(text.getvalue().encode())
    found = read_file(path, format="csv", encoding="utf-8")
    assert [tuple(record.values()) for record in found.fields] == rows
    assert found.bytes_read == found.size


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=60) | st.text('ab",\n\r\t;', max_size=60).map(str.encode))
@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_bytes_of_any_kind_are_read(
    tmp_path_factory: pytest.TempPathFactory, form: str, data: bytes
) -> None:
    path: Path = tmp_path_factory.mktemp("any") / f"data.{form}"
    path.write_bytes(b"name\nfirst\n" + data + b"\nlast\n")
    found = read_file(path, format=form, encoding="utf-8")
    assert found.fields[0]["name"] == "first"
    assert "last" in str(found.fields[-1])
    assert found.bytes_read == found.size
