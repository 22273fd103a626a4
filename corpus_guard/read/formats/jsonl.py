"""JSON Lines: one JSON record a line (.jsonl, .ndjson). Blank lines are passed over."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.text.json_record import add_json, begins_with_line
from corpus_guard.read.text.lines import lines
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".jsonl", ".ndjson", ".jsonlines"), splittable=True, resembles=begins_with_line)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of the lines that begin in [start, end)."""
    block = BlockBuilder()
    for line in lines(stream, start, end, options.max_record_bytes):
        block.count(line.length)
        if line.data.strip():
            yield from add_json(block, line, options)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()
