"""Where the work of a scan is done. A cluster is one more `Runner`.

Everything that a scan does to many rows is a function of one item, a part to gather or a group of
stretches to look at, whose result is small or lies in the part store. A runner calls it for each item,
wherever it likes, in any order; the result does not depend on that.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import Thread
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from corpus_guard.errors import RunError

SMALL_TARGET = 24 << 20
"""A target of fewer bytes is scanned in this process: starting workers would take longer."""

T = TypeVar("T")
R = TypeVar("R")


class Runner(Protocol):
    """Does work on many items."""

    @property
    def workers(self) -> int:
        """How many items are worked on at a time; 1 means in this process, one after the other."""
        ...

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R]]:
        """Yield each item with what `work` returns for it, in any order.

        `work` and the items can be pickled where there is more than one worker. Raises what `work`
        raises, and RunError where a worker is gone.
        """
        ...


class LocalRunner:
    """Works on up to `workers` processes of this machine; use as a context manager."""

    def __init__(self, workers: int, target_bytes: int) -> None:
        """Decide between this process and a pool."""
        self._pool: ProcessPoolExecutor | None = None
        self.workers = 1
        if workers > 1 and target_bytes >= SMALL_TARGET:
            self.workers = workers
            context = get_context("spawn")
            theirs, self._line = context.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(
                workers, mp_context=context, initializer=_start_worker, initargs=(theirs,)
            )

    def __enter__(self) -> Self:
        """Return the runner."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the workers; at once when something went wrong."""
        if self._pool is None:
            return
        if error is not None:
            self._line.close()
        self._pool.shutdown(cancel_futures=True)
        self._line.close()

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[T, R]]:
        """Do the work, see `Runner.each`."""
        if self._pool is None:
            for item in items:
                yield item, work(item)
            return
        jobs = {self._pool.submit(work, item): item for item in items}
        for job in as_completed(jobs):
            yield jobs.pop(job), _result_of(job)


def _start_worker(parent: Connection) -> None:
    """Let this worker end as soon as its parent hangs up or is gone, and only then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_wait_and_exit, args=(parent,), daemon=True).start()


def _wait_and_exit(parent: Connection) -> None:
    wait([parent])
    os._exit(1)


def _result_of(job: "Future[Any]") -> Any:  # noqa: ANN401  # whatever the job returns
    try:
        return job.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process was killed, probably for want of memory; "
            "run again with fewer --jobs or a smaller --mem: what was read so far is kept"
        ) from error
