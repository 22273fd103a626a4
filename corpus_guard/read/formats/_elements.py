"""Find the top-level elements of a JSON stream by brackets and quotes alone."""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from corpus_guard.read.lines import Line

CHUNK = 1 << 20
_MARKS = re.compile(rb'["\\\[\]{},]')


class Element(NamedTuple):
    """One element: its bytes (cut at the bound), its place and full length, and how many bytes of
    the stream were consumed since the element before."""

    data: bytes
    offset: int
    length: int
    consumed: int

    @property
    def line(self) -> Line:
        """The element as a piece of text with a place."""
        return Line(self.offset, self.data, self.length)


class _Scanner:
    """Walks over bytes, knowing depth and whether it stands inside a string."""

    def __init__(self, inside: bool) -> None:
        self.depth = 0
        self.in_string = False
        self.in_array = inside
        self.skip_to = -1

    def borders(self, chunk: bytes, base: int) -> Iterator[tuple[int, bool]]:
        """Yield (position, is the byte part of the element) where an element ends."""
        for found in _MARKS.finditer(chunk):
            position, mark = base + found.start(), chunk[found.start()]
            if position <= self.skip_to:
                continue
            if self.in_string:
                if mark == 0x5C:
                    self.skip_to = position + 1
                elif mark == 0x22:
                    self.in_string = False
                continue
            if mark == 0x22:
                self.in_string = True
            elif mark in b"[{":
                if mark == 0x5B and self.depth == 0 and not self.in_array:
                    self.in_array = True
                    yield position, False
                else:
                    self.depth += 1
            elif mark in b"]}":
                if self.depth == 0:
                    self.in_array = False
                    yield position, False
                else:
                    self.depth -= 1
                    if self.depth == 0:
                        yield position, True
            elif mark == 0x2C and self.depth == 0:
                yield position, False


def elements(
    stream: BinaryIO, head: bytes, offset: int, most_bytes: int, *, inside: bool
) -> Iterator[Element]:
    """Yield the elements of the stream that continues `head`, whose first byte stands at `offset`.

    `inside` says that the opening bracket of the array has been read. Bytes between elements come as
    elements without data, so that `consumed` adds up to the stream's length.
    """
    scanner = _Scanner(inside)
    pending, first, length, chunk, base = bytearray(), offset, 0, head, offset
    while chunk:
        taken = 0
        for position, belongs in scanner.borders(chunk, base):
            stop = position - base + (1 if belongs else 0)
            part = chunk[taken:stop]
            pending += part[: max(0, most_bytes - len(pending))]
            length += len(part)
            yield _element(pending, first, length, position + 1 - first)
            taken, first, length = position - base + 1, position + 1, 0
            pending = bytearray()
        rest = chunk[taken:]
        pending += rest[: max(0, most_bytes - len(pending))]
        length += len(rest)
        base += len(chunk)
        chunk = stream.read(CHUNK)
    if length:
        yield _element(pending, first, length, base - first)


def _element(pending: bytearray, first: int, length: int, consumed: int) -> Element:
    data = bytes(pending)
    lead = len(data) - len(data.lstrip(b" \t\r\n\xef\xbb\xbf"))
    stripped = data[lead:].rstrip(b" \t\r\n") if len(data) == length else data[lead:]
    full = len(stripped) if len(data) == length else length - lead
    return Element(stripped, first + lead, full, consumed)
