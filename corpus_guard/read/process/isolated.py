"""Read shards in a process of their own: its crash, hang or hunger is one failure, not ours."""

import fcntl
import io
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from corpus_guard.config import ReadOptions
from corpus_guard.read.process.frames import LARGEST_BODY, FrameError, block_in, receive, send
from corpus_guard.read.process.requests import asked
from corpus_guard.types import RecordBlock, Shard, Unread

PIPE_BYTES = 1 << 20
LONGEST_SILENCE_S = 900.0
"""A reading process may wait for a slow hub, but not for ever."""

FRAME_BYTES, RATIO = 64 << 20, 16
"""A frame holds a block or a record as large as is allowed; JSON may make some times as much of it."""

_UNREAD_TYPES = {
    "file": str, "kind": str, "row": int, "byte_offset": int, "size_bytes": int, "reason": str,
    "may_pass": bool,
}  # fmt: skip
_START = (
    "import sys; sys.path[:] = {path!r}; from corpus_guard.read.process.child import main; "
    "main({requests}, {answers})"
)
_ENDS = {
    signal.SIGXCPU: "was stopped, as it worked long without a result",
    signal.SIGKILL: "was killed, probably for want of memory",
}


class ReaderDied(Exception):  # noqa: N818  # says what happened
    """The reading process is gone; the message says how."""


def read(
    shard: Shard, options: ReadOptions, records: int | None = None
) -> Iterator[RecordBlock | Unread]:
    """Yield what `read_here` yields, from another process; raise ReaderDied when that is gone.

    With `records`, it may end after so many.
    """
    process = _spare() or _ReadingProcess()
    is_done = False
    try:
        process.ask(shard, options, records)
        yield from process.answers(
            min(LARGEST_BODY, FRAME_BYTES + RATIO * options.max_record_bytes)
        )
        is_done = True
    except (FrameError, OSError):
        raise ReaderDied(process.epitaph()) from None
    finally:
        if is_done:
            _SPARE.append(process)
        else:
            process.kill()


class _ReadingProcess:
    """One reading process and the pipes to it."""

    def __init__(self) -> None:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        with suppress(
            OSError, AttributeError
        ):  # so that both work at once; Linux alone knows of it
            fcntl.fcntl(answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.path = list(sys.path)
        code = _START.format(path=self.path, requests=requests, answers=answers)
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # parsers quote hostile text
            pass_fds=(requests, answers),
        )
        os.close(requests)
        os.close(answers)

    def ask(self, shard: Shard, options: ReadOptions, records: int | None) -> None:
        request = io.BytesIO()
        send(request, asked(shard, options, records))
        data = request.getbuffer()
        while data:
            data = data[os.write(self._requests, data) :]

    def answers(self, largest: int) -> Iterator[RecordBlock | Unread]:
        """Yield items up to the end mark, none larger than that many bytes."""
        while True:
            frame = receive(self._take, largest)
            kind, told = frame.head.get("kind"), frame.head
            if kind == "end":
                return
            if kind == "warning":
                name, message = str(told.get("name")), str(told.get("message"))
                logging.getLogger(name).warning("%s", message)
            elif kind == "failed":
                raise ReaderDied(f"its records cannot be handed over ({told.get('why')})")
            elif kind == "unread":
                yield _unread(told.get("unread"))
            else:
                yield block_in(frame)

    def epitaph(self) -> str:
        """Return how the process ended, or that it was ended for its silence."""
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1)
            how = _ENDS.get(-code, f"crashed (exit status {code})")  # type: ignore[call-overload]
            return f"the reading process {how}"
        return "the reading process gave no answer"

    def kill(self) -> None:
        for descriptor in (self._requests, self._answers):
            os.close(descriptor)
        self._process.kill()
        self._process.wait()

    def _take(self, size: int) -> bytearray:
        """Return so many bytes, fewer at the end; they take memory as they come, whatever is claimed."""
        found = bytearray()
        while len(found) < size:
            ready, _, _ = select.select([self._answers], [], [], LONGEST_SILENCE_S)
            part = os.read(self._answers, min(size - len(found), 1 << 20)) if ready else b""
            if not part:
                break
            found += part
        return found


_SPARE: list[_ReadingProcess] = []
"""Reading processes that wait for their next shard: starting one takes a third of a second."""


def _spare() -> _ReadingProcess | None:
    """Return a waiting process that imports from the same places as this one."""
    while _SPARE:
        process = _SPARE.pop()
        if process.path == sys.path:
            return process
        process.kill()
    return None


def _unread(told: object) -> Unread:
    """Return what a process says it did not read; raise FrameError for anything else."""
    types = {name: type(value) for name, value in told.items()} if isinstance(told, dict) else {}
    if not isinstance(told, dict) or types != _UNREAD_TYPES:
        raise FrameError("a frame says nothing of what was not read")
    return Unread(**told)
