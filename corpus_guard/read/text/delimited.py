"""Records of a delimited table: quoted line ends are kept, an unclosed quote cannot swallow the rest."""

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BlockBuilder, decode
from corpus_guard.read.text.lines import Piece, lines
from corpus_guard.types import RecordBlock, Unread

DELIMITERS = ",;\t|"
MOST_LINES = 100_000
_MOST_LOOKED_AHEAD = 4 << 20
LONGEST_NAME = 64


def sniff_delimiter(header: str) -> str:
    """Return the delimiter that occurs most in the header outside quotes; a comma if none does."""
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=lambda mark: (outside.count(mark), -DELIMITERS.index(mark)))


def table_records(
    stream: BinaryIO, options: ReadOptions, delimiter_of: Callable[[str], str]
) -> Iterator[RecordBlock | Unread]:
    """Yield a table's records as {column name: cell}; cells beyond the header go into one field.

    A first row with a cell too long for a name is a record, and all columns are named by number.
    """
    source = _Lines(lines(stream, 0, None, options.max_record_bytes))
    block = BlockBuilder()
    header = source.next()
    while header is not None and not header.data.strip():
        block.count(header.length)
        header = source.next()
    if header is not None:
        text, _ = decode(header.data.removeprefix(b"\xef\xbb\xbf"))
        delimiter = delimiter_of(text)
        names = _cells(text, delimiter)
        if max(map(len, names), default=0) > LONGEST_NAME:
            names = [""] * len(names)
            source.give_back([header])
        else:
            block.count(header.length)
        table = _Table(names, delimiter, options.max_keys)
        while (line := source.next()) is not None:
            if line.data.strip():
                yield from table.add(block, line, source)
            else:
                block.count(line.length)
            if block.is_full:
                yield from block.flush()
    yield from block.flush()


class _Lines:
    """Lines that can be given back, so that reading resumes after the line where a record failed."""

    def __init__(self, source: Iterator[Piece]) -> None:
        self._source = source
        self._returned = deque[Piece]()

    def next(self) -> Piece | None:
        """Return the next line, or None at the end."""
        return self._returned.popleft() if self._returned else next(self._source, None)

    def give_back(self, unused: list[Piece]) -> None:
        """Take back lines, which come again next."""
        self._returned.extendleft(reversed(unused))


class _Table:
    """The columns of a table, and how its rows are told apart."""

    def __init__(self, names: list[str], delimiter: str, most_names: int) -> None:
        self._delimiter = delimiter
        self._width = len(names)
        self._names = distinct(names[:most_names])
        mark = re.escape(delimiter.encode())
        self._whole_fields = re.compile(
            rb'(?:(?:"(?:[^"]|"")*+"[^%b]*+|[^%b"][^%b]*+|)%b)*+' % (mark, mark, mark, mark)
        )

    def add(self, block: BlockBuilder, line: Piece, source: _Lines) -> Iterator[Unread]:
        """Add the record that begins with `line` and the further lines that its quotes span.

        A quote that is never closed, or that would swallow lines into a row that does not fit the
        header, is taken for an ordinary character of its line.
        """
        held = [line]
        is_open = self._is_open(line.data)
        if is_open and self._span(held, source) and self._fits(held):
            yield from self._add(block, held)
        else:
            source.give_back(held[1:])
            yield from self._add(block, [line], literal=is_open)

    def _is_open(self, data: bytes) -> bool:
        """Say whether a record that begins with `data` goes on in the next line."""
        if data.count(b'"') % 2 == 0:
            return False
        whole = self._whole_fields.match(data)
        last = data[whole.end() :] if whole else data
        return last.startswith(b'"') and last.count(b'"') % 2 == 1

    def _span(self, held: list[Piece], source: _Lines) -> bool:
        """Add lines to `held` until the quote that its first opens is closed; say whether it is."""
        size = 0
        while size < _MOST_LOOKED_AHEAD and len(held) < MOST_LINES:
            piece = source.next()
            if piece is None:
                return False
            held.append(piece)
            size += len(piece.data)
            if piece.data.count(b'"') % 2 == 1:
                return True
        return False

    def _fits(self, held: list[Piece]) -> bool:
        text, _ = decode(b"\n".join(piece.data for piece in held))
        return len(_cells(text, self._delimiter)) == self._width

    def _add(
        self, block: BlockBuilder, held: list[Piece], *, literal: bool = False
    ) -> Iterator[Unread]:
        block.count(sum(piece.length for piece in held))
        data = b"\n".join(piece.data for piece in held)
        text, oddities = decode(data)
        cells = _cells(text, self._delimiter, literal=literal)
        if literal:
            oddities = (*oddities, "unclosed_quote")
        if len(cells) != self._width:
            oddities = (*oddities, "ragged_row")
        fields = dict(zip(self._names, cells, strict=False))
        if len(cells) > len(self._names):
            fields["(surplus cells)"] = "\n".join(cells[len(self._names) :])
        row = block.add(held[0].offset, data, fields, oddities)
        for piece in held:
            if piece.cut:
                yield block.cut(row, piece)


def _cells(text: str, delimiter: str, *, literal: bool = False) -> list[str]:
    """Return the cells of one row; `literal` takes quotes for ordinary characters."""
    if csv.field_size_limit() <= len(text):  # a limit of the whole process: only ever raised
        csv.field_size_limit(len(text) + 1)
    rows = csv.reader(
        io.StringIO(text.replace("\r", "\n"), newline="\n"),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if literal else csv.QUOTE_MINIMAL,
    )
    return [cell for row in rows for cell in row]


def distinct(names: list[str]) -> list[str]:
    """Return names that differ, with a number where one is empty or occurs again."""
    found: dict[str, None] = {}
    for place, name in enumerate(names):
        plain = name.strip() or f"column_{place}"
        while plain in found:
            plain = f"{name.strip()} ({place})"
            place += len(names)  # a name that looks like this one stands in the header already
        found[plain] = None
    return list(found)
