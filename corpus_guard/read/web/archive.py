"""Cut a web archive (WARC, ISO 28500) into its records, going on behind whatever is broken.

A record says how long it is. Where that is wrong, which shows when no record follows it, the next
beginning of one is looked for, so that a broken record costs no other one.
"""

import re
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST_HEADER = 64 << 10
"""Bytes of a record's own header; real ones have a few hundred."""

_CHUNK = 1 << 20
_LONGEST_MARK = 128
_MARK = re.compile(rb"WARC/[01]\.\d{1,2}[ \t]*\r?\n[A-Za-z][A-Za-z-]{0,80}[ \t]*:")
_HEADER_END = re.compile(rb"\r?\n(?:\r?\n|(?=WARC/))")
_LENGTH = re.compile(rb"(?i)\ncontent-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?\n")
_LINE_ENDS = re.compile(rb"[\r\n]{1,65536}")


class ArchiveRecord(NamedTuple):
    """One record: its header, and the block behind it up to the bound.

    `offset` is its place in the unpacked file, `length` the bytes it takes up, `cut` how many at its
    end lie beyond the bound, `missing` how many more it announces than the file holds.
    """

    offset: int
    header: bytes
    block: bytes
    length: int
    cut: int = 0
    missing: int = 0


class Gap(NamedTuple):
    """A stretch between records that belongs to none."""

    offset: int
    length: int


def archive_records(stream: BinaryIO, most_bytes: int) -> Iterator[ArchiveRecord | Gap]:
    """Yield the records of an unpacked web archive, and the gaps between them.

    At most `most_bytes` of a block are kept. The lengths of all that is yielded add up to the file's.
    """
    source = _Window(stream)
    while source.has(1):
        start = source.position
        source.skip_line_ends()
        if source.is_at_mark(0) and (size := source.header_size()):
            yield _record(source, start, size, most_bytes)
        else:
            source.take(1)
            source.skip_to_mark(None)
            yield Gap(start, source.position - start)


def _record(source: "_Window", start: int, header_size: int, most_bytes: int) -> ArchiveRecord:
    header = source.take(header_size)
    found = _LENGTH.search(header)
    size = int(found[1]) if found else None
    if size is None or size > most_bytes or not source.ends_after(size):
        return _doubtful(source, start, header, size, most_bytes)
    block = source.take(size)
    source.skip_line_ends()
    return ArchiveRecord(start, header, block, source.position - start)


def _doubtful(
    source: "_Window", start: int, header: bytes, size: int | None, most_bytes: int
) -> ArchiveRecord:
    """Return a record whose length is absent, wrong or too large; it ends where the next begins."""
    first = source.position
    kept = source.before_mark(most_bytes if size is None else min(size, most_bytes))
    block = source.take(kept)
    source.skip_to_mark(None if size is None else size - kept)
    told = source.position - first
    missing = max(0, (size or 0) - told) if not source.has(1) else 0
    source.skip_line_ends()
    return ArchiveRecord(start, header, block, source.position - start, told - kept, missing)


class _Window:
    """The part of a stream that is being looked at."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0
        self._before = 0  # bytes of the stream that came before _data
        self._is_at_end = False

    @property
    def position(self) -> int:
        """How many bytes of the stream have been taken."""
        return self._before + self._at

    def has(self, size: int) -> bool:
        """Say whether the stream goes on for so many bytes, all of which are held from now on."""
        wanted = size - (len(self._data) - self._at)
        if wanted > 0 and not self._is_at_end:
            self._before += self._at
            self._data = self._data[self._at :] + self._read(max(wanted, _CHUNK))
            self._at = 0
        return len(self._data) - self._at >= size

    def take(self, size: int) -> bytes:
        """Return the next bytes and go behind them; fewer at the end."""
        self.has(size)
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def skip_line_ends(self) -> None:
        """Go behind line ends."""
        while self.has(1) and (found := _LINE_ENDS.match(self._data, self._at)):
            self._at = found.end()

    def is_at_mark(self, ahead: int) -> bool:
        """Say whether a record begins so many bytes on."""
        self.has(ahead + _LONGEST_MARK)
        return _MARK.match(self._data, self._at + ahead) is not None

    def ends_after(self, size: int) -> bool:
        """Say whether so many bytes, line ends, and then a record or the end follow."""
        if not self.has(size):
            return False
        self.has(size + _LONGEST_MARK)
        found = _LINE_ENDS.match(self._data, self._at + size)
        blank = found.end() - found.start() if found else 0
        return not self.has(size + blank + 1) or self.is_at_mark(size + blank)

    def header_size(self) -> int:
        """Return the length of the header that begins here with its blank line; 0 if it has no end."""
        self.has(MOST_HEADER)
        found = _HEADER_END.search(self._data, self._at, self._at + MOST_HEADER)
        return found.end() - self._at if found and found[0].count(b"\n") == 2 else 0

    def before_mark(self, most: int) -> int:
        """Return how many bytes there are before the next record or the end, at most `most`."""
        self.has(most + _LONGEST_MARK)
        found = _MARK.search(self._data, self._at, self._at + most + _LONGEST_MARK)
        return min(most, found.start() - self._at if found else len(self._data) - self._at)

    def skip_to_mark(self, most: int | None) -> None:
        """Go to the next line that begins a record, at most so many bytes on; else to the end."""
        left = sys.maxsize if most is None else most
        while left > 0 and self.has(1):
            step = min(left, _CHUNK)
            skipped = self.before_mark(step)
            self._at += skipped
            left -= skipped
            if skipped < step:
                return

    def _read(self, size: int) -> bytes:
        """Return so many bytes of the stream, fewer only at its end."""
        parts = []
        while size > 0 and (part := self._stream.read(size)):
            parts.append(part)
            size -= len(part)
        self._is_at_end = size > 0
        return b"".join(parts)
