"""Markdown (.md, .markdown): one record a file, as it stands."""

from collections.abc import Iterator
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import decode
from corpus_guard.read.text.whole import Made, whole_file
from corpus_guard.types import Layout, RecordBlock, Unread

DOCUMENT = Layout(kind="plain", name="document", roles={"text": ("text",)})


@reader(extensions=(".md", ".markdown"), layout=DOCUMENT)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the document."""
    return whole_file(stream, options, _made)


def _made(data: bytes) -> Made:
    text, oddities = decode(data.removeprefix(b"\xef\xbb\xbf"))
    return {"text": text}, oddities
