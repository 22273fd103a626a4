"""The local engine: the same work in this process or in several, with the same result."""

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from corpus_guard.errors import RunError
from corpus_guard.flow.checkpoint import Checkpoint
from corpus_guard.flow.gather import GatherPlan, Part, PartResult, gather_part
from corpus_guard.flow.progress import Progress
from corpus_guard.sketch import spool
from corpus_guard.sketch.base import PartSpan, Sketch, load_state, save_state

FEWEST_PARTS = 3
"""A look is always split into at least this many partial sketches, so that merging is always used."""

SMALL_TARGET = 24 << 20
"""A target of fewer bytes is scanned in this process: starting workers would take longer."""

S = TypeVar("S", bound=Sketch)


class LocalRunner:
    """Runs gathering and looks on up to `workers` processes; use as a context manager."""

    def __init__(self, workers: int, target_bytes: int) -> None:
        """Decide between this process and a pool."""
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1 and target_bytes >= SMALL_TARGET:
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

    def gather(
        self, parts: Sequence[Part], plan: GatherPlan, done: Checkpoint, progress: Progress
    ) -> list[PartResult]:
        """Gather the parts that `done` has not, and add them to it; return the results in order.

        With `--limit`, the last parts may be missing.
        """
        missing = [part for part in parts if part.key not in done.done]
        progress.start(sum(part.size_bytes for part in missing), "Reading")
        if plan.read.limit is not None or self._pool is None or len(missing) < 2:
            return list(_one_by_one(parts, plan, done, progress))
        jobs = [self._pool.submit(gather_part, part, plan) for part in missing]
        for job in as_completed(jobs):
            result = _result_of(job)
            done.add(result)
            for seen in result.seen:
                progress.advance(seen.bytes_read, seen.records)
        return [done.done[part.key] for part in parts]

    def look(self, make: Callable[[], S], spans: Sequence[PartSpan], folder: Path) -> S:
        """Return a sketch made by `make` that has seen every row of the spans."""
        parts = max(FEWEST_PARTS, self._workers)
        groups = [list(spans[part::parts]) for part in range(parts)]
        merged = make()
        if self._pool is None:
            for group in groups:
                merged.merge(_observed(make, group))
            return merged
        jobs = [
            self._pool.submit(_observe_to_file, make, group, folder / f"part-{part}.npz")
            for part, group in enumerate(groups)
        ]
        for job in as_completed(jobs):
            path = _result_of(job)
            partial = make()
            load_state(partial, path)
            merged.merge(partial)
            path.unlink()
        return merged


def _one_by_one(
    parts: Iterable[Part], plan: GatherPlan, done: Checkpoint, progress: Progress
) -> Iterable[PartResult]:
    left = plan.read.limit
    for part in parts:
        if left == 0:
            return
        if part.key not in done.done:
            done.add(gather_part(part, plan, left, progress.advance))
        result = done.done[part.key]
        left = None if left is None else left - result.rows
        yield result


def _start_worker(parent: Connection) -> None:
    """Let this worker end as soon as its parent hangs up or is gone, and only then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_wait_and_exit, args=(parent,), daemon=True).start()


def _wait_and_exit(parent: Connection) -> None:
    wait([parent])
    os._exit(1)


def _observed(make: Callable[[], S], spans: Iterable[PartSpan]) -> S:
    sketch = make()
    for span in spans:
        for rows in spool.rows(span):
            sketch.observe(rows)
    return sketch


def _observe_to_file(make: Callable[[], Sketch], spans: Iterable[PartSpan], path: Path) -> Path:
    save_state(_observed(make, spans), path)
    return path


def _result_of(job: "Future[Any]") -> Any:  # noqa: ANN401  # whatever the job returns
    try:
        return job.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process was killed, probably for want of memory; "
            "run again with fewer --jobs or a smaller --mem: what was read so far is kept"
        ) from error
