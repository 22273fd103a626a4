"""The local engine: the same work in this process or in several, with the same result."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from corpus_guard.errors import CorpusGuardError
from corpus_guard.flow.gather import GatherPlan, ShardResult, gather_shard
from corpus_guard.flow.progress import Progress
from corpus_guard.sketch import spool
from corpus_guard.sketch.base import ShardSpan, Sketch, load_state, save_state
from corpus_guard.types import Shard

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
            self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))

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
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    def gather(
        self, shards: Sequence[Shard], plan: GatherPlan, progress: Progress
    ) -> list[ShardResult]:
        """Return what was seen of each shard, in order. With `--limit`, later shards may be missing."""
        progress.start(sum(shard.end - shard.start for shard in shards), "Reading")
        if plan.read.limit is not None or self._pool is None or len(shards) == 1:
            return list(_one_by_one(shards, plan, progress))
        jobs = [self._pool.submit(gather_shard, shard, plan) for shard in shards]
        for job in as_completed(jobs):
            result = _result_of(job)
            progress.advance(result.bytes_read, result.records)
        return [_result_of(job) for job in jobs]

    def look(self, make: Callable[[], S], spans: Sequence[ShardSpan], folder: Path) -> S:
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
    shards: Iterable[Shard], plan: GatherPlan, progress: Progress
) -> Iterable[ShardResult]:
    left = plan.read.limit
    for shard in shards:
        if left == 0:
            return
        result = gather_shard(shard, plan, left, progress.advance)
        left = None if left is None else left - result.rows
        yield result


def _observed(make: Callable[[], S], spans: Iterable[ShardSpan]) -> S:
    sketch = make()
    for span in spans:
        for rows in spool.rows(span):
            sketch.observe(rows)
    return sketch


def _observe_to_file(make: Callable[[], Sketch], spans: Iterable[ShardSpan], path: Path) -> Path:
    save_state(_observed(make, spans), path)
    return path


def _result_of(job: "Future[Any]") -> Any:  # noqa: ANN401  # whatever the job returns
    try:
        return job.result()
    except BrokenProcessPool as error:
        raise CorpusGuardError(
            "a worker process was killed, probably for want of memory; "
            "run again with fewer --jobs or a smaller --mem"
        ) from error
