"""JSON Lines: one JSON record a line (.jsonl, .ndjson). Blank lines are passed over."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.json_record import Malformed, parse_records
from corpus_guard.read.lines import Line, lines
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".jsonl", ".ndjson", ".jsonlines"), splittable=True)
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


def add_json(block: BlockBuilder, line: Line, options: ReadOptions) -> Iterator[Unread]:
    """Add the records of one piece of JSON to a block; yield what could not be read."""
    if len(line.data) >= options.max_record_bytes and line.length > len(line.data) + 2:
        row = block.add(line.offset, line.data, {"_raw": line.data.decode("utf-8", "replace")}, ("oversized",))
        reason = f"larger than --max-record ({options.max_record_bytes} bytes); its beginning was scanned"
        yield block.partial(row, line.offset, line.length - len(line.data), reason)
        return
    try:
        parsed = parse_records(line.data, options)
    except Malformed as error:
        yield block.lose(line.offset, line.length, f"malformed JSON: {error}")
        return
    for record in parsed:
        row = block.add(line.offset, line.data, record.fields, record.oddities)
        if record.partial:
            yield block.partial(row, line.offset, 0, record.partial)
