"""Cut a JSON stream into its elements, holding no more than one of them."""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

from corpus_guard.read.text.lines import CHUNK, Piece

_WHITE = b" \t\r\n"
_FIRST_KEY = re.compile(rb'\s*\{\s*("[^"\\]{0,64}")')
_RECORD_START = re.compile(rb'(?<=[,\n])\s*+(?=\{\s*+("[^"\\]{0,64}+"))')
_FIRST_KEY_BY_ID = re.compile(rb'\s*"(?:[^"\\]|\\.){0,256}"\s*:' + _FIRST_KEY.pattern, re.DOTALL)
_RECORD_START_BY_ID = re.compile(
    rb'(?<=[,\n])\s*+(?="(?:[^"\\]|\\.){0,256}+"\s*+:\s*+\{\s*+("[^"\\]{0,64}+"))', re.DOTALL
)
_RESCANS, _FREE_RESCANS = 4, 64 << 20
"""How often a damaged file may be looked through again, and how many bytes of it in any case."""
_STEP = 8 << 10
"""How many bytes are looked at together: all of them again when a record among them is malformed."""


class Element(NamedTuple):
    """An element, and the bytes of the stream since the one before it."""

    piece: Piece
    consumed: int


class Elements:
    """The elements of a stream: of an array, of containers in an object, or one after another.

    Containers lie `wrapped` brackets deep, their own counted, and their elements begin with the byte
    `first`: arrays, or, if it is a quote, objects whose elements come with their keys (`"id": {...}`).
    The `consumed` of all elements adds up to the stream's length. What surrounds the containers comes
    last, as one element in which they are empty. An element that the stream's end leaves open comes
    like any other; it is for the parser to find that it is malformed.
    """

    def __init__(
        self,
        stream: BinaryIO,
        head: bytes,
        offset: int,
        most_bytes: int,
        *,
        wrapped: int = 0,
        first: int = 0x7B,
    ) -> None:
        """Continue `head`, the beginning of the stream, whose first byte stands at `offset`."""
        from corpus_guard.read.text import kernels

        self._kernels = kernels
        self._state = kernels.new_state(wrapped, first)
        self._stream = stream
        self._waiting = [memoryview(head)]
        self._position = offset  # of the first byte that waits
        self._most = most_bytes
        self._around = wrapped > 0
        by_id = first == 0x22
        self._first_key = _FIRST_KEY_BY_ID if by_id else _FIRST_KEY
        self._start_of_record = _RECORD_START_BY_ID if by_id else _RECORD_START
        self._surroundings = bytearray()
        self._around_length = 0
        self._raw = self._good = b""
        self._rescanned = 0
        self._told = offset
        self._start(offset)

    def __iter__(self) -> Iterator[Element]:
        """Yield the elements."""
        while True:
            chunk = self._waiting.pop() if self._waiting else memoryview(self._stream.read(CHUNK))
            if len(chunk) > _STEP:
                self._waiting.append(chunk[_STEP:])
            if chunk:
                yield from self._in_chunk(chunk[:_STEP])
                continue
            if self._length and not self._around:
                yield self._finish(self._position)
            if not self._waiting:
                break
        self._put_around()
        if self._around_length:
            cut = self._around_length - len(self._surroundings)
            data = bytes(self._surroundings)
            if data.strip(_WHITE) == b"{}":  # of an object that was itself the container
                data = b""
            yield Element(Piece(0, data, self._around_length, cut), self._position - self._told)

    def give_back(self, element: Element) -> Element:
        """Return the beginning of a malformed element; what may be a record in it comes again next.

        A stray quote or bracket makes one element of everything that follows.
        """
        start = None if element.piece.cut else self._record_start(self._raw)
        if start is None:
            return element
        raw, first = self._raw, self._told - len(self._raw)
        self._told -= element.consumed
        self._waiting.append(memoryview(raw)[start:])
        self._restart(first, raw[:start])
        return self._finish(first + start)

    def _in_chunk(self, chunk: memoryview) -> Iterator[Element]:
        places, kinds = np.empty(len(chunk), np.int32), np.empty(len(chunk), np.int8)
        view = np.frombuffer(chunk, np.uint8)
        found = self._kernels.find_borders(view, self._state, places, kinds)
        base, taken = self._position, 0
        for place, kind in zip(places[:found].tolist(), kinds[:found].tolist(), strict=True):
            end = place + (kind in (self._kernels.AFTER, self._kernels.ENDED))
            self._take(chunk[taken:end])
            taken = end + (kind == self._kernels.BEFORE)
            self._position = base + taken
            if self._around:
                self._put_around()
                self._around = False
                continue
            self._around = kind == self._kernels.CLOSED
            if not self._around and not self._held.strip():  # between an element and its comma
                self._start(self._position)
                continue
            element = self._finish(self._position, bytes(chunk[end:taken]))
            yield element
            if self._position != base + taken:  # it was given back
                self._waiting.insert(-1, chunk[taken:])
                return
            self._good = element.piece.data
        self._position = base + len(chunk)
        yield from self._take_open(chunk[taken:])

    def _take_open(self, part: memoryview) -> Iterator[Element]:
        """Take in the beginning of an element; where it grows too large, one may have swallowed many."""
        fitted = self._length <= self._most
        self._take(part)
        if self._around or not (fitted and self._length > self._most and self._good):
            return
        raw, first = bytes(self._held), self._position - self._length
        start = self._record_start(raw)
        if start is not None:
            surplus = part[len(part) - (self._length - self._most) :]
            self._waiting += [surplus, memoryview(raw)[start:]]
            self._restart(first, raw[:start])
            yield self._finish(first + start)

    def _record_start(self, data: bytes) -> int | None:
        """Return where in malformed data the next record may begin: one like the last good one."""
        self._rescanned += len(data)
        if self._rescanned > max(_FREE_RESCANS, _RESCANS * self._position):
            return None
        known = self._first_key.match(self._good)
        starts = self._start_of_record.finditer(data, data.find(b"{") + 1)
        return next((at.end() for at in starts if not known or at[1] == known[1]), None)

    def _restart(self, first: int, held: bytes) -> None:
        """Go back to the end of `held`, which begins at `first`."""
        self._kernels.restart(self._state)
        self._around = False
        self._position = first + len(held)
        self._start(first)
        self._take(held)

    def _start(self, offset: int) -> None:
        self._first = offset
        self._held = bytearray()
        self._length = 0

    def _take(self, part: bytes | memoryview) -> None:
        self._held += part[: max(0, self._most - len(self._held))]
        self._length += len(part)

    def _put_around(self) -> None:
        """Take what is held to what surrounds the arrays."""
        if self._around:
            self._surroundings += self._held[: max(0, self._most - len(self._surroundings))]
            self._around_length += self._length
            self._start(self._first + self._length)

    def _finish(self, end: int, border: bytes = b"") -> Element:
        """Return the element, which with the border behind it ends at `end`, and start the next."""
        data = bytes(self._held)
        self._raw = data + border
        lead = len(data) - len(data.lstrip(_WHITE))
        cut = self._length - len(data)
        piece = Piece(self._first + lead, data.strip(_WHITE), self._length - lead, cut)
        element = Element(piece, end - self._told)
        self._told = end
        self._start(end)
        return element
