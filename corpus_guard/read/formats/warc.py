"""Web archives (.warc): one record per page or text that was fetched.

`text` is the main text of a page, `html` the whole page; the address and the time are those of the
archive. Code, style sheets and data are checked for what they hide and kept out of the statistics.
Records about the crawl itself (warcinfo, request, metadata, revisit) are read and are no records here.
Content that is no text is reported once a file. Needs the extra `web`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.web.crawl import CRAWL, MAGIC, crawl_records
from corpus_guard.read.web.pages import WEB
from corpus_guard.types import RecordBlock, Unread


@reader(extensions=(".warc",), magic=(MAGIC,), native=True, layout=CRAWL, extra=WEB)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the pages and texts of a web archive."""
    return crawl_records(stream, options)
