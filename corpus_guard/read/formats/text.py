"""Plain text: one record per line that is not blank (.txt, .text)."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder, decode
from corpus_guard.read.text.lines import lines
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".txt", ".text"), splittable=True, fallback=True)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the lines that begin in [start, end), under the field `text`."""
    block = BlockBuilder()
    for line in lines(stream, start, end, options.max_record_bytes):
        block.count(line.length)
        data = line.data.removeprefix(b"\xef\xbb\xbf") if line.offset == 0 else line.data
        if data.strip():
            text, oddities = decode(data)
            row = block.add(line.offset, line.data, {"text": text}, oddities)
            if line.cut:
                yield block.cut(row, line)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()
