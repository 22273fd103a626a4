"""Cut a stream into lines without ever holding more of one than its bound."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

CHUNK, FIRST_CHUNK = 1 << 20, 64 << 10


class Piece(NamedTuple):
    """A stretch of a file that holds one record, or the beginning of one that is too large.

    `data` is its text without line end, `offset` its place, `length` the bytes it takes up with
    the line end, `cut` how many bytes at its end lie beyond the bound and are not in `data`.
    """

    offset: int
    data: bytes
    length: int
    cut: int = 0


def lines(stream: BinaryIO, start: int, end: int | None, most_bytes: int) -> Iterator[Piece]:
    """Yield the lines whose first byte lies in [start, end); `end` None means the stream's end.

    With `start` > 0 the stream must be seekable; the line that begins before `start` is skipped.
    """
    position = start
    if start > 0:
        stream.seek(start - 1)
        position += _skip_line(stream) - 1
    while end is None or position < end:
        data = stream.readline(most_bytes + 1)
        if not data:
            return
        length = len(data)
        cut = 0
        if length > most_bytes and not data.endswith(b"\n"):
            length += _skip_line(stream)
            data = data[:most_bytes]
            cut = length - most_bytes
        yield Piece(position, data.rstrip(b"\r\n"), length, cut)
        position += length


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line and return how many bytes that took."""
    skipped = 0
    while True:
        part = stream.readline(CHUNK)
        skipped += len(part)
        if not part or part.endswith(b"\n"):
            return skipped


class Stretch(NamedTuple):
    """Whole lines that lie end to end; the last may lack its line end."""

    offset: int
    data: bytes


def stretches(
    stream: BinaryIO, start: int, end: int | None, most_bytes: int
) -> Iterator[Stretch | Piece]:
    """Yield the lines whose first byte lies in [start, end), many at a time; see `lines`.

    A line over the bound that does not fit in with others comes as a piece. The first stretches are
    small, so that whoever wants only these waits for no more.
    """
    position, size = start, FIRST_CHUNK
    if start > 0:
        stream.seek(start - 1)
        position += _skip_line(stream) - 1
    while end is None or position < end:
        data = stream.read(size if end is None else min(size, end - position))
        size = min(CHUNK, 4 * size)
        if not data:
            return
        last = data.rfind(b"\n") + 1
        tail = b"" if last == len(data) else stream.readline(most_bytes + 2)
        if last < len(data) and len(data) + len(tail) - last > most_bytes + 1:
            line = data[last:] + tail
            if last:
                yield Stretch(position, data[:last])
            position += last
            length = len(line) + (0 if line.endswith(b"\n") else _skip_line(stream))
            yield Piece(position, line[:most_bytes].rstrip(b"\r\n"), length, length - most_bytes)
            position += length
        else:
            yield Stretch(position, data + tail)
            position += len(data) + len(tail)
