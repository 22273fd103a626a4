"""Reading a target once: all its parts gathered, laid end to end, and their sketches merged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from corpus_guard.flow.checkpoint import Checkpoint
from corpus_guard.flow.gather import GatherPlan, Part, PartResult, ShardSeen, gather_part
from corpus_guard.flow.looking import Looks
from corpus_guard.flow.progress import Progress
from corpus_guard.flow.runner import Runner
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.store import PartFolder
from corpus_guard.sketch.rows.table import FileRows, PartSpan, RowTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read: the results of the parts in order, and what keeps them."""

    plan: GatherPlan
    store: PartFolder
    done: Checkpoint
    results: Sequence[PartResult]

    @property
    def seen(self) -> list[ShardSeen]:
        """What was seen of each shard, in order."""
        return [shard for result in self.results for shard in result.seen]

    def corpus(self, runner: Runner) -> Corpus:
        """Return the rows and the sketches, for detectors to look at."""
        rows = _table(self.results, self.store)
        look = Looks(runner, rows)
        return Corpus(rows, self.plan.settings, self.done.sketches, self.done.failures, look)


def read_all(
    runner: Runner, parts: Sequence[Part], plan: GatherPlan, store: PartFolder, progress: Progress
) -> Reading:
    """Gather all parts but those that an earlier run of the same scan has left."""
    done = Checkpoint(store, parts, plan.sketches.summaries, plan.settings)
    if done.done:
        progress.note(f"going on: {len(done.done)} of {len(parts)} parts were read before")
    results = _gather(runner, parts, plan, done, progress)
    return Reading(plan=plan, store=store, done=done, results=results)


def _gather(
    runner: Runner,
    parts: Sequence[Part],
    plan: GatherPlan,
    done: Checkpoint,
    progress: Progress,
) -> list[PartResult]:
    """Gather the parts that `done` has not, and add them to it; return the results in order.

    With `--limit`, which counts from the beginning, the last parts may be missing.
    """
    missing = [part for part in parts if part.key not in done.done]
    progress.start(sum(part.size_bytes for part in missing), "Reading")
    if plan.read.limit is not None:
        return list(_up_to_limit(plan.read.limit, parts, plan, done, progress))
    if runner.workers == 1 or len(missing) < 2:
        for part in missing:
            done.add(gather_part(part, plan, None, progress.advance))
    else:
        for _, result in runner.each(partial(gather_part, plan=plan), missing):
            done.add(result)
            for seen in result.seen:
                progress.advance(seen.bytes_read, seen.records)
    return [done.done[part.key] for part in parts]


def _up_to_limit(
    left: int, parts: Sequence[Part], plan: GatherPlan, done: Checkpoint, progress: Progress
) -> Iterator[PartResult]:
    for part in parts:
        if left == 0:
            return
        if part.key not in done.done:
            done.add(gather_part(part, plan, left, progress.advance))
        left -= done.done[part.key].rows
        yield done.done[part.key]


def _table(results: Sequence[PartResult], store: PartFolder) -> RowTable:
    """Lay the parts end to end."""
    spans, first_row = [], 0
    for result in results:
        if result.rows:
            spans.append(PartSpan(key=result.part.key, first_row=first_row, rows=result.rows))
        first_row += result.rows
    files = _file_rows([seen for result in results for seen in result.seen])
    return RowTable(store, spans, files)


def _file_rows(seen: Sequence[ShardSeen]) -> FileRows:
    """Return which rows come from which file."""
    names, first_rows, first_records = [], [], []
    row, record, file = 0, 0, -1
    for shard in seen:
        if shard.shard.file.index != file:
            record, file = 0, shard.shard.file.index
        names.append(shard.shard.file.name)
        first_rows.append(row)
        first_records.append(record)
        row, record = row + shard.rows, record + shard.records
    return FileRows(
        names=tuple(names),
        first_rows=np.array(first_rows, np.int64),
        first_records=np.array(first_records, np.int64),
    )
