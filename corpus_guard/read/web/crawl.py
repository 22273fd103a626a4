"""The pages of a web archive as records.

Responses, resources, conversions and continuations that hold text become records. What only says how
the crawl went (warcinfo, request, metadata, revisit) is read and is no record. Content that is no text,
such as images, is counted and reported once a file.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.read.blocks import BLOCK_BYTES, BlockBuilder
from corpus_guard.read.web.archive import ArchiveRecord, archive_records
from corpus_guard.read.web.http_message import (
    Message,
    parse_headers,
    parse_media_type,
    parse_response,
)
from corpus_guard.read.web.pages import PAGE, decode_web, page_of
from corpus_guard.types import RecordBlock, Unread

MAGIC = b"WARC/"
CRAWL = replace(PAGE, roles={**PAGE.roles, "record_id": ("record_id",)})
ABOUT_THE_CRAWL = frozenset({"warcinfo", "request", "metadata", "revisit"})
PAGES = frozenset({"text/html", "application/xhtml+xml"})
PROSE = frozenset({"", "text/plain", "text/markdown"})

_CODE = re.compile(r"text/.*|application/(?:(?:x-)?javascript|json|xml)|.*\+(?:json|xml)")
_PAGE_BEGINS = re.compile(rb"(?i)\s*(?:<\?xml[^<>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BINARY_BEGINS = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")
FEW_BYTES = 4
"""So many odd bytes alone do not take a short text out of the scan."""

_WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")
_SNIFFED = 4096
_LISTED_TYPES = 4


def crawl_records(stream: BinaryIO, options: ReadOptions) -> Iterator[RecordBlock | Unread]:
    """Yield the records of an unpacked web archive and what of it could not be read."""
    block, passed_over, held = BlockBuilder(), _PassedOver(), 0
    for item in archive_records(stream, options.max_record_bytes):
        if not isinstance(item, ArchiveRecord):
            yield _lost(item.offset, item.length, "no archive record begins here")
            continue
        try:
            made = _record_of(item, options.max_record_bytes)
        except OSError:  # raised by fastwarc
            yield block.lose(item.offset, item.length, "the record's header cannot be read")
            made = None
        if isinstance(made, str):
            passed_over.add(made, item)
            continue
        block.count(item.length)
        if made is not None:
            fields, oddities, cut = made
            row = block.add(item.offset, item.header + item.block, fields, oddities)
            yield from _partial(block, row, item, cut)
            held += sum(len(value) for value in fields.values() if isinstance(value, str))
        if block.is_full or held >= BLOCK_BYTES:
            yield from block.flush()
            held = 0
    yield from passed_over.told()
    yield from block.flush()


def _record_of(
    item: ArchiveRecord, most_bytes: int
) -> tuple[dict[str, object], tuple[str, ...], int] | str | None:
    """Return a record's fields, its oddities and how many bytes of it were not unpacked.

    A record that holds no text is its media type; one that is none to us, None.
    """
    headers = parse_headers(item.header)
    kind = (headers.get("warc-type") or "").lower()
    media_type, charset = parse_media_type(headers.get("content-type") or "")
    if kind in ABOUT_THE_CRAWL:
        return None
    message = Message("", media_type, charset, item.block)
    if media_type == "application/http" or (kind == "response" and item.block[:5] == b"HTTP/"):
        message = parse_response(item.block, most_bytes)
    if not message.body.strip():
        return None
    texts = _texts(message)
    if texts is None:
        return message.media_type or "of no type"
    found, oddities = texts
    about = {
        "url": (headers.get("warc-target-uri") or "").strip("<> ") or None,
        "time": headers.get("warc-date"),
        "record_id": headers.get("warc-record-id"),
        "status": message.status or None,
        "content_type": message.media_type or None,
    }
    return {**found, **about}, oddities, message.cut


def _texts(message: Message) -> tuple[dict[str, object], tuple[str, ...]] | None:
    """Return the texts that a body holds, by field, and what was odd; None if it is no text."""
    if _is_binary(message.body):
        return None
    begins_a_page = _PAGE_BEGINS.match(message.body, 0, _SNIFFED) is not None
    is_code = message.media_type not in PROSE and _CODE.fullmatch(message.media_type)
    if message.media_type in PAGES or (begins_a_page and not is_code):
        page = page_of(message.body, message.charset)
        return {"text": page.text, "html": page.markup, "title": page.title}, page.oddities
    text, oddities = decode_web(message.body, message.charset)
    # Code and data are checked for what they hide, but kept out of the statistics over words.
    return {"payload" if is_code else "text": text}, oddities


def _is_binary(body: bytes) -> bool:
    head = body[:_SNIFFED]
    if head.startswith(_WIDE_TEXT):
        return False
    return head.startswith(_BINARY_BEGINS) or (
        len(_NO_TEXT.findall(head)) > max(FEW_BYTES, len(head) // 50)
    )


def _partial(
    block: BlockBuilder, row: int, item: ArchiveRecord, packed_cut: int
) -> Iterator[Unread]:
    if item.cut or packed_cut:
        yield block.beyond(row, item.offset, item.cut or packed_cut)
    if item.missing:
        yield block.partial(row, item.offset, item.missing, "the file ends inside this record")


class _PassedOver:
    """Counts the records that hold no text."""

    def __init__(self) -> None:
        self._types = Counter[str]()
        self._first, self._size = -1, 0

    def add(self, media_type: str, item: ArchiveRecord) -> None:
        self._types[media_type] += 1
        self._first = item.offset if self._first < 0 else self._first
        self._size += item.length

    def told(self) -> Iterator[Unread]:
        """Yield one `Unread` over all of them, if there are any."""
        if not self._types:
            return
        common = self._types.most_common(_LISTED_TYPES)
        listed = ", ".join(f"{safe_text(name, 40)} {count:,}" for name, count in common)
        ending = ", …" if len(self._types) > len(common) else ""
        count = self._types.total()
        noun = "record holds" if count == 1 else "records hold"
        yield _lost(self._first, self._size, f"{count:,} {noun} no text ({listed}{ending})")


def _lost(offset: int, size: int, reason: str) -> Unread:
    return Unread(file="", kind="bytes", row=-1, byte_offset=offset, size_bytes=size, reason=reason)
