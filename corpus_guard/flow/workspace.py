"""The output folder of a run: taken by one run at a time, and left behind only for a reason."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.checkpoint import JOURNAL


@contextmanager
def workspace(out: Path, *, fresh: bool) -> Iterator[Path]:
    """Make the output folder and give the folder inside it that holds what a run needs meanwhile.

    Afterwards that folder stays only if it holds a journal, for the next run to go on from.
    A run that fails leaves no empty folder that was not there before.
    Raises UsageError when `out` cannot be written or another run uses it.
    """
    folder, made = out / "work", [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = _locked(out)
    except OSError as error:
        raise UsageError(_unwritable(out, error)) from error
    try:
        yield _prepared(folder, out, fresh=fresh)
    finally:
        if not (folder / JOURNAL).exists():
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        _remove_empty(made)


def _prepared(folder: Path, out: Path, *, fresh: bool) -> Path:
    try:
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(_unwritable(out, error)) from error
    return folder


def _locked(out: Path) -> int:
    """Return the open folder under a lock that ends with this process."""
    descriptor = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            os.close(descriptor)
            raise UsageError(
                f"another scan is writing to {safe_text(str(out), 200)}; "
                "wait for it or choose another folder with --out"
            ) from None
        # a file system without locks: going on is better than refusing
    return descriptor


def _unwritable(out: Path, error: OSError) -> str:
    return (
        f"the output folder {safe_text(str(out), 200)} cannot be written ({error.strerror}); "
        "choose another with --out"
    )


def _remove_empty(folders: list[Path]) -> None:
    for path in folders:
        try:
            path.rmdir()
        except OSError:  # it holds something by now
            return
