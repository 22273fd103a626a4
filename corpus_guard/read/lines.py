"""Cut a stream into lines without ever holding more of one than its bound."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

CHUNK = 1 << 20


class Line(NamedTuple):
    """A line: its place, its first bytes up to the bound (no line end), and its full length with
    the line end."""

    offset: int
    data: bytes
    length: int


def lines(stream: BinaryIO, start: int, end: int | None, most_bytes: int) -> Iterator[Line]:
    """Yield the lines whose first byte lies in [start, end); `end` None means the stream's end.

    With `start` > 0 the stream must be seekable; the line that begins before `start` is skipped.
    """
    position = start
    if start > 0:
        stream.seek(start - 1)
        skipped = _skip_line(stream)
        position = start - 1 + skipped
    while end is None or position < end:
        data = stream.readline(most_bytes + 1)
        if not data:
            return
        length = len(data)
        if not data.endswith(b"\n") and length > most_bytes:
            length += _skip_line(stream)
        yield Line(position, data[:most_bytes].rstrip(b"\r\n") if length == len(data) else data[:most_bytes], length)
        position += length


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line and return how many bytes that took."""
    skipped = 0
    while True:
        part = stream.readline(CHUNK)
        skipped += len(part)
        if not part or part.endswith(b"\n"):
            return skipped
