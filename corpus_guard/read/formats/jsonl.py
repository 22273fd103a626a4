"""JSON Lines: one JSON record a line (.jsonl, .ndjson). Blank lines are passed over."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.text.json_lines import json_lines
from corpus_guard.read.text.json_record import begins_with_line
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".jsonl", ".ndjson", ".jsonlines"), splittable=True, resembles=begins_with_line)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of the lines that begin in [start, end)."""
    return json_lines(stream, options, start, end)
