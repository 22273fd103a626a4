"""`corpus-guard scan`: read → normalise → sketch → detect → fuse → report."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpus_guard.config import ScanOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow import targets
from corpus_guard.flow.checkpoint import Checkpoint
from corpus_guard.flow.coverage import coverage_of
from corpus_guard.flow.detecting import Selected, detect_all, select
from corpus_guard.flow.gather import GatherPlan, PartResult, ShardSeen
from corpus_guard.flow.parts import plan_parts
from corpus_guard.flow.progress import Progress, Silence
from corpus_guard.flow.rows import row_batches
from corpus_guard.flow.runner import LocalRunner
from corpus_guard.flow.workspace import workspace
from corpus_guard.fuse.incidents import incidents
from corpus_guard.fuse.verdict import exit_code_of, verdict_of
from corpus_guard.normalise import file_layouts
from corpus_guard.read import Resolved, plan_shards
from corpus_guard.report.rows import write_rows
from corpus_guard.sketch.base import PartSpan
from corpus_guard.sketch.columns import RowColumns
from corpus_guard.sketch.corpus import Corpus, FileRows, RunContext
from corpus_guard.sketch.embedder import open_embedder
from corpus_guard.sketch.ngrams import DocumentFrequencies
from corpus_guard.types import (
    Coverage,
    FileLayout,
    Finding,
    Layout,
    ScanResult,
)

COUNTER_BITS = (16, 25)
PACKED_RATIO = 6


@dataclass(slots=True)
class _Clock:
    """How long each stage took, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)


def run_scan(
    given: targets.Targets, options: ScanOptions, progress: Progress | None = None
) -> ScanResult:
    """Scan targets (paths) or records (mappings); write `rows.parquet`; return what was found.

    Raises UsageError for a wrong option or a target of which nothing can be read.
    """
    selected = select(options.rules, options.disable)
    open_embedder(options.embedder)
    out = options.out or targets.default_out(given, options)
    clock, shown = _Clock(), progress or Silence()
    with clock.stage("total"), workspace(out, fresh=not options.resume) as folder:
        with clock.stage("plan"):
            resolved = targets.resolve(given, options, folder)
            layouts, file_groups = file_layouts(resolved.files, options.read)
            shards = plan_shards(resolved.files, options.read)
            plan = _gather_plan(resolved, layouts, selected, options, folder)
            parts = plan_parts(shards, plan)
        bytes_total = sum(file.size_bytes for file in resolved.files)
        with LocalRunner(options.workers, bytes_total) as runner:
            with clock.stage("read"):
                done = Checkpoint(folder, parts, plan.bits)
                if done.done:
                    shown.note(f"going on: {len(done.done)} of {len(parts)} parts were read before")
                results = runner.gather(parts, plan, done, shown)
            seen = [shard for result in results for shard in result.seen]
            if not any(result.rows for result in results):
                done.discard()
                raise UsageError(_nothing_read(resolved, seen))
            corpus = _corpus(results, plan, done.frequencies, runner, options)
            with clock.stage("detect"):
                found, runs = detect_all(corpus, selected, shown)
        findings = incidents(found)
        coverage = coverage_of(resolved, shards, seen, runs, options.read)
        with clock.stage("write"):
            write_rows(out / "rows.parquet", row_batches(corpus, findings))
        done.finish()
        digest = hashlib.sha256(np.sort(corpus.columns.content).astype("<u8").tobytes()).hexdigest()
    return _result(resolved, digest, file_groups, findings, coverage, options, out, clock)


def _gather_plan(
    resolved: Resolved,
    layouts: dict[int, Layout],
    selected: Selected,
    options: ScanOptions,
    folder: Path,
) -> GatherPlan:
    text_bytes = sum(
        file.size_bytes
        * (1 if file.compression == "none" and file.format != "parquet" else PACKED_RATIO)
        for file in resolved.files
    )
    low, high = COUNTER_BITS
    return GatherPlan(
        read=options.read,
        layouts=layouts,
        embedder=options.embedder,
        checks=tuple(selected.checks),
        has_responses=any("response" in layout.roles for layout in layouts.values()),
        bits=min(high, max(low, int(text_bytes).bit_length())),
        folder=folder,
        seed=options.seed,
    )


def _corpus(
    results: Sequence[PartResult],
    plan: GatherPlan,
    frequencies: DocumentFrequencies,
    runner: LocalRunner,
    options: ScanOptions,
) -> Corpus:
    """Lay the parts end to end."""
    spans, first_row = [], 0
    for result in results:
        spans.append(
            PartSpan(spool=result.spool(plan.folder), first_row=first_row, rows=result.rows)
        )
        first_row += result.rows
    context = RunContext(
        spans=tuple(spans),
        files=_file_rows([seen for result in results for seen in result.seen]),
        look=lambda make: runner.look(make, spans, plan.folder),
        folder=plan.folder,
        embedder=options.embedder,
        seed=options.seed,
        mem_bytes=options.mem_bytes,
        has_responses=plan.has_responses,
        check_names=plan.checks,
    )
    columns = RowColumns.load([result.place(plan.folder) for result in results])
    return Corpus(context, columns, frequencies)


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


def _nothing_read(resolved: Resolved, results: Sequence[ShardSeen]) -> str:
    unread = [item for result in results for item in result.unread]
    why = f"; the first problem: {safe_text(unread[0].reason, 200)}" if unread else ""
    may_pass = any(item.may_pass for item in unread)
    mend = "run the same command again later" if may_pass else "check --format and the fields"
    return f"no record could be read from {safe_text(resolved.name, 200)}{why}; {mend}"


def _result(
    resolved: Resolved,
    digest: str,
    layouts: tuple[FileLayout, ...],
    findings: tuple[Finding, ...],
    coverage: Coverage,
    options: ScanOptions,
    out: Path,
    clock: _Clock,
) -> ScanResult:
    return ScanResult(
        target=resolved.name,
        target_sha256=digest,
        layouts=layouts,
        verdict=verdict_of(findings, coverage),
        exit_code=exit_code_of(
            findings, coverage, options.fail_on, allow_incomplete=options.allow_incomplete
        ),
        coverage=coverage,
        findings=findings,
        limit_of_detection=(),
        parameters=_parameters(options),
        seed=options.seed,
        out=out,
        resolved_revision=resolved.revision,
        timing=clock.seconds,
    )


def _parameters(options: ScanOptions) -> dict[str, Any]:
    """Return the options that a result depends on: not where it goes nor how many work on it."""
    flat = asdict(options)
    for name in ("out", "jobs", "quiet", "seed", "resume"):
        flat.pop(name)
    return flat
