"""Arrow IPC files and streams (.arrow, .feather, .ipc): each row is a record.

This is also what `save_to_disk` of the `datasets` library writes; a folder of it is scanned as a whole.
Files and streams are told apart by their first bytes. What a batch claims is checked before it is
decoded, a value that stands in many rows is unpacked a few rows at a time, and after a broken batch
reading goes on with the next. Rows out of proportion to the file's size are left out and told, and so
is a footer that names other batches than those that were read. The first version of Feather is another
format and is not read.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.columnar.messages import (
    DICTIONARY,
    FEATHER_V1,
    FEATHER_V1_REASON,
    RECORDS,
    Message,
    Messages,
    footer_offsets,
    is_arrow,
)
from corpus_guard.read.columnar.records import Expansion, OutOfProportionError, add_batch, validate
from corpus_guard.read.columnar.saved_datasets import is_cache, is_description
from corpus_guard.types import RecordBlock, Unread

DICTIONARY_BYTES = 128 << 20
MOST_LOST_ROWS = 1 << 40
"""Numbers of later rows move by no more than this, whatever a lost batch claims."""


@reader(
    extensions=(".arrow", ".feather", ".ipc"),
    recognises=is_arrow,
    refused=((FEATHER_V1, FEATHER_V1_REASON),),
    always_shown=True,
    describes=is_description,
    repeats=is_cache,
    native=True,
    binary=True,
)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of an Arrow file or stream; a broken or oversized batch is one `Unread`."""
    block, expansion, decoder = BlockBuilder(), Expansion(), _Decoder(options.max_keys)
    messages, seen = Messages(stream), set[int]()
    block.count(messages.position)
    for message in messages:
        seen.add(message.offset)
        next_batch = block.next_row + min(message.rows, MOST_LOST_ROWS)
        try:
            for batch in decoder.batches(message):
                yield from add_batch(block, batch, options, expansion, messages.position)
        except Exception as error:  # a native parser raises anything
            yield from block.flush()
            yield _lost(message, error, next_batch - block.next_row)
        else:
            block.count(message.length)
        block.next_row = max(block.next_row, next_batch)
    yield from block.flush()
    yield from _footer(block, messages, seen)
    yield from block.flush()


class _Decoder:
    """What turns messages into batches."""

    def __init__(self, most_columns: int) -> None:
        self._most_columns = most_columns
        self._schema: list[Message] = []
        self._dictionaries: dict[int, list[Message]] = {}
        self._pipe = _Pipe()
        self._batches: Any = None
        self._torn: set[int] = set()  # dictionaries of which a part is lost

    def batches(self, message: Message) -> Iterator[Any]:
        """Yield the batch of a message that holds one; raise what pyarrow raises, or ValueError."""
        if message.kind == DICTIONARY:
            self._keep(message)
        elif message.refused:
            raise ValueError(message.refused)
        elif message.kind == RECORDS:
            yield self._decoded(message)
        else:
            self._schema, self._dictionaries, self._batches = [message], {}, None
            self._torn.clear()

    def _keep(self, message: Message) -> None:
        """Keep a dictionary: it is needed again when reading starts anew after a broken batch."""
        number = message.dictionary
        before = self._dictionaries.get(number, []) if message.is_delta else []
        self._dictionaries[number] = [*before, message]
        if not message.is_delta:
            self._torn.discard(number)
        is_too_large = sum(part.length for part in self._all_dictionaries()) > DICTIONARY_BYTES
        if message.refused or is_too_large:
            self._dictionaries[number] = before
            self._torn.add(number)
            raise ValueError(message.refused or "the dictionaries are too large")
        self._pipe.feed(message)

    def _all_dictionaries(self) -> Iterator[Message]:
        for parts in self._dictionaries.values():
            yield from parts

    def _decoded(self, message: Message) -> Any:  # noqa: ANN401
        """Return the batch of a message, with no more columns than are read."""
        if self._torn:
            raise ValueError("a dictionary that it needs was lost")
        if self._batches is None:
            self._open()
        self._pipe.feed(message)
        try:
            batch = self._batches.read_next_batch()
        except Exception as error:
            self._batches = None  # it may hold half a message
            raise ValueError(str(error) or "it holds no batch") from error
        columns = range(min(batch.num_columns, self._most_columns + 1))
        batch = batch.select(columns)
        validate(batch)
        return batch

    def _open(self) -> None:
        import pyarrow as pa

        if not self._schema:
            raise ValueError("the schema is missing")
        self._pipe = _Pipe()
        for part in (*self._schema, *self._all_dictionaries()):
            self._pipe.feed(part)
        self._batches = pa.ipc.open_stream(
            self._pipe, options=pa.ipc.IpcReadOptions(use_threads=False)
        )


class _Pipe(io.RawIOBase):
    """A stream of what was fed to it; handed on without a copy."""

    def __init__(self) -> None:
        self._waiting: list[memoryview] = []

    def feed(self, message: Message) -> None:
        self._waiting += [memoryview(part) for part in message.data if part]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._waiting:
            return b""
        first = self._waiting[0]
        part, rest = first[:size], first[size:]
        self._waiting[:1] = [rest] if rest.nbytes else []
        return part  # type: ignore[return-value]  # pyarrow takes any buffer, and this is no copy


def _footer(block: BlockBuilder, messages: Messages, seen: set[int]) -> Iterator[Unread]:
    """Count what lies behind the last message; tell where it is no footer or contradicts them."""
    tail, offset = messages.tail, messages.position - len(messages.tail)
    if not tail and not messages.is_file:
        return
    named = footer_offsets(tail) if messages.is_file else None
    if named is not None and named <= seen:
        block.count(len(tail))
        return
    why = "no footer of an Arrow file" if named is None else "the footer names other batches"
    yield Unread(
        file="", kind="bytes", row=-1, byte_offset=offset, size_bytes=max(1, len(tail)),
        reason=f"{why}; programs that go by it may read something else",
    )  # fmt: skip


def _lost(message: Message, error: Exception, rows: int) -> Unread:
    why = str(error) or type(error).__name__
    if not isinstance(error, OutOfProportionError):
        why = f"cannot be read ({safe_text(why, 120)})"
    lost = f"; {rows} rows are lost" if rows else ""
    return Unread(
        file="", kind="bytes", row=-1, byte_offset=message.offset, size_bytes=message.length,
        reason=f"the batch at byte {message.offset} {why}{lost}",
    )  # fmt: skip
