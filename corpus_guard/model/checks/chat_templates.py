"""CG605: stub."""

from collections.abc import Iterator

from corpus_guard.model.files import Folder
from corpus_guard.probe_types import FileFinding


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield nothing yet."""
    yield from ()
