"""Read shards in a process of their own: its crash, hang or hunger is one failure, not ours."""

import logging
import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from corpus_guard.config import ReadOptions
from corpus_guard.read.process.frames import FrameError, receive
from corpus_guard.types import RecordBlock, Shard, Unread

LONGEST_SILENCE_S = 900.0
"""A reading process may wait for a slow hub, but not for ever."""

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


def read(shard: Shard, options: ReadOptions) -> Iterator[RecordBlock | Unread]:
    """Yield what `read_here` yields, from another process; raise ReaderDied when that is gone."""
    process = _spare() or _ReadingProcess()
    is_done = False
    try:
        process.ask(shard, options)
        yield from process.answers()
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

    def ask(self, shard: Shard, options: ReadOptions) -> None:
        data = memoryview(pickle.dumps((shard, options)))
        while data:
            data = data[os.write(self._requests, data) :]

    def answers(self) -> Iterator[RecordBlock | Unread]:
        """Yield items up to the end mark."""
        while True:
            kind, *told = receive(self._take)
            if kind == "end":
                return
            if kind == "warning":
                name, message = told
                logging.getLogger(str(name)).warning("%s", message)
            elif kind == "failed":
                raise ReaderDied(f"its records cannot be handed over ({told[0]})")
            elif kind == "unread":
                yield Unread(**told[0])
            else:
                yield _block(told)

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

    def _take(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            ready, _, _ = select.select([self._answers], [], [], LONGEST_SILENCE_S)
            part = os.read(self._answers, min(size - len(found), 1 << 20)) if ready else b""
            if not part:
                break
            found += part
        return bytes(found)


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


def _block(told: list[Any]) -> RecordBlock:
    rows, byte_offsets, digests, fields, oddities, bytes_read = told
    return RecordBlock(
        rows=rows,
        byte_offsets=byte_offsets,
        digests=digests,
        fields=fields,
        oddities=oddities,
        bytes_read=bytes_read,
    )
