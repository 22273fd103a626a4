"""A SQLite database as it lies on disk: its ordinary tables and their rows, and nothing of it is run.

The file is opened for reading only, whatever lies beside it. Views, triggers and virtual tables are
never touched; columns that are computed are, with functions that do no harm and within bounds of size
and time.
Source: "Defense Against The Dark Arts" in SQLite's documentation.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from corpus_guard.read.blocks import decode

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
PRAGMAS = ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON")
DEFENSIVE = 1010  # SQLITE_DBCONFIG_DEFENSIVE
ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
OF_SQLITE = frozenset(("sqlite_sequence", *(f"sqlite_stat{number}" for number in range(1, 5))))
SHADOWS = frozenset(
    "config content data docsize idx node parent rowid segdir segments stat".split()
)
"""How the tables are called, behind the name of a virtual table, in which it keeps what it holds."""

ROWID_NAMES = ("rowid", "_rowid_", "oid")
STORED, COMPUTED, COMPUTED_AND_STORED = 0, 2, 3
"""Kinds of columns that a user sees."""


class Table(NamedTuple):
    """A table, its columns, and those among them that are computed when they are read."""

    name: str
    columns: tuple[str, ...]
    computed: frozenset[str]


class OddText(str):
    """A text of which some bytes were no UTF-8."""


class Database:
    """An open database. Its methods raise sqlite3.Error, or ValueError for an impossible name."""

    def __init__(self, path: Path) -> None:
        """Open it."""
        address = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
        for kind, most in LIMITS:
            self._connection.setlimit(kind, most)
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        if hasattr(self._connection, "setconfig"):  # from Python 3.12 on
            self._connection.setconfig(DEFENSIVE)
        self._connection.text_factory = _text
        self._steps = 0
        self._connection.set_progress_handler(self._is_too_long, STEPS_A_LOOK)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def names(self) -> tuple[list[str], list[str]]:
        """Return the names of the ordinary tables, and of the virtual ones with what belongs to them."""
        found = self._connection.execute(
            "SELECT CAST(name AS TEXT), rootpage FROM sqlite_master "
            "WHERE type = 'table' COLLATE NOCASE ORDER BY rowid"
        ).fetchall()
        names = [str(name) for name, _ in found if str(name) not in OF_SQLITE]
        virtual = {str(name) for name, page in found if not page}
        left_out = [name for name in names if name in virtual or _is_shadow(name, virtual)]
        return [name for name in names if name not in left_out], left_out

    def table(self, name: str) -> Table:
        """Return what a table is made of."""
        self._connection.set_authorizer(None)
        found = self._connection.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
        columns = [(str(about[1]), about[6]) for about in found]
        seen = (STORED, COMPUTED, COMPUTED_AND_STORED)
        computed = frozenset(column for column, kind in columns if kind == COMPUTED)
        return Table(name, tuple(column for column, kind in columns if kind in seen), computed)

    def rows(self, table: Table, columns: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
        """Yield the values of some columns in the order of the rowid: numbers, texts, bytes or None."""
        names = ", ".join(map(_quoted, columns)) or "NULL"
        taken = {name.lower() for name in table.columns}
        order = next((name for name in ROWID_NAMES if name not in taken), None)
        query = f"SELECT {names} FROM main.{_quoted(table.name)} NOT INDEXED"  # noqa: S608  # quoted
        self._connection.set_authorizer(_allow)
        self._steps = 0
        try:
            found = self._connection.execute(f"{query} ORDER BY {order}" if order else query)
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                raise
            found = self._connection.execute(query)  # it has no rowid, and lies in its key's order
        for values in found:
            self._steps = 0
            yield values if columns else ()

    def _is_too_long(self) -> bool:
        self._steps += STEPS_A_LOOK
        return self._steps > STEPS_A_ROW


def _text(data: bytes) -> str:
    text, oddities = decode(data)
    return OddText(text) if oddities else text


def _allow(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _is_shadow(name: str, virtual: set[str]) -> bool:
    owner, _, part = name.rpartition("_")
    return part in SHADOWS and owner in virtual


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
