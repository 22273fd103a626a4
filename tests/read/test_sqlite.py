"""SQLite databases: rows are records, and nothing that a database says of itself is run."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget
from corpus_guard.read import resolve_targets

from .conftest import Reading, read_file

Write = Callable[..., Path]


def database(path: Path, *statements: str, rows: object = ()) -> Path:
    """Write a database; `rows` go into the table `t`."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
        for row in rows:  # type: ignore[attr-defined]
            places = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO t VALUES ({places})", row)  # noqa: S608
    connection.close()
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return lambda *statements, **given: database(tmp_path / "data.db", *statements, **given)


def reasons(found: Reading) -> list[str]:
    lost = sum(item.size_bytes for item in found.unread if item.kind == "bytes")
    assert found.bytes_read + lost == found.size
    return [item.reason for item in found.unread]


TEXTS = [("heron",), ("brass",), ("owl",)]


def test_rows_are_records_and_columns_are_fields(write: Write) -> None:
    path = write("CREATE TABLE t (id INTEGER PRIMARY KEY, text, score REAL, none)",
                 rows=[(2, "brass", 1.5, None), (1, "heron", 2, None)])  # fmt: skip
    found = read_file(path)
    assert found.fields == [
        {"id": 1, "text": "heron", "score": 2.0, "none": None},
        {"id": 2, "text": "brass", "score": 1.5, "none": None},
    ]
    assert (found.rows, found.offsets, reasons(found)) == ([0, 1], [-1, -1], [])


def test_several_tables_are_numbered_through_and_named(write: Write) -> None:
    path = write("CREATE TABLE t (text)", "CREATE TABLE other ([table] TEXT)",
                 "INSERT INTO other VALUES ('wren')", rows=TEXTS[:1])  # fmt: skip
    found = read_file(path)
    assert found.fields == [
        {"(table)": "t", "text": "heron"}, {"(table)": "other", "table": "wren"},
    ]  # fmt: skip
    assert found.rows == [0, 1]


@pytest.mark.parametrize("name", ["data", "data.txt", "data.sqlite3"])
def test_the_first_bytes_tell_the_format(write: Write, tmp_path: Path, name: str) -> None:
    write("CREATE TABLE t (text)", rows=TEXTS).rename(tmp_path / name)
    assert read_file(tmp_path / name).texts == ["heron", "brass", "owl"]


@pytest.mark.parametrize("name", ["a?b.db", "a#b.db", "a%41.db", "a b&mode=rwc.db", "é.db"])
def test_odd_file_names_are_no_options(write: Write, tmp_path: Path, name: str) -> None:
    write("CREATE TABLE t (text)", rows=TEXTS).rename(tmp_path / name)
    assert read_file(tmp_path / name).texts == ["heron", "brass", "owl"]
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_another_file_of_that_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(UnreadableTarget, match="no known format"):
        resolve_targets([str(tmp_path / "Thumbs.db")], ReadOptions(), tmp_path)


def test_odd_names_are_quoted(write: Write) -> None:
    path = write('CREATE TABLE "t""; DROP" ("a""b" TEXT, "select" TEXT, "rowid" TEXT)',
                 "INSERT INTO \"t\"\"; DROP\" VALUES ('x', 'y', 'z')")  # fmt: skip
    assert read_file(path).fields == [{'a"b': "x", "select": "y", "rowid": "z"}]


def test_a_table_without_a_rowid_is_in_the_order_of_its_key(write: Write) -> None:
    path = write("CREATE TABLE t (k TEXT PRIMARY KEY, text) WITHOUT ROWID",
                 rows=[("b", "brass"), ("a", "heron")])  # fmt: skip
    assert read_file(path).texts == ["heron", "brass"]


def test_text_of_any_encoding_and_kind(write: Write) -> None:
    path = write("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (text)",
                 rows=[("é 鳥",), (b"blob",), (2**62,)])  # fmt: skip
    assert read_file(path).texts == ["é 鳥", "blob", 2**62]


def test_text_that_is_no_utf8_is_kept(write: Write) -> None:
    path = write("CREATE TABLE t (text)", "INSERT INTO t VALUES (CAST(X'61FF62' AS TEXT))")
    found = read_file(path)
    assert (found.texts, found.oddities) == (["a\ufffdb"], ["invalid_utf8"])


def test_values_that_are_no_text_are_counted(write: Write) -> None:
    path = write("CREATE TABLE t (text, raw)", rows=[("heron", b"\xff\0"), ("brass", b"\0" * 9)])
    found = read_file(path)
    assert found.texts == ["heron", "brass"]
    assert reasons(found) == ["the table t: 2 values (11 bytes) are no text; left out"]


def test_a_large_value_is_cut_to_the_bound(write: Write) -> None:
    path = write("CREATE TABLE t (text)", rows=[("é" * 5000,), ("owl",)])
    found = read_file(path, max_record_bytes=1001)
    assert found.texts == ["é" * 500, "owl"]
    assert [(item.kind, item.row, item.size_bytes) for item in found.unread] == [
        ("partial", 0, 8999)
    ]


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_what_waits_beside_a_database_is_told(write: Write, ending: str) -> None:
    path = write("CREATE TABLE t (text)", rows=TEXTS)
    beside = path.with_name(path.name + ending)
    beside.write_bytes(b"")
    assert reasons(read_file(path)) == []
    beside.write_bytes(b"waiting")
    found = read_file(path)
    assert found.texts == ["heron", "brass", "owl"]
    assert "lies beside it and is not read" in reasons(found)[0]
    assert beside.read_bytes() == b"waiting"


# hostile


def test_views_and_triggers_are_not_run(write: Write) -> None:
    path = write(
        "CREATE TABLE t (text)", "CREATE VIEW v AS SELECT text FROM v2",
        "CREATE VIEW v2 AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
        "SELECT n AS text FROM r",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END",
    )  # fmt: skip
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = 'CREATE VIEW v2 AS SELECT * FROM v' "
                           "WHERE name = 'v2'")  # fmt: skip
    connection.close()
    found = read_file(path)
    assert (found.fields, reasons(found)) == ([], [])


def test_virtual_tables_are_told_and_left_out(write: Write) -> None:
    path = write("CREATE TABLE t (text)", "CREATE VIRTUAL TABLE f USING fts5(body)",
                 "INSERT INTO f VALUES ('hidden')", "CREATE TABLE f_mine (text)",
                 rows=TEXTS)  # fmt: skip
    found = read_file(path)
    assert found.texts == ["heron", "brass", "owl"]
    assert all("virtual table" in why for why in reasons(found))
    assert len(found.unread) == 6


@pytest.mark.parametrize(
    "bomb",
    [
        "zeroblob(1000000000)",
        "hex(zeroblob(100000000))",
        "load_extension('evil')",
        "no_such_function(text)",
        "abs(-9223372036854775808)",
    ],
)
def test_a_computed_column_that_is_a_bomb_costs_only_itself(write: Write, bomb: str) -> None:
    path = write("CREATE TABLE t (text, b AS (1))", "INSERT INTO t VALUES ('heron'), ('brass')")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = ?", (f"CREATE TABLE t (text, b AS ({bomb}))",)
        )
    connection.close()
    found = read_file(path)
    assert found.texts in (["heron", "brass"], [])
    assert reasons(found)


def test_computed_columns_are_read(write: Write) -> None:
    path = write("CREATE TABLE t (text, loud AS (upper(text)), kept AS (text || '!') STORED)",
                 "INSERT INTO t VALUES ('heron')")  # fmt: skip
    assert read_file(path).fields == [{"text": "heron", "loud": "HERON", "kept": "heron!"}]


def test_a_huge_value_is_bounded(write: Write) -> None:
    path = write("CREATE TABLE t (text)", "INSERT INTO t VALUES (zeroblob(200000000))",
                 "INSERT INTO t VALUES ('owl')")  # fmt: skip
    found = read_file(path)
    assert reasons(found)


def test_a_table_whose_kind_is_written_otherwise_is_not_hidden(write: Write) -> None:
    path = write("CREATE TABLE t (text)", rows=TEXTS)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET type = 'TABLE'")
    connection.close()
    found = read_file(path)
    assert found.texts == ["heron", "brass", "owl"] or reasons(found)


def test_a_schema_that_is_damaged_is_told(write: Write) -> None:
    path = write("CREATE TABLE t (text)", rows=TEXTS)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE t (text)", b"CREATE TABLE t text))"))
    found = read_file(path)
    assert found.fields == []
    assert "malformed database schema" in reasons(found)[0]


def test_a_damaged_page_costs_what_follows_in_its_table(write: Write) -> None:
    path = write("PRAGMA page_size = 512", "CREATE TABLE t (text)", "CREATE TABLE u (text)",
                 "INSERT INTO u VALUES ('last')",
                 rows=[(f"row {n} " * 9,) for n in range(400)])  # fmt: skip
    data = bytearray(path.read_bytes())
    middle = len(data) // 1024 * 512
    data[middle : middle + 512] = b"\xa5" * 512
    path.write_bytes(data)
    found = read_file(path)
    assert 50 < len(found.rows) < 400
    assert found.texts[-1] == "last"
    assert "cannot be read to its end" in reasons(found)[0]


@pytest.mark.parametrize("keep", [16, 100, 1000, 5000])
def test_a_cut_database_is_told(write: Write, keep: int) -> None:
    path = write("CREATE TABLE t (text)", rows=[("word " * 99,) for _ in range(99)])
    path.write_bytes(path.read_bytes()[:keep])
    assert reasons(read_file(path))


@settings(max_examples=60, deadline=None)
@given(places=st.lists(st.tuples(st.integers(16, 20_000), st.integers(0, 255)), max_size=9))
def test_damage_anywhere_is_survived(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "data.db"
    database(path, "CREATE TABLE t (text)", rows=[(f"row {n} " * 9,) for n in range(200)])
    data = bytearray(path.read_bytes())
    for place, value in places:
        data[place % len(data)] = value
    path.write_bytes(bytes(data))
    found = read_file(path, format="sqlite")
    assert found.fields or found.unread
