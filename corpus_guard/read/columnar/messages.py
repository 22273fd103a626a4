"""Cut an Arrow IPC file or stream into its messages, and read what each claims before it is decoded.

A file is a stream between two magic words with a footer behind it, so both are read from front to back.
Source: the Arrow columnar format, "Serialization and Interprocess Communication", and the layout of
FlatBuffers.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAGIC = b"ARROW1"
FEATHER_V1 = b"FEA1"
FEATHER_V1_REASON = "Feather version 1, which is not read; write it anew as version 2"
CONTINUATION = b"\xff\xff\xff\xff"
LARGEST_METADATA = 16 << 20
LARGEST_BODY = 512 << 20
LIKELY_METADATA = 1 << 20
MOST_SEARCHES = 100
"""So often the next message is looked for after a broken one."""

SCHEMA, DICTIONARY, RECORDS = 1, 2, 3
_VERSION, _KIND, _HEADER, _BODY_LENGTH = 0, 1, 2, 3  # fields of Message
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3  # fields of RecordBatch
_ID, _DATA, _IS_DELTA = 0, 1, 2  # fields of DictionaryBatch
_BLOCKS = 3  # field of Footer
_V5, _STEP = 4, 1 << 20


class Message(NamedTuple):
    """One message: where it begins, its bytes, its kind and the rows that it claims.

    `dictionary` is the number of a dictionary that it adds to (`is_delta`) or replaces. `data` are its
    parts; they are empty, and `refused` says why, where it cannot or must not be read.
    """

    offset: int
    length: int
    kind: int = 0
    rows: int = 0
    dictionary: int = 0
    is_delta: bool = False
    data: tuple[bytes | bytearray, ...] = ()
    refused: str = ""


def is_arrow(head: bytes) -> bool:
    """Say whether these are the first bytes of an Arrow IPC file or stream."""
    if head.startswith(MAGIC):
        return True
    start = 4 if head.startswith(CONTINUATION) else 0
    size = int.from_bytes(head[start : start + 4], "little", signed=True)
    if size <= 0:
        return False
    try:
        table = _Table.at_offset(head[start + 4 :], 0)
        return table.number(_KIND, "B") == SCHEMA and 0 <= table.number(_VERSION, "h") <= _V5
    except (struct.error, ValueError):
        return False


class Messages:
    """The messages of a stream; where one is broken, reading goes on at the next.

    After the last message, `tail` holds what lies behind the end mark (a file's footer).
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Begin behind the magic word, if there is one; raise ValueError for Feather version 1."""
        self._stream = stream
        self._size = stream.seek(0, 2) if stream.seekable() else None
        if self._size is not None:
            stream.seek(0)
        self._position = 0
        self._rows = 0
        self._searches = MOST_SEARCHES
        self._held = bytearray()
        self._held = self._take(8)
        if self._held.startswith(FEATHER_V1):
            raise ValueError(FEATHER_V1_REASON)
        self.is_file = self._held.startswith(MAGIC)
        self.tail = b""
        if self.is_file:
            self._held = bytearray()

    @property
    def position(self) -> int:
        """Where the next message begins."""
        return self._position - len(self._held)

    def __iter__(self) -> Iterator[Message]:
        """Yield the messages up to the end mark."""
        while self._is_more():
            offset, taken, self._rows = self.position, bytearray(), 0
            try:
                if not self._take_head(taken):
                    break
                message = self._message(offset, taken)
            except (struct.error, ValueError) as error:
                self._find_next(taken)
                length = self.position - offset
                message = Message(offset, length, rows=self._rows, refused=str(error))
            yield message
        self.tail = bytes(self._take(LARGEST_METADATA))
        while self._take(_STEP):
            self.tail = b""  # too long for a footer

    def _is_more(self) -> bool:
        """Say whether anything is left; a stream may end without an end mark."""
        self._held = self._held or self._take(8)
        return bool(self._held)

    def _take_head(self, taken: bytearray) -> bool:
        """Take the length of the next message's metadata and then these; False at the end mark."""
        taken += self._take(4)
        start = 4 if taken == CONTINUATION else 0
        taken += self._take(start)
        if len(taken) < start + 4:
            raise ValueError("it ends in the middle of a message")
        size = int.from_bytes(taken[start:], "little", signed=True)
        if size == 0:
            return False
        if not 0 < size <= LARGEST_METADATA:
            raise ValueError("no message begins here")
        taken += self._take(size)
        if len(taken) < start + 4 + size:
            raise ValueError("it ends in the middle of a message")
        return True

    def _message(self, offset: int, head: bytearray) -> Message:
        table = _Table.at_offset(bytes(head[8 if head.startswith(CONTINUATION) else 4 :]), 0)
        kind, header = table.number(_KIND, "B"), table.table(_HEADER)
        body_size = table.number(_BODY_LENGTH, "q")
        if kind not in (SCHEMA, DICTIONARY, RECORDS) or header is None or body_size < 0:
            raise ValueError("no message begins here")
        batch = header.table(_DATA) if kind == DICTIONARY else header
        found = Message(offset, 0, kind)
        if kind == RECORDS:
            self._rows = max(0, header.number(_LENGTH, "q"))
            found = found._replace(rows=self._rows)
        elif kind == DICTIONARY:
            number, is_delta = header.number(_ID, "q"), bool(header.number(_IS_DELTA, "B"))
            found = found._replace(dictionary=number, is_delta=is_delta)
        if self._size is not None and self.position + body_size > self._size:
            raise ValueError("it ends in the middle of a batch")
        if body_size > LARGEST_BODY:
            self._skip(body_size)
            why = f"takes {body_size} bytes; write it in smaller batches"
            return found._replace(length=self.position - offset, refused=why)
        body = self._take(body_size)
        if len(body) < body_size:
            raise ValueError("it ends in the middle of a batch")
        found = found._replace(length=self.position - offset)
        unpacked = _unpacked_size(batch, body) if batch and kind != SCHEMA else 0
        if unpacked > LARGEST_BODY:
            return found._replace(
                refused=f"unpacks to {unpacked} bytes; write it in smaller batches"
            )
        return found._replace(data=(head, body))

    def _find_next(self, taken: bytearray) -> None:
        """Go to the next place after what was taken at which a message may begin, or to the end."""
        held, start, self._searches = taken + self._held, 1, self._searches - 1
        self._held = bytearray()
        while self._searches >= 0:
            start = held.find(CONTINUATION, start)
            if start < 0 or start + 8 > len(held):
                more = self._take(_STEP)
                if not more:
                    return
                held, start = held[-11:] + more, 0
                continue
            place = self._position - len(held) + start
            size = int.from_bytes(held[start + 4 : start + 8], "little", signed=True)
            if place % 8 == 0 and 0 < size <= LIKELY_METADATA:
                self._held = held[start:]
                return
            start += 1
        while self._take(_STEP):
            pass

    def _take(self, size: int) -> bytearray:
        """Take bytes in steps, so that a size which is a lie takes no memory."""
        data, self._held = self._held[:size], self._held[size:]
        while len(data) < size and (part := self._stream.read(min(size - len(data), _STEP))):
            data += part
            self._position += len(part)
        return data

    def _skip(self, size: int) -> None:
        """Pass over bytes, never holding more than some of them."""
        while size > 0 and (part := self._take(min(size, _STEP))):
            size -= len(part)


def _unpacked_size(batch: "_Table", body: bytearray) -> int:
    """Return what a batch takes up while it is unpacked; each packed buffer begins with its size."""
    buffers = [place for place in batch.structs(_BUFFERS, "<qq") if place[1] > 0]
    total = max(len(body), sum(length for _, length in buffers))  # they may lie one upon another
    if batch.table(_COMPRESSION) is None:
        return total
    for place, _ in buffers:
        claimed = int.from_bytes(body[max(0, place) : max(0, place) + 8], "little", signed=True)
        total += max(0, claimed)
    return total


class _Table(NamedTuple):
    """A FlatBuffers table: the bytes it lies in, where it lies, and where its vtable lies."""

    data: bytes
    at: int
    fields: int

    @classmethod
    def at_offset(cls, data: bytes, place: int) -> "_Table":
        at = place + _unpack("I", data, place)
        return cls(data, at, at - _unpack("i", data, at))

    def _place(self, field: int) -> int:
        """Return where a field lies, or 0 where it is left out."""
        entry = 4 + 2 * field
        if entry + 2 > _unpack("H", self.data, self.fields):
            return 0
        offset = _unpack("H", self.data, self.fields + entry)
        return self.at + offset if offset else 0

    def number(self, field: int, kind: str) -> int:
        place = self._place(field)
        return _unpack(kind, self.data, place) if place else 0

    def table(self, field: int) -> "_Table | None":
        place = self._place(field)
        return _Table.at_offset(self.data, place) if place else None

    def structs(self, field: int, layout: str) -> Iterator[tuple[int, ...]]:
        """Yield the structs in a vector of them."""
        place = self._place(field)
        if not place:
            return
        start = place + _unpack("I", self.data, place)
        count = _unpack("I", self.data, start)
        end = start + 4 + struct.calcsize(layout) * count
        if end > len(self.data):
            raise ValueError("its parts lie outside of it")
        yield from struct.iter_unpack(layout, self.data[start + 4 : end])


def _unpack(kind: str, data: bytes, at: int) -> int:
    if at < 0:
        raise ValueError("it points outside of itself")
    return int(struct.unpack_from("<" + kind, data, at)[0])


def footer_offsets(tail: bytes) -> set[int] | None:
    """Return where a footer says that record batches begin; None if these bytes are no footer."""
    size = int.from_bytes(tail[-10:-6], "little", signed=True)
    if not tail.endswith(MAGIC) or size != len(tail) - 10:
        return None
    try:
        return {block[0] for block in _Table.at_offset(tail[:size], 0).structs(_BLOCKS, "<qqq")}
    except (struct.error, ValueError):
        return None


def is_plain_batch(head: bytes) -> bool:
    """Say whether a message, of which these are the first bytes, is a batch that is not packed."""
    start = 8 if head.startswith(CONTINUATION) else 4
    try:
        table = _Table.at_offset(head[start:], 0)
        batch = table.table(_HEADER) if table.number(_KIND, "B") == RECORDS else None
        return batch is not None and batch.table(_COMPRESSION) is None
    except (struct.error, ValueError):
        return False
