"""Cut a JSON stream into its top-level elements, holding no more than one of them."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from corpus_guard.read.lines import CHUNK, Piece

_WHITE = b" \t\r\n"


class Element(NamedTuple):
    """An element, whose data may be empty, and the bytes of the stream since the one before it."""

    piece: Piece
    consumed: int


def elements(
    stream: BinaryIO, head: bytes, offset: int, most_bytes: int, *, inside: bool
) -> Iterator[Element]:
    """Yield the elements of the stream that continues `head`, whose first byte stands at `offset`.

    `inside` says that the bracket that opens the array has been read. `consumed` adds up to the
    stream's length; an element that the stream's end leaves open counts as cut.
    """
    from corpus_guard.read import kernels

    state = kernels.new_state(inside=inside)
    gathering = _Gathering(offset, most_bytes)
    chunk, base = head, offset
    while chunk:
        places = np.empty(len(chunk), np.int32)
        kinds = np.empty(len(chunk), np.int8)
        found = kernels.find_borders(np.frombuffer(chunk, np.uint8), state, places, kinds)
        taken = 0
        for place, kind in zip(places[:found].tolist(), kinds[:found].tolist(), strict=True):
            gathering.take(chunk[taken : place + kind])
            yield gathering.finish(base + place + 1)
            taken = place + 1
        gathering.take(chunk[taken:])
        base += len(chunk)
        chunk = stream.read(CHUNK)
    if gathering.length:
        yield gathering.finish(base)


class _Gathering:
    """The element being read, up to the bound."""

    def __init__(self, offset: int, most_bytes: int) -> None:
        self._most = most_bytes
        self._start(offset)

    def _start(self, offset: int) -> None:
        self._first = offset
        self._held = bytearray()
        self.length = 0

    def take(self, part: bytes) -> None:
        """Take in the next bytes."""
        self._held += part[: max(0, self._most - len(self._held))]
        self.length += len(part)

    def finish(self, end: int) -> Element:
        """Return the element, which with what follows it ends at `end`, and start the next."""
        data = bytes(self._held)
        lead = len(data) - len(data.lstrip(_WHITE))
        cut = self.length - len(data)
        piece = Piece(self._first + lead, data.strip(_WHITE), self.length - lead, cut)
        consumed = end - self._first
        self._start(end)
        return Element(piece, consumed)
