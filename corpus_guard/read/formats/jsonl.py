"""JSON Lines: one JSON record a line (.jsonl, .ndjson). Blank lines are passed over.

A line may be a list: of messages, of conversations, of records, or of turns that are plain texts.
"""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.text.json_lines import json_lines
from corpus_guard.read.text.json_recognition import are_lines_of_lists
from corpus_guard.read.text.json_record import begins_with_line
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".jsonl", ".ndjson", ".jsonlines"), splittable=True,
        overrules=are_lines_of_lists, resembles=begins_with_line)  # fmt: skip
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of the lines that begin in [start, end)."""
    return json_lines(stream, options, start, end)
