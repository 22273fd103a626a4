"""A task on hostile input in a process of its own, with bounds on its memory, time and answer.

The two sides exchange JSON, one line each way. Nothing is unpickled, so whatever takes over the child
can make its parent do nothing but count a failure.
"""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from corpus_guard.errors import CorpusGuardError

START_S = 60.0
"""Starting an interpreter on a busy machine may take long; the bound on the task's time begins after."""

LARGEST_ANSWER = 16 << 20
_START = (
    "import sys; sys.path[:] = {path!r}; from corpus_guard.model.child import serve; "
    "serve({module!r}, {memory!r}, {cpu!r})"
)


class ChildFailed(CorpusGuardError):  # noqa: N818  # says what happened
    """The child died, took too long or made no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use for one task: bytes of memory, processor and wall-clock seconds."""

    memory_bytes: int
    cpu_s: int
    wall_s: float


class Child:
    """A process that runs the function `answer` of one of our modules, task by task."""

    def __init__(self, module: str, limits: Limits) -> None:
        """Start it; raise ChildFailed where that cannot be done."""
        self._limits = limits
        code = _START.format(
            path=sys.path, module=module, memory=limits.memory_bytes, cpu=limits.cpu_s
        )
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries quote hostile text
        )
        try:
            self._line(START_S)
        except ChildFailed:
            self.close()
            raise

    def ask(self, task: object) -> Any:  # noqa: ANN401  # whatever JSON holds
        """Return the answer to a task; a child that fails is gone, and ChildFailed says how."""
        try:
            return self._asked(task)
        except ChildFailed:
            self.close()
            raise

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process.wait()

    def _asked(self, task: object) -> Any:  # noqa: ANN401
        assert self._process.stdin is not None  # noqa: S101  # for the type checker
        try:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ChildFailed("it died before it was asked") from error
        try:
            return json.loads(self._line(self._limits.wall_s))
        except (ValueError, RecursionError) as error:
            raise ChildFailed("its answer makes no sense") from error

    def _line(self, seconds: float) -> bytes:
        """Return one line from the child, within so many seconds."""
        assert self._process.stdout is not None  # noqa: S101
        line, end = bytearray(), time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise ChildFailed(f"it was not done after {seconds:g} s")
                part = os.read(self._process.stdout.fileno(), 1 << 16)
                if not part:
                    raise ChildFailed("it ran out of memory or time, or crashed")
                line += part
                if len(line) > LARGEST_ANSWER:
                    raise ChildFailed("its answer is too large")
        return bytes(line)


def serve(module: str, memory_bytes: int, cpu_s: int) -> None:
    """Answer tasks, one JSON line each, until the parent hangs up. Runs in the child only."""
    import importlib
    import resource

    answer: Callable[[Any], object] = importlib.import_module(module).answer
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    os.write(answers, b"ready\n")
    for line in sys.stdin.buffer:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + cpu_s)
        told = json.dumps(answer(json.loads(line))).encode() + b"\n"
        while told:
            told = told[os.write(answers, told) :]


def _limit(kind: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    within = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (within, hard))
