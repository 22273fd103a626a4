"""Results on stdout, also where the reader of a pipe has gone, and progress on stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from corpus_guard.escape import safe_text


def say(text: str) -> None:
    """Write a line of progress to stderr, at once."""
    sys.stderr.write(f"{safe_text(text, 400)}\n")
    sys.stderr.flush()


def print_text(text: str) -> None:
    """Write `text` and a line end to stdout."""
    with readers_may_leave():
        sys.stdout.write(text.rstrip("\n") + "\n")


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Let a block write to stdout though `| head` may close it: the exit code stays the scan's."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more when it ends; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
