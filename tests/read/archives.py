"""Web archives made by hand."""

import gzip


def warc_record(
    block: bytes,
    kind: str = "response",
    url: str = "https://example.org/a",
    media_type: str = "application/http; msgtype=response",
    length: int | None = None,
) -> bytes:
    """Return one archive record; `length` is what it says of itself, if not the truth."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 2024-01-02T03:04:05Z\r\nWARC-Record-ID: <urn:{len(block)}>\r\n"
        f"Content-Type: {media_type}\r\n"
        f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a stored response."""
    lines = "".join(f"{line}\r\n" for line in headers or ("Content-Type: text/html",))
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def page(text: str, **parts: str) -> bytes:
    """Return a record that holds a web page with one paragraph."""
    body = f"<!doctype html><title>T</title><body><p>{text}</p></body>"
    return warc_record(http(body.encode(), "Content-Type: text/html; charset=utf-8"), **parts)  # type: ignore[arg-type]


def packed(*records: bytes) -> bytes:
    """Return records each in a gzip member of its own."""
    return b"".join(gzip.compress(record, mtime=0) for record in records)
