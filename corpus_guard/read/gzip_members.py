"""Unpack gzip member by member, and go on with the next whole member behind a damaged one.

Crawl archives pack each record as a member of its own, so that damage need not cost more than one.
"""

import gzip
import io
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Buffer

MOST_GAPS = 100
MOST_TRIES = 1000
"""Places where a member seems to begin that are tried in one file, some milliseconds each."""

MOST_HELD = 4 << 20
"""So far back into a damaged member the beginning of the next one is looked for."""

_STEP = 64 << 10
_MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]", re.DOTALL)
_HAS_CHECKSUM, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT = 2, 4, 8, 16
_DAMAGE = (zlib.error, EOFError, gzip.BadGzipFile)


class PackedGap(NamedTuple):
    """A damaged member: its place and length in the packed file."""

    offset: int
    length: int


class GzipMembers(io.RawIOBase):
    """The content of a gzip file; a damaged member ends with a line end where it breaks off.

    `gaps` are the damaged members behind which reading went on. Raises zlib.error, EOFError or
    BadGzipFile for damage behind which no whole member begins.
    """

    def __init__(self, raw: BinaryIO) -> None:
        """Wrap a packed stream at its beginning."""
        self._raw = raw
        # Packed bytes of this member, unless it is too long, and what was read behind it.
        self._held = bytearray()
        self._first = 0  # where in the file they begin
        self._at = 0  # how many of them are used up
        self._member = 0  # where in the file this member begins
        self._unpacker: zlib._Decompress | None = None
        self._checksum = self._size = self._tries = self._passed = self._position = 0
        self.gaps: list[PackedGap] = []

    @property
    def position(self) -> int:
        """How many packed bytes have been unpacked, without those of gaps."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: "Buffer") -> int:
        """Fill `target` as far as one step goes; return the number of bytes, 0 at the end."""
        view = memoryview(target).cast("B")
        try:
            data = self._unpacked(len(view))
        except _DAMAGE as damage:
            self._go_on_behind(damage)
            data = b"\n"
        else:
            self._position = self._first + self._at - self._passed
        view[: len(data)] = data
        return len(data)

    def _unpacked(self, most: int) -> bytes:
        while True:
            if self._unpacker is not None and self._unpacker.eof:
                self._check_end(self._unpacker)
            if self._unpacker is None and not self._begin():
                return b""
            if self._unpacker is not None and (data := self._step(self._unpacker, most)):
                return data

    def _step(self, unpacker: "zlib._Decompress", most: int) -> bytes:
        self._fill(1)
        packed = self._held[self._at : self._at + _STEP]
        data = unpacker.decompress(packed, most)
        left = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        self._at += len(packed) - len(left)
        self._checksum, self._size = zlib.crc32(data, self._checksum), self._size + len(data)
        if not data and not packed and not unpacker.eof:
            raise EOFError("the compressed file ends before its end")
        if self._at > MOST_HELD:
            self._drop(self._at)
        return data

    def _begin(self) -> bool:
        """Go into the next member, past the zeros that may stand before it; say whether there is one."""
        self._drop(self._at)
        while self._fill(1) and self._held[0] == 0:
            self._drop(len(self._held) - len(self._held.lstrip(b"\0")))
        self._member = self._first
        if not self._held:
            return False
        self._at = self._header_size()
        self._unpacker, self._checksum, self._size = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
        return True

    def _header_size(self) -> int:
        self._fill(_STEP)
        if not _MEMBER.match(self._held):
            raise gzip.BadGzipFile("what follows is not gzip")
        flags, end = self._held[3], 10
        if flags & _HAS_EXTRA:
            end += 2 + int.from_bytes(self._held[end : end + 2], "little")
        for flag in (_HAS_NAME, _HAS_COMMENT):
            if flags & flag:
                end = self._held.find(b"\0", end) + 1
                if end == 0:
                    raise gzip.BadGzipFile("a header without end")
        return end + (2 if flags & _HAS_CHECKSUM else 0)

    def _check_end(self, unpacker: "zlib._Decompress") -> None:
        self._fill(8)
        ending = self._held[self._at : self._at + 8]
        told = int.from_bytes(ending[:4], "little"), int.from_bytes(ending[4:], "little")
        if len(ending) < 8:
            raise EOFError("the compressed file ends before its end")
        if told != (self._checksum, self._size % 2**32):
            raise gzip.BadGzipFile("a wrong checksum")
        self._at += 8
        self._unpacker = None

    def _go_on_behind(self, damage: Exception) -> None:
        """Go to the next whole member, or raise the damage again."""
        self._drop(max(0, self._member + 1 - self._first))
        if len(self.gaps) >= MOST_GAPS or not self._find_member():
            raise damage
        gap = PackedGap(self._member, self._first - self._member)
        self.gaps.append(gap)
        self._passed += gap.length
        self._unpacker = None

    def _find_member(self) -> bool:
        """Drop what is held up to a member that can be unpacked; say whether there is one."""
        while self._tries < MOST_TRIES:
            found = _MEMBER.search(self._held)
            if found:
                self._tries += 1
                self._drop(found.start())
                self._fill(_STEP)
                if _is_whole(self._held[:_STEP]):
                    return True
                self._drop(1)
                continue
            self._drop(max(0, len(self._held) - 3))
            held = len(self._held)
            self._fill(held + _STEP)
            if len(self._held) == held:
                return False
        return False

    def _fill(self, size: int) -> bool:
        """Read until so many bytes are ahead; say whether there are."""
        while len(self._held) - self._at < size:
            part = self._raw.read(_STEP)
            if not part:
                return False
            self._held += part
        return True

    def _drop(self, size: int) -> None:
        del self._held[:size]
        self._first += size
        self._at = 0


def _is_whole(packed: bytearray) -> bool:
    """Say whether the beginning of a member can be unpacked."""
    try:
        return bool(zlib.decompressobj(31).decompress(packed, _STEP)) or len(packed) < _STEP
    except zlib.error:
        return False
