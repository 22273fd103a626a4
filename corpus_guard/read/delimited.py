"""Records of a delimited table: quoted line ends are kept, an unclosed quote cannot swallow the rest."""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.lines import Line, lines
from corpus_guard.types import RecordBlock, Unread

DELIMITERS = ",;\t|"
MOST_LINES = 100_000


def sniff_delimiter(header: str) -> str:
    """Return the delimiter that occurs most in the header outside quotes; a comma if none does."""
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=lambda mark: (outside.count(mark), -DELIMITERS.index(mark)))


class _Lines:
    """Lines that can be given back, so that reading resumes after the line where a record failed."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source, self._returned = source, deque[Line]()

    def next(self) -> Line | None:
        return self._returned.popleft() if self._returned else next(self._source, None)

    def give_back(self, unused: list[Line]) -> None:
        self._returned.extendleft(reversed(unused))


def table_records(
    stream: BinaryIO, options: ReadOptions, delimiter_of: Callable[[str], str]
) -> Iterator[RecordBlock | Unread]:
    """Yield a table's records as {column name: cell}; surplus cells are named `column_N`."""
    source, block = _Lines(lines(stream, 0, None, options.max_record_bytes)), BlockBuilder()
    header = source.next()
    while header is not None and not header.data.strip():
        block.count(header.length)
        header = source.next()
    if header is None:
        yield from block.flush()
        return
    block.count(header.length)
    text = header.data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    delimiter = delimiter_of(text)
    names = _distinct(next(csv.reader([text], delimiter=delimiter)))
    while (line := source.next()) is not None:
        yield from _record(block, line, source, names, delimiter, options)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()


def _distinct(names: list[str]) -> list[str]:
    found: list[str] = []
    for place, name in enumerate(names):
        plain = name.strip() or f"column_{place}"
        while plain in found:
            plain += " (duplicate)"
        found.append(plain)
    return found


def _record(
    block: BlockBuilder, line: Line, source: _Lines, names: list[str], delimiter: str, options: ReadOptions
) -> Iterator[Unread]:
    """Add the record that begins with `line` and whatever lines its quotes make it span."""
    if not line.data.strip():
        block.count(line.length)
        return
    held, size, is_open = [line], len(line.data), line.data.count(b'"') % 2 == 1
    while is_open:
        following = source.next()
        if following is not None:
            held.append(following)
            size += len(following.data) + 1
            is_open ^= following.data.count(b'"') % 2 == 1
        if following is None or size > options.max_record_bytes or len(held) > MOST_LINES:
            source.give_back(held[1:])
            block.count(line.length)
            yield block.lose(line.offset, line.length, "a quote is opened and not closed")
            return
    block.count(sum(item.length for item in held))
    data = b"\n".join(item.data for item in held)
    yield from _add(block, line, data, names, delimiter, options)


def _add(
    block: BlockBuilder, line: Line, data: bytes, names: list[str], delimiter: str, options: ReadOptions
) -> Iterator[Unread]:
    text = data.decode("utf-8", "replace")
    odd = ["invalid_utf8"] if "�" in text and "�".encode() not in data else []
    csv.field_size_limit(options.max_record_bytes + 1)
    try:
        cells = next(csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter))
    except (csv.Error, StopIteration) as error:
        yield block.lose(line.offset, len(data), f"malformed row: {error}")
        return
    if len(cells) != len(names):
        odd.append("ragged_row")
    fields = dict(zip(names, cells, strict=False))
    fields.update({f"column_{place}": cell for place, cell in enumerate(cells) if place >= len(names)})
    row = block.add(line.offset, data, fields, tuple(odd))
    if line.length > len(line.data) + 2:
        yield block.partial(row, line.offset, line.length - len(line.data), "larger than --max-record")

