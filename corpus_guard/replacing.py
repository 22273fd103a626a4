"""Files and folders that are either whole or not there, also after a crash."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new file's path to write to; it takes the place of `path` when the block ends well.

    After an error `path` is as it was before, and nothing is left beside it. The folder is made
    where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a new folder's path to fill with files; it takes the place of `path` when all went well.

    A half-filled folder that a killed process leaves behind ends in `.part`.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        for item in (*part.iterdir(), part):
            _settle(item)
        shutil.rmtree(path, ignore_errors=True)
        part.replace(path)
        _settle(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
