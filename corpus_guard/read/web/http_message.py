"""Take an HTTP response apart: its header, and its body unpacked within a bound.

Crawlers often store a body unpacked and keep the header that calls it packed, so a body that cannot be
unpacked is given as it is.
"""

import io
import re
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fastwarc.warc import HeaderMap

MOST_HEADER = 64 << 10
MOST_CODINGS = 4
_STEP = 64 << 10
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,12})[^\r\n]{0,200}\r?\n")


class Message(NamedTuple):
    """A response. `cut` counts the bytes of the packed body that were not unpacked."""

    status: str
    media_type: str
    charset: str
    body: bytes
    cut: int = 0


def parse_headers(data: bytes) -> "HeaderMap":
    """Return the fields behind a first line; names are found in any case."""
    from fastwarc.warc import HeaderMap

    headers = HeaderMap()
    headers.parse(io.BytesIO(_LINE_END.sub(b"\r\n", data)), True)
    return headers


def parse_response(block: bytes, most_bytes: int) -> Message:
    """Return a stored response; one without a header is all body, of no known type."""
    end = _HEADER_END.search(block, 0, MOST_HEADER)
    if not block.startswith(b"HTTP/") or end is None:
        return Message("", "", "", block)
    try:
        headers = parse_headers(block[: end.end()])
    except OSError:  # too long for fastwarc
        return Message("", "", "", block[end.end() :])
    media_type, charset = parse_media_type(headers.get("content-type") or "")
    body = block[end.end() :]
    if "chunked" in (headers.get("transfer-encoding") or "").lower():
        body = _unchunked(body)
    codings = (headers.get("content-encoding") or "").lower().replace(" ", "").split(",")
    body, cut = _decoded(body, codings[-MOST_CODINGS:], most_bytes)
    return Message(str(headers.status_code or ""), media_type, charset, body, cut)


def parse_media_type(value: str) -> tuple[str, str]:
    """Return the type (`text/html`, in lower case) and the character set that a field names."""
    media_type, _, rest = value.partition(";")
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", rest, re.IGNORECASE)
    return media_type.strip().lower()[:100], found[1].lower() if found else ""


def _unchunked(body: bytes) -> bytes:
    """Return a chunked body in one piece; of one that is damaged or not chunked, all there is."""
    parts, at = [], 0
    while found := _CHUNK.match(body, at):
        size, first = int(found[1], 16), found.end()
        if size == 0:
            break
        parts.append(body[first : first + size])
        at = first + size
        at += 2 if body[at : at + 2] == b"\r\n" else body[at : at + 1] == b"\n"
    else:
        if at < len(body):  # no chunk begins here: keep it, whatever it is
            parts.append(body[at:])
    return b"".join(parts)


def _decoded(body: bytes, codings: list[str], most_bytes: int) -> tuple[bytes, int]:
    cut = 0
    for coding in reversed(codings):
        unpack = _UNPACKERS.get(coding)
        if unpack is not None:
            found = unpack(body, most_bytes)
            if found[0]:
                body, cut = found[0], cut + found[1]
    return body[:most_bytes], cut


def _inflated(body: bytes, most_bytes: int) -> tuple[bytes, int]:
    """Unpack gzip, zlib or bare deflate: a damaged body as far as it goes."""
    for window in (47, -15):
        unpacker, parts, left = zlib.decompressobj(window), list[bytes](), most_bytes
        try:
            for at in range(0, len(body), _STEP):
                parts.append(unpacker.decompress(body[at : at + _STEP], left))
                left -= len(parts[-1])
                if left <= 0:
                    return b"".join(parts), 0 if unpacker.eof else len(body) - at
        except zlib.error:
            pass  # what came before it counts
        if any(parts):
            return b"".join(parts), 0
    return b"", 0


def _from_brotli(body: bytes, most_bytes: int) -> tuple[bytes, int]:
    """Unpack brotli, a damaged body as far as it goes."""
    import brotli

    unpacker, parts, left, at = brotli.Decompressor(), list[bytes](), most_bytes, 0
    try:
        while left > 0 and not unpacker.is_finished():
            more = body[at : at + _STEP] if unpacker.can_accept_more_data() else b""
            if not more and unpacker.can_accept_more_data():
                break
            at += len(more)
            parts.append(unpacker.process(more, output_buffer_limit=min(left, _STEP)))
            left -= len(parts[-1])
    except brotli.error:
        return b"".join(parts), 0
    is_cut = left <= 0 and not unpacker.is_finished()
    return b"".join(parts), max(1, len(body) - at) if is_cut else 0


_UNPACKERS: Mapping[str, Callable[[bytes, int], tuple[bytes, int]]] = {
    "gzip": _inflated,
    "x-gzip": _inflated,
    "deflate": _inflated,
    "br": _from_brotli,
}
