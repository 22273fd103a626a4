"""Read the files that an archive holds, each by the reader of its format."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader, missing_extra
from corpus_guard.read.encodings import HEAD_BYTES, encoded, is_no_text
from corpus_guard.read.gzip_members import GzipMembers
from corpus_guard.read.opening import (
    BUFFER_BYTES,
    FREE_BYTES,
    LARGEST_RATIO,
    GuardedStream,
    unpacked,
)
from corpus_guard.read.recognise import plain_name
from corpus_guard.read.transcoding import as_utf8
from corpus_guard.types import RecordBlock, Unread

LARGEST_HELD = 128 << 20
"""What a format that must be read to and fro may take in memory."""

NO_FORMAT = "of no format that is read in archives"
NO_TEXT = "no text in any encoding that could be told"


class Members:
    """Reads member after member and numbers their records through."""

    def __init__(self, options: ReadOptions) -> None:
        """Start at record 0."""
        self._options = options
        self.next_row = 0
        self._packed = self._unpacked = 0
        self._left_out: dict[tuple[str, str], tuple[str, int, int]] = {}

    def read(self, name: str, content: BinaryIO, size: int) -> Iterator[RecordBlock | Unread]:
        """Yield the records of a member that takes up `size` bytes of the archive.

        Whatever goes wrong inside one member is told, and the next can be read.
        """
        chosen = _reader_for(name)
        if chosen is None:
            self.leave_out(name, size, NO_FORMAT)
            return
        reader, given = chosen[1], self._options.plugins.of("read", chosen[0])
        base, left = self.next_row, size
        self._packed += size
        most = max(FREE_BYTES, LARGEST_RATIO * self._packed) - self._unpacked
        plain = unpacked(content, name)
        guarded = GuardedStream(plain, most, name)
        try:
            stream = _stream_for(reader, guarded, self._options)
            if stream is None:
                self.leave_out(name, size, NO_TEXT)
                return
            for item in reader.read(stream, self._options, 0, None, **given):
                found = self._numbered(item, base, name, left)
                if isinstance(found, Unread) and found.kind == "bytes":
                    left -= found.size_bytes
                yield found
            failure = guarded.failure
        except MemoryError:
            raise
        except Exception as error:  # a parser raises anything
            failure = f"cannot be read ({type(error).__name__}: {safe_text(str(error), 120)})"
        self._unpacked += most - guarded.left
        if isinstance(plain, GzipMembers) and plain.gaps and failure is None:
            failure = f"damaged in {len(plain.gaps)} places"
        if failure is None:
            yield RecordBlock(
                rows=[], byte_offsets=[], digests=[], fields=[], oddities=[], bytes_read=left
            )
        else:
            yield not_read(name, left, f"{failure}; what follows in it was not scanned")

    def read_data(self, name: str, data: bytes) -> Iterator[RecordBlock | Unread]:
        """Yield the records of a member that is in memory."""
        return self.read(name, io.BytesIO(data), len(data))

    def leave_out(self, name: str, size: int, why: str) -> None:
        """Note that a member is not read; `left_out` tells it."""
        ending = PurePosixPath(name).suffix.lower()
        first, count, total = self._left_out.get((ending, why), (name, 0, 0))
        self._left_out[ending, why] = first, count + 1, total + size

    def left_out(self) -> Iterator[Unread]:
        """Yield what was noted, members of a kind together."""
        for (_, why), (first, count, size) in self._left_out.items():
            others = f" and {count - 1} more like it" if count > 1 else ""
            yield not_read(first, size, f"{why}{others}; left out")

    def _numbered(
        self, item: RecordBlock | Unread, base: int, name: str, left: int
    ) -> RecordBlock | Unread:
        """Return what a member's reader tells as something of the archive."""
        if isinstance(item, RecordBlock):
            rows = [base + row for row in item.rows]
            self.next_row = max([self.next_row, *(row + 1 for row in rows[-1:])])
            return replace(item, rows=rows, byte_offsets=[-1] * len(rows), bytes_read=0)
        row = base + item.row if item.row >= 0 else -1
        self.next_row = max(self.next_row, row + 1)
        size = min(item.size_bytes, left) if item.kind == "bytes" else item.size_bytes
        reason = f"{safe_text(name, 80)}: {item.reason}"
        return replace(item, row=row, byte_offset=-1, size_bytes=size, reason=reason)


def not_read(name: str, size: int, reason: str) -> Unread:
    """Return a stretch of an archive, a member or the rest of one, as not read."""
    return Unread(
        file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=size,
        reason=f"{safe_text(name, 80)}: {reason}",
    )  # fmt: skip


def _reader_for(name: str) -> tuple[str, Reader] | None:
    """Return the format of a member of this name and its reader, None if it has none here.

    Archives are not nested.
    """
    ending = plain_name(name).suffix
    for format_name, plugin in plugins.load_all("read").items():
        spec = plugin.spec
        if isinstance(spec, Reader) and ending in spec.extensions:
            is_read = spec.takes == "stream" and not spec.archive and not missing_extra(spec)
            return (format_name, spec) if is_read else None
    return None


def _stream_for(reader: Reader, guarded: GuardedStream, options: ReadOptions) -> BinaryIO | None:
    """Return what a reader gets of a member: text as UTF-8; None where it is no text."""
    stream = io.BufferedReader(guarded, BUFFER_BYTES)
    if reader.is_text:
        told = encoded(stream.peek(HEAD_BYTES)[:HEAD_BYTES], options.encoding)
        return None if is_no_text(told) else as_utf8(cast(BinaryIO, stream), told.encoding)
    if not reader.seekable:
        return cast(BinaryIO, stream)
    data = stream.read(LARGEST_HELD + 1)
    if len(data) > LARGEST_HELD:
        raise ValueError("too large to be read inside an archive; unpack it")
    return io.BytesIO(data)
