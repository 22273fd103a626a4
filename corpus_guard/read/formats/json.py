"""JSON: an array of records, or records one after another, or one object that holds such arrays.

The file is cut at the borders of its records as it streams by, so that memory is bounded by one record,
not by the file. After a malformed record reading goes on where the next one seems to begin.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.text.json_elements import Element, Elements
from corpus_guard.read.text.json_record import (
    MalformedError,
    add_records,
    begins_with_line,
    lose,
    parse,
)
from corpus_guard.types import RecordBlock, Unread

HEAD_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[{\]}]', re.DOTALL)
_OBJECT = re.compile(rb"\s*\{")
_TURN = re.compile(rb'\s*\{[^{}\[\]]{0,200}?"(?:role|from|speaker)"\s*:')


def _resembles(head: bytes) -> bool:
    return head.startswith(b"[") or (head.startswith(b"{") and not begins_with_line(head))


@reader(extensions=(".json",), resembles=_resembles)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of a JSON file."""
    block = BlockBuilder()
    head = stream.read(HEAD_BYTES)
    skip = len(_BOM) if head.startswith(_BOM) else 0
    block.count(skip)
    wrapped = _wraps_records(head[skip:])
    source = Elements(stream, head[skip:], skip, options.max_record_bytes, wrapped=wrapped)
    for element in source:
        yield from _add(block, element, source, options)
        if block.is_full:
            yield from block.flush()
    yield from block.flush()


def _add(
    block: BlockBuilder, element: Element, source: Elements, options: ReadOptions
) -> Iterator[Unread]:
    try:
        records = parse(element.piece, options) if element.piece.data else []
    except MalformedError as error:
        element = source.give_back(element)
        yield lose(block, element.piece, error)
    else:
        yield from add_records(block, element.piece, records)
    block.count(element.consumed)


def _wraps_records(head: bytes) -> bool:
    """Say whether a file is one object that holds an array of objects which are no turns of a chat."""
    if not _OBJECT.match(head):
        return False
    depth, holds = 0, False
    for found in _MARKS.finditer(head):
        mark = head[found.start()]
        if found[0] == b'"':  # the head ends inside a string
            break
        if mark in b"{[":
            depth += 1
            if depth == 2 and mark == 0x5B and _OBJECT.match(head, found.end()):
                holds = holds or not _TURN.match(head, found.end())
        elif mark in b"]}":
            depth -= 1
            if depth == 0:  # more values may follow: then each is a record
                return holds and not head[found.end() :].strip(b" \t\r\n,")
    return holds
