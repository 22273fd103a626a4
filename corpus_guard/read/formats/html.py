"""Web pages (.html, .htm, .xhtml): one record a file.

`text` is the main text, `html` the whole page; address and time are what the page says of itself. Needs
the extra `web`.
"""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.text.whole import Made, whole_file
from corpus_guard.read.web.pages import PAGE, WEB, page_of
from corpus_guard.types import RecordBlock, Unread


def _resembles(head: bytes) -> bool:
    begun = head[:14].lower()
    return begun.startswith((b"<!doctype html", b"<html"))


@reader(
    extensions=(".html", ".htm", ".xhtml"),
    resembles=_resembles,
    wide=True,
    native=True,
    layout=PAGE,
    extra=WEB,
)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the page."""
    return whole_file(stream, options, _made)


def _made(data: bytes) -> Made:
    page = page_of(data, with_address=True)
    fields: dict[str, object] = {
        "text": page.text,
        "html": page.markup,
        "title": page.title,
        "url": page.url,
        "time": page.time,
    }
    return fields, page.oddities
