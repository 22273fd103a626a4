"""Cut a stream into lines without ever holding more of one than its bound."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

CHUNK = 1 << 20


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
