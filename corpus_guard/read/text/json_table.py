"""Read an object that is a table of columns: all of it has to be at hand to make a row."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.text.json_record import MalformedError, parse, record_of
from corpus_guard.read.text.json_shape import PLAIN, Shape, shape_of
from corpus_guard.read.text.lines import CHUNK, Piece
from corpus_guard.types import RecordBlock, Unread

TABLE_BYTES = 64 << 20
_MOST_MARKS = 8 << 20
"""How many commas and opening brackets a table may have: what it takes up when it is parsed."""

_REPEATED = "(repeated keys)"

Row = dict[str, Any]


class Parsed(NamedTuple):
    """A whole file: its only value, what was odd about it, and its shape; PLAIN if there is no such."""

    fields: Row
    oddities: tuple[str, ...]
    shape: Shape


def parsed_whole(data: bytes, options: ReadOptions) -> Parsed:
    """Return what a file holds, if that is one object."""
    nothing = Parsed({}, (), PLAIN)
    try:
        found = parse(Piece(0, data.strip(), len(data)), replace(options, max_keys=sys.maxsize))
    except MalformedError:
        return nothing
    if len(found) != 1 or found[0].partial:
        return nothing
    fields = {key: value for key, value in found[0].fields.items() if not _is_repeated(key)}
    return Parsed(found[0].fields, found[0].oddities, shape_of(fields, is_cut=False))


def add_table(
    block: BlockBuilder, parsed: Parsed, size: int, options: ReadOptions
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of a table of columns that takes up `size` bytes, and what stands beside it."""
    table = Table(parsed.fields, parsed.shape.path)
    share = size // max(1, table.length)
    oddities = parsed.oddities
    row = -1
    for fields in table.rows():
        made = record_of(fields, oddities, options)
        row = block.add_values(made.fields, made.oddities)
        if made.partial:
            yield block.partial(row, -1, 0, made.partial)
        oddities = ()
        block.count(share)
        if block.is_full:
            yield from block.flush()
    if table.missing:
        reason = f"columns of unequal length; {table.missing:,} values are missing"
        yield block.partial(row, -1, 0, reason)
    if table.rest:
        made = record_of(table.rest, parsed.oddities, options)
        row = block.add_values(made.fields, made.oddities)
        if made.partial:
            yield block.partial(row, -1, 0, made.partial)
    block.count(size - share * table.length)
    yield from block.flush()


def too_large(offset: int, size: int) -> Unread:
    """Return a table as one that was not read."""
    reason = (
        f"one object that holds a table of columns, larger than {TABLE_BYTES >> 20} MiB or with "
        f"more than {_MOST_MARKS:,} values; convert it to JSON Lines"
    )
    return Unread(file="", kind="bytes", row=-1, byte_offset=offset, size_bytes=size, reason=reason)


def has_many_values(data: bytes) -> bool:
    """Say whether parsing a text would take too much memory."""
    return sum(map(data.count, (b",", b"[", b"{"))) > _MOST_MARKS


def is_alone(data: bytes) -> bool:
    """Say whether nothing follows the object that `data` begins with."""
    from corpus_guard.read.text import kernels

    state = kernels.new_state()
    places, kinds = np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int8)
    view = np.frombuffer(data, np.uint8)
    for start in range(0, len(data), CHUNK):
        if kernels.find_borders(view[start : start + CHUNK], state, places, kinds):
            return not data[start + int(places[0]) + 1 :].strip(b" \t\r\n,")
    return True


class Table:
    """The rows of a table by column: of lists, or of objects with the rows' keys.

    A list that is shorter than others goes on with None; `missing` counts those cells. What stands
    beside the table is its `rest`.
    """

    def __init__(self, value: Row, path: tuple[str, ...]) -> None:
        """Take the table out of a value, where it lies at `path`."""
        node = value
        for key in path:
            node = node[key]
        lists, objects = (
            {k: v for k, v in node.items() if isinstance(v, kind) and not _is_repeated(k)}
            for kind in (list, dict)
        )
        self._by_key = len(objects) > len(lists)
        self._columns: Row = objects if self._by_key else lists
        for key in self._columns:
            del node[key]
        self.rest = _without_empty(value, path)
        sizes = [len(column) for column in self._columns.values()]
        self.length = max(sizes, default=0)
        self.missing = 0 if self._by_key else self.length * len(sizes) - sum(sizes)

    def rows(self) -> Iterator[Row]:
        """Yield the rows; keys that are no mere numbers are kept as `id`, or `key` if that is taken."""
        names = list(self._columns)
        if not self._by_key:
            for cells in zip_longest(*self._columns.values()):
                yield dict(zip(names, cells, strict=True))
            return
        keys = dict.fromkeys(key for column in self._columns.values() for key in column)
        name = "key" if "id" in names else "id"
        is_numbered = all(key.isdecimal() for key in keys)
        for key in keys:
            row = {column: cells.get(key) for column, cells in self._columns.items()}
            yield row if is_numbered else {**row, name: key}


def _is_repeated(key: str) -> bool:
    return key.startswith(_REPEATED)


def _without_empty(value: Row, path: tuple[str, ...]) -> Row:
    """Return a value without the objects on a path that have nothing left."""
    if not path:
        return value
    inner = _without_empty(value[path[0]], path[1:])
    beside = {key: item for key, item in value.items() if key != path[0]}
    return {**beside, path[0]: inner} if inner else beside
