"""Files of every format around one text or one damaged record."""

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from .case import GOOD

Rows = Sequence[dict[str, Any]]


def rows_around(*bad: dict[str, Any]) -> Rows:
    """Return records with the bad ones in the middle of good ones."""
    return [{"text": text} for text in GOOD[:2]] + list(bad) + [{"text": text} for text in GOOD[2:]]


def jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def raw_jsonl(rows: Rows) -> bytes:
    """Like `jsonl`, but with characters as they are wherever the format allows it."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(
        "utf-8", "surrogatepass"
    )


def array(rows: Rows) -> bytes:
    return json.dumps(list(rows), indent=1).encode()


def table(rows: Rows, delimiter: str = ",") -> bytes:
    lines = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(lines, names, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode("utf-8", "surrogatepass")


def tabbed(rows: Rows) -> bytes:
    return table(rows, "\t")


def plain(rows: Rows) -> bytes:
    return "".join(f"{row['text']}\n" for row in rows).encode("utf-8", "surrogatepass")


def parquet(rows: Rows) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file.getvalue()


def arrow(rows: Rows) -> bytes:
    import pyarrow as pa

    file = io.BytesIO()
    made = pa.Table.from_pylist(list(rows))
    with pa.ipc.new_file(file, made.schema) as writer:
        writer.write_table(made)
    return file.getvalue()


def database(rows: Rows, *statements: str) -> bytes:
    """Return a SQLite database with one table; the statements come before its rows."""
    import sqlite3

    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (text TEXT)")
        for statement in statements:
            connection.execute(statement)
        connection.executemany("INSERT INTO t (text) VALUES (?)", [(row["text"],) for row in rows])
        connection.commit()
        made = connection.serialize()
    connection.close()
    return made


def zipped(members: dict[str, bytes]) -> bytes:
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    import tarfile

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return made.getvalue()


def _archived(kind: str, media_type: str, body: bytes, length: int | None = None) -> bytes:
    """Return one record of a web archive; `length` is what it says of itself, if not the truth."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://example.org/a\r\n"
        f"WARC-Date: 2024-01-02T03:04:05Z\r\nWARC-Record-ID: <urn:a>\r\n"
        f"Content-Type: {media_type}\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def converted(text: str, length: int | None = None) -> bytes:
    """Return a text as a crawl's plain-text archive holds it."""
    return _archived("conversion", "text/plain", text.encode("utf-8", "surrogatepass"), length)


def fetched(page: str, *headers: str, length: int | None = None) -> bytes:
    """Return a page as a crawl's archive holds it."""
    lines = "".join(f"{line}\r\n" for line in ("Content-Type: text/html; charset=utf-8", *headers))
    body = f"HTTP/1.1 200 OK\r\n{lines}\r\n{page}".encode("utf-8", "surrogatepass")
    return _archived("response", "application/http; msgtype=response", body, length)


def page_of(text: str) -> str:
    return f"<!doctype html><title>a page</title><body><p>{html.escape(text)}</p></body>"


def texts_archive(rows: Rows) -> bytes:
    return b"".join(converted(row["text"]) for row in rows)


def pages_archive(rows: Rows) -> bytes:
    return b"".join(fetched(page_of(row["text"])) for row in rows)


def page(rows: Rows) -> bytes:
    body = "".join(f"<p>{html.escape(row['text'])}</p>" for row in rows)
    return f"<!doctype html><title>a page</title><body>{body}</body>".encode(
        "utf-8", "surrogatepass"
    )


def document(rows: Rows) -> bytes:
    return "\n\n".join(row["text"] for row in rows).encode("utf-8", "surrogatepass")


CONTAINERS: dict[str, Callable[[Rows], bytes]] = {
    "jsonl": jsonl,
    "raw.jsonl": raw_jsonl,
    "json": array,
    "csv": table,
    "tsv": tabbed,
    "txt": plain,
    "parquet": parquet,
    "arrow": arrow,
    "wet": texts_archive,
    "warc": pages_archive,
    "html": page,
    "md": document,
    "db": database,
}
"""By the ending of the file's name."""


def lines_around(*bad: bytes) -> bytes:
    """Return JSON lines with damaged ones in the middle of good ones."""
    good = [json.dumps({"text": text}).encode() for text in GOOD]
    return b"\n".join([*good[:2], *bad, *good[2:], b""])


def elements_around(bad: bytes) -> bytes:
    """Return a JSON array with a damaged element in the middle of good ones."""
    good = [json.dumps({"text": text}).encode() for text in GOOD]
    return b"[\n" + b",\n".join([*good[:2], bad, *good[2:]]) + b"\n]\n"


def cells_around(bad: bytes, header: bytes = b"text,label", delimiter: bytes = b",") -> bytes:
    """Return a table with damaged rows in the middle of good ones."""
    good = [text.encode() + delimiter + b"x" for text in GOOD]
    return b"\n".join([header.replace(b",", delimiter), *good[:2], bad, *good[2:], b""])
