"""What the summaries on the terminal share: names beside texts, within the width that there is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from corpus_guard.escape import ELLIPSIS, safe_text

NAME_COLUMNS = 13
MARK = ("«", "»")


@contextmanager
def console(stream: TextIO, width: int | None) -> Iterator[Console]:
    """Give a console that reads no markup; what it prints is written to `stream` at the end.

    `width` is in columns; None means that of the terminal, or 80.
    """
    made = Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
    # Captured, since rich ends the process with exit code 1 when a pipe's reader has gone.
    with made.capture() as capture:
        yield made
    stream.write(capture.get())


def marked(before: str, match: str, after: str, width: int) -> Text:
    """Return the match between its neighbours on one line of at most `width` columns."""
    shown = f"{MARK[0]}{safe_text(match, max(10, width // 2))}{MARK[1]}"
    room = max(16, width - cell_len(shown))
    behind = Text(safe_text(after, room))
    ahead = _last_columns(safe_text(before[-room:]), room - min(behind.cell_len, room // 2))
    behind.truncate(room - cell_len(ahead), overflow="ellipsis")
    return Text.assemble(ahead, (shown, "bold red"), behind)


def _last_columns(text: str, room: int) -> str:
    """Return the end of `text` that fits into `room` columns."""
    if cell_len(text) <= room:
        return text
    kept = text[-room:]
    while cell_len(kept) >= room:
        kept = kept[1:]
    return ELLIPSIS + kept.lstrip()


def print_facts(console: Console, facts: Sequence[tuple[str, Text]], indent: int = 0) -> None:
    """Print names and texts in two columns; a name that repeats is shown once."""
    previous = ""
    for name, text in facts:
        shown = "" if name == previous else name
        head = Text(" " * indent + f"{shown:{NAME_COLUMNS - indent}}", style="dim")
        print_hanging(console, head, text)
        previous = name


def print_hanging(console: Console, head: Text, text: Text) -> None:
    """Print `text` beside `head`, its further lines below its first, with no blanks at the ends."""
    room = max(16, console.width - head.cell_len)
    for line in text.wrap(console, room, overflow="fold"):
        line.rstrip()
        console.print(Text.assemble(head, line), soft_wrap=True)
        head = Text(" " * head.cell_len)
