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
from corpus_guard.read.json_record import add_json
from corpus_guard.types import RecordBlock, Unread

_BOM = b"\xef\xbb\xbf"
_WRAPPED = re.compile(rb'\s*\{\s*"[^"\\]{1,64}"\s*:\s*\[\s*\{')


@reader(extensions=(".json",))
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of a JSON file."""
    block = BlockBuilder()
    head = stream.read(4096)
    skip = len(_BOM) if head.startswith(_BOM) else 0
    wrapper = _WRAPPED.match(head, skip)
    skip = wrapper.end() - 1 if wrapper else skip
    block.count(skip)
    inside = wrapper is not None
    for element in elements(stream, head[skip:], skip, options.max_record_bytes, inside=inside):
        block.count(element.consumed)
        if element.piece.data:
            yield from add_json(block, element.piece, options)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()
