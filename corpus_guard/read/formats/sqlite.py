"""SQLite databases (.sqlite, .sqlite3, .db): each row of each table is a record, its columns are fields.

Rows come in the order of their rowid and are numbered through all tables, in the order of their making;
with several tables a field says which it is. The file is opened for reading only and as it is on disk:
what a write-ahead log beside it holds is told and not read. Views and triggers are never run, and
virtual tables and what they keep in tables of their own are left out and told. Values that are no text
are counted. Behind damage the rest of a table is lost, and the next table is read.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BLOCK_BYTES, BlockBuilder, decode
from corpus_guard.read.columnar.records import ROW_BYTES, Expansion, OutOfProportionError
from corpus_guard.types import RecordBlock, Unread

LARGEST_VALUE = 128 << 20
STEPS_A_ROW = 20_000_000
"""So many steps of SQLite's machine may a row take: about a second."""

STEPS_A_LOOK = 100_000
LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100),
    (sqlite3.SQLITE_LIMIT_VDBE_OP, 250_000),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
)
DEFENSIVE = 1010
ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
OF_SQLITE = frozenset(("sqlite_sequence", *(f"sqlite_stat{number}" for number in range(1, 5))))
SHADOWS = frozenset(
    "config content data docsize idx node parent rowid segdir segments stat".split()
)
"""How the tables are called, behind the name of a virtual table, in which it keeps what it holds."""

ROWID_NAMES = ("rowid", "_rowid_", "oid")
STORED, COMPUTED, COMPUTED_AND_STORED = 0, 2, 3
"""Kinds of columns that a user sees."""


@reader(
    extensions=(".sqlite", ".sqlite3", ".db"),
    magic=(b"SQLite format 3\0",),
    always_shown=True,
    takes="path",
    native=True,
    binary=True,
)
def read(
    path: Path, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of all ordinary tables."""
    for ending, kind in (("-wal", "write-ahead log"), ("-journal", "rollback journal")):
        beside = path.with_name(path.name + ending)
        if beside.exists() and beside.stat().st_size:
            yield _untold(f"a {kind} lies beside it and is not read; close the database's writers")
    database = _Database(path, options)
    try:
        tables, others = database.tables()
        yield from others
        for table in tables:
            yield from database.rows(table)
    finally:
        database.close()


class _Table(NamedTuple):
    """A table, its columns, and those among them that are computed when they are read."""

    name: str
    columns: tuple[str, ...]
    computed: frozenset[str]


class _Database:
    """An open database and how far it has been read."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._options, self._size = options, path.stat().st_size
        address = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
        for kind, most in LIMITS:
            self._connection.setlimit(kind, most)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        if hasattr(self._connection, "setconfig"):  # from Python 3.12 on
            self._connection.setconfig(DEFENSIVE)
        self._connection.text_factory = _text
        self._steps = 0
        self._connection.set_progress_handler(self._is_too_long, STEPS_A_LOOK)
        self._block, self._expansion, self._held = BlockBuilder(), Expansion(), 0
        self._mark = ""
        self._unseen = self._size  # about so many bytes hold what was not read yet

    def close(self) -> None:
        self._connection.close()

    def tables(self) -> tuple[list[_Table], list[Unread]]:
        """Return the ordinary tables, and what else there is and is left out."""
        found = self._connection.execute(
            "SELECT CAST(name AS TEXT), rootpage FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
        ).fetchall()
        virtual = [str(name) for name, page in found if not page]
        tables, others = [], []
        for name in (str(name) for name, _ in found):
            if name in virtual or _is_shadow(name, virtual):
                others.append(
                    _untold(f"{_shown(name)} is a virtual table or part of one; left out")
                )
            elif name not in OF_SQLITE:
                try:
                    tables.append(self._table(name))
                except (sqlite3.Error, ValueError) as error:
                    others.append(self._lost(name, error))
        self._connection.set_authorizer(_allow)
        if len(tables) > 1:
            self._mark = "table"
            while any(self._mark in table.columns for table in tables):
                self._mark = f"({self._mark})"
        return tables, others

    def _table(self, name: str) -> _Table:
        found = self._connection.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
        columns = [(str(about[1]), about[6]) for about in found]
        seen = (STORED, COMPUTED, COMPUTED_AND_STORED)
        computed = frozenset(column for column, kind in columns if kind == COMPUTED)
        return _Table(name, tuple(column for column, kind in columns if kind in seen), computed)

    def rows(self, table: _Table) -> Iterator[RecordBlock | Unread]:
        """Yield the records of a table, and what of it cannot be read."""
        opaque = _Opaque()
        try:
            yield from self._all_rows(table, table.columns, opaque)
        except (sqlite3.Error, ValueError) as error:
            yield from self._flush()
            if isinstance(error, OutOfProportionError) or not table.computed:
                yield self._lost(table.name, error)
            else:
                yield from self._without_computed(table, opaque, error)
        yield from self._flush()
        if opaque.count:
            told = f"{opaque.count} values ({opaque.size} bytes) are no text; left out"
            yield _untold(f"{_shown(table.name)}: {told}", opaque.size)

    def _without_computed(
        self, table: _Table, opaque: "_Opaque", error: Exception
    ) -> Iterator[RecordBlock | Unread]:
        """Read a table again from its first lost row on, with no more than what is stored."""
        why = safe_text(str(error), 120)
        yield _untold(f"{_shown(table.name)}: columns that are computed cannot be read ({why})")
        columns = tuple(name for name in table.columns if name not in table.computed)
        try:
            yield from self._all_rows(table, columns, opaque, skip=opaque.rows)
        except (sqlite3.Error, ValueError) as again:
            yield from self._flush()
            yield self._lost(table.name, again)

    def _all_rows(
        self, table: _Table, columns: tuple[str, ...], opaque: "_Opaque", skip: int = 0
    ) -> Iterator[RecordBlock | Unread]:
        kept = columns[: self._options.max_keys]
        for values in self._selected(table, kept, skip):
            opaque.rows += 1
            record: dict[str, object] = {self._mark: table.name} if self._mark else {}
            left, oddities = self._options.max_record_bytes, set[str]()
            cut = 0
            for name, value in zip(kept, values, strict=True):
                value, size, surplus = _bounded(value, left, opaque, oddities)
                record[name] = value
                left, cut = left - size, cut + surplus
            taken = self._options.max_record_bytes - left
            self._expansion.spend(ROW_BYTES + taken, self._size)
            row = self._block.add_values(record, tuple(sorted(oddities)))
            self._held += taken
            self._unseen -= taken
            if cut:
                yield self._block.beyond(row, -1, cut)
            if len(columns) > len(kept):
                why = f"more than {len(kept)} keys; the first were scanned"
                yield self._block.partial(row, -1, 0, why)
            if self._block.is_full or self._held >= BLOCK_BYTES:
                yield from self._flush()

    def _selected(
        self, table: _Table, columns: tuple[str, ...], skip: int
    ) -> Iterator[tuple[object, ...]]:
        names = ", ".join(map(_quoted, columns)) or "NULL"
        taken = {name.lower() for name in table.columns}
        order = next((name for name in ROWID_NAMES if name not in taken), None)
        query = f"SELECT {names} FROM main.{_quoted(table.name)} NOT INDEXED"  # noqa: S608  # quoted
        self._steps = 0
        try:
            found = self._connection.execute(f"{query} ORDER BY {order}" if order else query)
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                raise
            found = self._connection.execute(query)  # it has no rowid, and lies in its key's order
        for place, values in enumerate(found):
            self._steps = 0
            if place >= skip:
                yield values if columns else ()

    def _flush(self) -> Iterator[RecordBlock]:
        self._held = 0
        yield from self._block.flush()

    def _is_too_long(self) -> bool:
        self._steps += STEPS_A_LOOK
        return self._steps > STEPS_A_ROW

    def _lost(self, name: str, error: Exception) -> Unread:
        """Tell the rest of a table; how large it is can only be guessed."""
        size, self._unseen = max(1, self._unseen), 0
        why = safe_text(str(error) or type(error).__name__, 120)
        return _untold(
            f"{_shown(name)} cannot be read to its end ({why}); the rest of it is lost", size
        )


class _Opaque:
    """The rows of a table that were read, and the values in them that are no text."""

    def __init__(self) -> None:
        self.rows = self.count = self.size = 0


class _Odd(str):
    """A text of which some bytes were no UTF-8."""


def _text(data: bytes) -> str:
    text, oddities = decode(data)
    return _Odd(text) if oddities else text


def _bounded(
    value: object, left: int, opaque: _Opaque, oddities: set[str]
) -> tuple[object, int, int]:
    """Return a value as far as there is room for it, the bytes it takes up, and the bytes cut off."""
    if isinstance(value, bytes):
        text, broken = decode(value)
        if broken or "\0" in text:
            opaque.count, opaque.size = opaque.count + 1, opaque.size + len(value)
            return None, 0, 0
        value = text
    if isinstance(value, str):
        if isinstance(value, _Odd):
            oddities.add("invalid_utf8")
        data = value.encode("utf-8", "replace")
        if len(data) > left:
            kept = data[: max(0, left)].decode("utf-8", "ignore")
            return kept, max(0, left), len(data) - max(0, left)
        return str(value), len(data), 0
    return value, 8, 0


def _allow(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _is_shadow(name: str, virtual: list[str]) -> bool:
    owner, _, part = name.rpartition("_")
    return part in SHADOWS and owner in virtual


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shown(name: str) -> str:
    return f"the table {safe_text(name, 60)}"


def _untold(reason: str, size: int = 0) -> Unread:
    return Unread(file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=size, reason=reason)
