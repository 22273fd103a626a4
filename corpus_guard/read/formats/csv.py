"""CSV with a header row (.csv): comma, semicolon, tab or bar, found from the header."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.text.delimited import sniff_delimiter, table_records
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".csv",))
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of a CSV file."""
    yield from table_records(stream, options, sniff_delimiter)
