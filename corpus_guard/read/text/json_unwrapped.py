"""Make records of the elements of a JSON file that are rows, stand under an id, or in an envelope."""

from dataclasses import replace
from typing import Any

from corpus_guard.config import ReadOptions
from corpus_guard.read.text.json_lists import records_in
from corpus_guard.read.text.json_record import JsonRecord, parse, record_of
from corpus_guard.read.text.json_shape import Shape
from corpus_guard.read.text.lines import Piece

_IN_ROW = "row"
"""Where the data-set viewers of hubs put a record, beside its number."""


class Unwrapping:
    """Parses the elements of one file."""

    def __init__(self, shape: Shape, options: ReadOptions) -> None:
        """Start before the first element."""
        self._shape, self._options = shape, options
        self._header = list(shape.columns) if shape.has_header else None

    def records(self, piece: Piece) -> tuple[Piece, list[JsonRecord]]:
        """Return the records of an element and the bytes they stand for; raise MalformedError."""
        begin = piece.data[:1]
        if piece.cut or not piece.data:
            return piece, parse(piece, self._options) if piece.data else []
        if begin == b'"' and self._shape.first == 0x22:
            return self._by_id(piece)
        if begin == b"[" and self._shape.is_rows:
            return piece, self._row(piece)
        found = parse(piece, self._options)
        if len(found) == 1 and isinstance(found[0].fields.get(_IN_ROW), dict):
            found = [found[0]._replace(fields=_out_of_row(found[0].fields))]
        return piece, found

    def _by_id(self, piece: Piece) -> tuple[Piece, list[JsonRecord]]:
        pair = parse(piece._replace(data=b"{" + piece.data + b"}"), self._options)[0]
        (key, value), *others = pair.fields.items() or [("", None)]
        if others or pair.partial:
            return piece, [pair]
        if isinstance(value, list) and (held := records_in(value)):
            made = [record_of(_named(item, key), pair.oddities, self._options) for item in held]
        elif isinstance(value, dict):
            made = [record_of(_named(value, key), pair.oddities, self._options)]
        else:
            return piece, [pair]
        bare = piece.data[_string_end(piece.data) :].lstrip(b" \t\r\n:")
        return piece._replace(data=bare), made

    def _row(self, piece: Piece) -> list[JsonRecord]:
        options = replace(self._options, max_depth=self._options.max_depth + 1)
        pair = parse(piece._replace(data=b'{"":' + piece.data + b"}"), options)[0]
        cells = pair.fields.get("")
        if not isinstance(cells, list):
            return parse(piece, self._options)
        if self._header is not None and cells == self._header:
            self._header = None
            return []
        names = self._shape.columns
        fields: dict[str, Any] = dict(zip(names, cells, strict=False))
        if len(cells) > len(names):
            fields["(more)"] = cells[len(names) :]
        return [record_of(fields, pair.oddities, self._options)]


def _named(record: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a record with its key."""
    name = next(name for name in ("id", "key", "(key)") if name not in record or name == "(key)")
    return {**record, name: key}


def _out_of_row(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record that an envelope holds, if what stands beside it are no texts."""
    row = record[_IN_ROW]
    beside = {key: value for key, value in record.items() if key != _IN_ROW}
    if (
        any(isinstance(value, str | dict) for value in beside.values())
        or beside.keys() & row.keys()
    ):
        return record
    return {**row, **{key: value for key, value in beside.items() if value not in (None, [])}}


def _string_end(data: bytes) -> int:
    """Return where the string ends that `data` begins with."""
    place = 1
    while place < len(data) and data[place] != 0x22:
        place += 2 if data[place] == 0x5C else 1
    return place + 1
