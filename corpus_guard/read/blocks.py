"""Collect records into blocks."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256 as _sha256

import orjson

from corpus_guard.read.text.lines import Piece
from corpus_guard.types import RecordBlock, Unread

BLOCK_BYTES = 8 << 20
BLOCK_RECORDS = 8192
FIRST_RECORDS = 256
"""The first block of a shard is small: whoever wants only the first records waits for no more."""

_BY_NAME = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


class BlockBuilder:
    """Gathers the records of one shard and hands them out as blocks of about 8 MiB."""

    def __init__(self) -> None:
        """Start at record 0."""
        self.next_row = 0
        self._most = FIRST_RECORDS
        self._start()

    def _start(self) -> None:
        self._rows: list[int] = []
        self._offsets: list[int] = []
        self._digests: list[bytes] = []
        self._fields: list[Mapping[str, object]] = []
        self._oddities: list[str | None] = []
        self._bytes = 0

    def add(
        self, offset: int, raw: bytes, fields: Mapping[str, object], oddities: tuple[str, ...] = ()
    ) -> int:
        """Take in the next record and return its number; `raw` are the bytes it stands for."""
        row = self.next_row
        self.next_row += 1
        self._rows.append(row)
        self._offsets.append(offset)
        self._digests.append(_sha256(raw).digest())
        self._fields.append(fields)
        self._oddities.append(",".join(oddities) or None)
        return row

    def add_values(
        self, record: dict[str, object], oddities: tuple[str, ...] = (), offset: int = -1
    ) -> int:
        """Take in a record that has no bytes of its own; what it stands for are its values, by name."""
        return self.add(offset, _by_name(record), record, oddities)

    def add_all_values(self, records: Sequence[dict[str, object]]) -> None:
        """Do the same with many records that have no oddities; all of them or none."""
        dumps = orjson.dumps
        try:
            digests = [_sha256(dumps(r, default=str, option=_BY_NAME)).digest() for r in records]
        except TypeError:  # for one of them
            digests = [_sha256(_by_name(record)).digest() for record in records]
        self._add_all([-1] * len(records), digests, records)

    def add_all(
        self, offsets: list[int], raws: Sequence[bytes], records: Sequence[Mapping[str, object]]
    ) -> None:
        """Take in many records that have no oddities; `raws` are the bytes that they stand for."""
        self._add_all(offsets, [_sha256(raw).digest() for raw in raws], records)

    def _add_all(
        self, offsets: list[int], digests: list[bytes], records: Sequence[Mapping[str, object]]
    ) -> None:
        self._rows += range(self.next_row, self.next_row + len(records))
        self.next_row += len(records)
        self._offsets += offsets
        self._digests += digests
        self._fields += records
        self._oddities += [None] * len(records)

    def lose(self, offset: int, size: int, reason: str) -> Unread:
        """Return the next record as one that could not be read."""
        row = self.next_row
        self.next_row += 1
        return Unread(
            file="", kind="record", row=row, byte_offset=offset, size_bytes=size, reason=reason
        )

    def partial(self, row: int, offset: int, size: int, reason: str) -> Unread:
        """Return a record of which `size` bytes went unscanned."""
        return Unread(
            file="", kind="partial", row=row, byte_offset=offset, size_bytes=size, reason=reason
        )

    def cut(self, row: int, piece: Piece) -> Unread:
        """Return a record of which only the first bytes were scanned, because it is too large."""
        return self.beyond(row, piece.offset, piece.cut)

    def beyond(self, row: int, offset: int, size: int) -> Unread:
        """Return a record of which `size` bytes lie beyond --max-record."""
        reason = "larger than --max-record; its beginning was scanned"
        return self.partial(row, offset, size, reason)

    def count(self, size: int) -> None:
        """Note that `size` bytes of the shard were consumed."""
        self._bytes += size

    @property
    def is_full(self) -> bool:
        """Whether it is time to hand out a block."""
        return self._bytes >= BLOCK_BYTES or len(self._rows) >= self._most

    @property
    def room(self) -> int:
        """How many more records fill the block, at least one."""
        return max(1, self._most - len(self._rows))

    def flush(self) -> Iterator[RecordBlock]:
        """Yield what has been gathered, if anything, and start anew."""
        if self._rows or self._bytes:
            yield RecordBlock(
                rows=self._rows, byte_offsets=self._offsets, digests=self._digests,
                fields=self._fields, oddities=self._oddities, bytes_read=self._bytes,
            )  # fmt: skip
            self._most = BLOCK_RECORDS
        self._start()


@contextmanager
def many_made() -> Iterator[None]:
    """Keep the garbage collector still while many values are made, of which none can be garbage.

    Else it looks through them again and again, which takes longer than making them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return bytes as text, and the oddity that some were no UTF-8 and are replaced."""
    try:
        return data.decode(), ()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), ("invalid_utf8",)


def digest_of(record: Mapping[str, object]) -> bytes:
    """Return the digest of a record that has no bytes of its own: that of its values, by name."""
    return _sha256(_by_name(record)).digest()


def _by_name(record: Mapping[str, object]) -> bytes:
    """Return bytes that a record's values decide, whatever their order."""
    try:
        return orjson.dumps(record, default=str, option=_BY_NAME)
    except TypeError:  # nested too deep, a whole number too long, a lone surrogate
        return repr(record).encode("utf-8", "backslashreplace")
