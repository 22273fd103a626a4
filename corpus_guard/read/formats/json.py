"""JSON: records in an array, one after another, or in one object that is a table or wraps records.

The file is cut at the borders of its records as it streams by, so that memory is bounded by one record,
not by the file. After a malformed record reading goes on where the next one seems to begin. An object
may hold records in arrays, by id, as rows, or as columns. Columns are read as a whole, up to 64 MiB or
--max-record, if that is more.
"""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.text.json_elements import Element, Elements
from corpus_guard.read.text.json_recognition import is_document
from corpus_guard.read.text.json_record import MalformedError, add_records, begins_with_line, lose
from corpus_guard.read.text.json_shape import PLAIN, shape_of_head
from corpus_guard.read.text.json_table import (
    TABLE_BYTES,
    add_table,
    has_many_values,
    is_alone,
    parsed_whole,
    too_large,
)
from corpus_guard.read.text.json_unwrapped import Unwrapping
from corpus_guard.read.text.lines import CHUNK
from corpus_guard.types import RecordBlock, Unread

HEAD_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


def _resembles(head: bytes) -> bool:
    return head.startswith(b"[") or (head.startswith(b"{") and not begins_with_line(head))


@reader(extensions=(".json",), overrules=is_document, resembles=_resembles)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of a JSON file."""
    block = BlockBuilder()
    head = stream.read(HEAD_BYTES)
    skip = len(_BOM) if head.startswith(_BOM) else 0
    head = head[skip:]
    shape = shape_of_head(head)
    if shape.is_table:
        head = _with_more(stream, head, max(TABLE_BYTES, options.max_record_bytes))
        more = stream.read(1)
        is_too_large = bool(more) or has_many_values(head)
        if is_too_large and is_alone(head + more):
            yield too_large(0, skip + len(head + more) + _length_of(stream))
            return
        whole = None if is_too_large else parsed_whole(head, options)
        if whole and whole.shape.is_table:
            yield from add_table(block, whole, skip + len(head), options)
            return
        head, shape = head + more, whole.shape if whole else PLAIN
    block.count(skip)
    unwrapping = Unwrapping(shape, options)
    source = Elements(
        stream, head, skip, options.max_record_bytes, wrapped=shape.depth, first=shape.first
    )
    for element in source:
        yield from _add(block, element, source, unwrapping)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()


def _add(
    block: BlockBuilder, element: Element, source: Elements, unwrapping: Unwrapping
) -> Iterator[Unread]:
    try:
        piece, records = unwrapping.records(element.piece)
    except MalformedError as error:
        element = source.give_back(element)
        yield lose(block, element.piece, error)
    else:
        yield from add_records(block, piece, records)
    block.count(element.consumed)


def _with_more(stream: BinaryIO, head: bytes, most: int) -> bytes:
    parts, left = [head], most - len(head)
    while left > 0 and (part := stream.read(min(left, CHUNK))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _length_of(stream: BinaryIO) -> int:
    length = 0
    while part := stream.read(CHUNK):
        length += len(part)
    return length
