"""Extracted texts of a web archive (.wet, .warc.wet): one record per page.

The same as `warc`, whose `conversion` records these are. Needs the extra `web`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.web.crawl import CRAWL, MAGIC, crawl_records
from corpus_guard.read.web.pages import WEB
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".wet",), magic=(MAGIC,), native=True, layout=CRAWL, extra=WEB)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the texts."""
    return crawl_records(stream, options)
