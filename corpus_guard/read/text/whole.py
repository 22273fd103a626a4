"""Files that are one record each."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.text.lines import CHUNK
from corpus_guard.types import RecordBlock, Unread

Made = tuple[dict[str, object], tuple[str, ...]]


def whole_file(
    stream: BinaryIO, options: ReadOptions, make: Callable[[bytes], Made]
) -> Iterator[RecordBlock | Unread]:
    """Yield a file as the record that `make` returns for its bytes: its fields and what was odd.

    Of a file over the bound the beginning is read; an empty file is no record.
    """
    block = BlockBuilder()
    data = _up_to(stream, options.max_record_bytes)
    beyond = 0
    while part := stream.read(CHUNK):
        beyond += len(part)
    if data.strip():
        fields, oddities = make(data)
        row = block.add(0, data, fields, oddities)
        if beyond:
            yield block.beyond(row, 0, beyond)
    block.count(len(data) + beyond)
    yield from block.flush()


def _up_to(stream: BinaryIO, most: int) -> bytes:
    parts, left = [], most
    while left > 0 and (part := stream.read(min(left, CHUNK))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
