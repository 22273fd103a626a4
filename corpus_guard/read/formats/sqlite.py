"""SQLite databases (.sqlite, .sqlite3, .db): each row of each table is a record, its columns are fields.

Rows come in the order of their rowid and are numbered through all tables, in the order of their making;
with several tables a field says which it is. The file is opened for reading only and as it is on disk:
what a write-ahead log beside it holds is told and not read. Views and triggers are never run, and
virtual tables and what they keep in tables of their own are left out and told. Values that are no text
are counted. Behind damage the rest of a table is lost, and the next table is read.
"""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BLOCK_BYTES, BlockBuilder, decode
from corpus_guard.read.columnar.records import ROW_BYTES, Expansion, OutOfProportionError
from corpus_guard.read.database.opened import Database, OddText, Table
from corpus_guard.types import RecordBlock, Unread


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
    database = Database(path)
    try:
        yield from _Rows(database, path.stat().st_size, options).all()
    finally:
        database.close()


class _Rows:
    """The records of a database, and how far they have been read."""

    def __init__(self, database: Database, size: int, options: ReadOptions) -> None:
        self._database, self._size, self._options = database, size, options
        self._block, self._expansion, self._held = BlockBuilder(), Expansion(), 0
        self._mark = ""
        self._unseen = size  # about so many bytes hold what was not read yet

    def all(self) -> Iterator[RecordBlock | Unread]:
        """Yield the records of all ordinary tables."""
        names, left_out = self._database.names()
        for name in left_out:
            yield _untold(f"{_shown(name)} is a virtual table or part of one; left out")
        tables = []
        for name in names:
            try:
                tables.append(self._database.table(name))
            except (sqlite3.Error, ValueError) as error:
                yield self._lost(name, error)
        if len(tables) > 1:
            self._mark = "table"
            while any(self._mark in table.columns for table in tables):
                self._mark = f"({self._mark})"
        for table in tables:
            yield from self._of(table)

    def _of(self, table: Table) -> Iterator[RecordBlock | Unread]:
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
        self, table: Table, opaque: "_Opaque", error: Exception
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
        self, table: Table, columns: tuple[str, ...], opaque: "_Opaque", skip: int = 0
    ) -> Iterator[RecordBlock | Unread]:
        kept = columns[: self._options.max_keys]
        for values in islice(self._database.rows(table, kept), skip, None):
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

    def _flush(self) -> Iterator[RecordBlock]:
        self._held = 0
        yield from self._block.flush()

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
        if isinstance(value, OddText):
            oddities.add("invalid_utf8")
        data = value.encode("utf-8", "replace")
        if len(data) > left:
            kept = data[: max(0, left)].decode("utf-8", "ignore")
            return kept, max(0, left), len(data) - max(0, left)
        return str(value), len(data), 0
    return value, 8, 0


def _shown(name: str) -> str:
    return f"the table {safe_text(name, 60)}"


def _untold(reason: str, size: int = 0) -> Unread:
    return Unread(file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=size, reason=reason)
