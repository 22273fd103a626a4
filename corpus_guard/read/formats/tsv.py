"""Tab-separated values with a header row (.tsv, .tab)."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.text.delimited import table_records
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".tsv", ".tab"))
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of a TSV file."""
    yield from table_records(stream, options, lambda _: "\t")
