"""Notes (.notes): SQLite databases whose table `notes` holds a body, an author and a date a row.

The built-in reader would take them for any database; this one knows what the columns mean.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.types import Layout, RecordBlock, Unread


@reader(
    extensions=(".notes",),
    magic=(b"SQLite format 3\0",),  # the built-in reader's too: the ending decides between the two
    always_shown=True,
    takes="path",
    native=True,
    binary=True,
    layout=Layout(
        kind="plain",
        roles={"text": ("body",), "source": ("author",), "time": ("written",)},
        name="notes",
    ),
)
def sqlite_notes(
    path: Path, options: ReadOptions, start: int, end: int | None, *, with_drafts: bool = True
) -> Iterator[RecordBlock | Unread]:
    """Yield the notes in the order of their making."""
    block, size = BlockBuilder(), path.stat().st_size
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    wanted = "" if with_drafts else "WHERE NOT draft"
    try:
        found = connection.execute(
            f"SELECT body, author, written FROM notes {wanted} ORDER BY rowid"  # noqa: S608
        )
        for row in found:
            block.add_values(dict(row))
            if block.is_full:
                yield from block.flush()
        block.count(size)
    except sqlite3.Error as error:
        yield Unread(
            file="", kind="bytes", row=-1, byte_offset=0, size_bytes=size,
            reason=f"no notes can be read ({error})",
        )  # fmt: skip
    finally:
        connection.close()
    yield from block.flush()
