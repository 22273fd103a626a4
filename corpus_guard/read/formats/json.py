"""JSON: an array of records, or records one after another, or one object that holds such an array.

The file is cut at the borders of its top-level elements as it streams by, so that memory is bounded by
one record, not by the file.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.formats._elements import elements
from corpus_guard.read.json_record import Malformed, parse_records
from corpus_guard.read.lines import Line
from corpus_guard.types import RecordBlock, Unread

_SMALL_FILE = 64 << 20
_WRAPPED = re.compile(rb'\s*\{\s*"[^"\\]{1,64}"\s*:\s*\[\s*\{')


@reader(extensions=(".json",))
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of a JSON file."""
    block = BlockBuilder()
    head = stream.read(4096)
    wrapper = _WRAPPED.match(head)
    skip = wrapper.end() - 1 if wrapper else 0
    block.count(skip)
    for element in elements(stream, head[skip:], skip, options.max_record_bytes, inside=wrapper is not None):
        block.count(element.consumed)
        if element.data:
            yield from _add(block, element.line, options)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()


def _add(block: BlockBuilder, line: Line, options: ReadOptions) -> Iterator[Unread]:
    if line.length > len(line.data):
        text = line.data.decode("utf-8", "replace")
        row = block.add(line.offset, line.data, {"_raw": text}, ("oversized",))
        reason = "larger than --max-record or not closed; its beginning was scanned"
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
