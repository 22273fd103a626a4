"""`corpus-guard scan`: read → normalise → sketch → detect → fuse → report."""

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpus_guard.config import ScanOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow import targets
from corpus_guard.flow.detecting import Selected, detect_all, select
from corpus_guard.flow.gather import GatherPlan, ShardResult
from corpus_guard.flow.progress import Progress, Silence
from corpus_guard.flow.rows import row_batches
from corpus_guard.flow.runner import LocalRunner
from corpus_guard.fuse.incidents import incidents
from corpus_guard.fuse.verdict import exit_code_of, verdict_of
from corpus_guard.normalise import file_layouts
from corpus_guard.read import Resolved, plan_shards
from corpus_guard.report.rows import write_rows
from corpus_guard.sketch.base import ShardSpan, load_state
from corpus_guard.sketch.columns import RowColumns
from corpus_guard.sketch.corpus import Corpus, RunContext
from corpus_guard.sketch.embedder import open_embedder
from corpus_guard.sketch.ngrams import DocumentFrequencies
from corpus_guard.types import (
    SKIPPED_LISTED,
    Coverage,
    FileLayout,
    Finding,
    Layout,
    PluginRun,
    ScanResult,
    Shard,
    Unread,
)

Targets = Sequence[str] | Sequence[Mapping[str, object]]
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


def run_scan(given: Targets, options: ScanOptions, progress: Progress | None = None) -> ScanResult:
    """Scan targets (paths) or records (mappings); write `rows.parquet`; return what was found.

    Raises UsageError for a wrong option or a target of which nothing can be read.
    """
    selected = select(options.rules, options.disable)
    open_embedder(options.embedder)
    out = options.out or targets.default_out(given, options)
    clock, shown = _Clock(), progress or Silence()
    with clock.stage("total"), _workspace(out) as folder:
        with clock.stage("plan"):
            resolved = targets.resolve(given, options, folder)
            layouts, file_groups = file_layouts(resolved.files, options.read)
            shards = plan_shards(resolved.files, options.read)
        bytes_total = sum(file.size_bytes for file in resolved.files)
        with LocalRunner(options.workers, bytes_total) as runner:
            with clock.stage("read"):
                plan = _gather_plan(resolved, layouts, selected, options, folder)
                results = runner.gather(shards, plan, shown)
            if not any(result.rows for result in results):
                raise UsageError(_nothing_read(resolved, results))
            corpus = _corpus(results, plan, runner, options)
            with clock.stage("detect"):
                found, runs = detect_all(corpus, selected, shown)
        findings = incidents(found)
        coverage = _coverage(resolved, shards, results, runs, options)
        with clock.stage("write"):
            write_rows(out / "rows.parquet", row_batches(corpus, findings))
        digest = hashlib.sha256(np.sort(corpus.columns.content).astype("<u8").tobytes()).hexdigest()
    return _result(resolved, digest, file_groups, findings, coverage, options, out, clock)


@contextmanager
def _workspace(out: Path) -> Iterator[Path]:
    """Make the output folder and, inside it, the scratch folder that goes when the scan ends.

    A scan that fails leaves no folder behind that was not there before.
    """
    folder, made = out / "work", [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise UsageError(
            f"the output folder {safe_text(str(out), 200)} cannot be written ({error.strerror}); "
            "choose another with --out"
        ) from error
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        for path in made:
            with suppress(OSError):  # it holds something by now
                path.rmdir()
        raise
    shutil.rmtree(folder, ignore_errors=True)


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
    results: Sequence[ShardResult], plan: GatherPlan, runner: LocalRunner, options: ScanOptions
) -> Corpus:
    """Lay the shards end to end."""
    spans, files, parts = [], [], []
    frequencies, partial = DocumentFrequencies(bits=plan.bits), DocumentFrequencies(bits=plan.bits)
    first_row, first_record = 0, 0
    for index, result in enumerate(results):
        if index and results[index - 1].shard.file.index != result.shard.file.index:
            first_record = 0
        spans.append(
            ShardSpan(spool=result.spool(plan.folder), first_row=first_row, rows=result.rows)
        )
        files.append((result.shard.file.name, first_record))
        parts.append(RowColumns.load(result.columns(plan.folder)))
        load_state(partial, result.counts(plan.folder))
        frequencies.merge(partial)
        result.counts(plan.folder).unlink()
        first_row, first_record = first_row + result.rows, first_record + result.records
    context = RunContext(
        spans=tuple(spans),
        files=tuple(files),
        look=lambda make: runner.look(make, spans, plan.folder),
        folder=plan.folder,
        embedder=options.embedder,
        seed=options.seed,
        mem_bytes=options.mem_bytes,
        has_responses=plan.has_responses,
        check_names=plan.checks,
    )
    return Corpus(context, RowColumns.concatenate(parts), frequencies)


def _nothing_read(resolved: Resolved, results: Sequence[ShardResult]) -> str:
    reasons = [unread.reason for result in results for unread in result.unread]
    why = f"; the first problem: {safe_text(reasons[0], 200)}" if reasons else ""
    name = safe_text(resolved.name, 200)
    return f"no record could be read from {name}{why}; check --format and the fields"


def _coverage(
    resolved: Resolved,
    shards: Sequence[Shard],
    results: Sequence[ShardResult],
    runs: Mapping[str, PluginRun],
    options: ScanOptions,
) -> Coverage:
    first_records = _first_records(results)
    unread = list(resolved.unread)
    for result in results:
        unread.extend(_in_file(item, first_records[result.shard.index]) for item in result.unread)
    unread.extend(_left_out(shards, results, options))
    rows = sum(result.rows for result in results)
    return Coverage(
        files=len(resolved.files),
        bytes_total=sum(file.size_bytes for file in resolved.files),
        bytes_scanned=sum(result.bytes_read for result in results),
        records_total=sum(result.records for result in results),
        records_scanned=rows,
        records_partial=sum(item.kind == "partial" for item in unread),
        records_skipped=sum(result.records - result.rows for result in results),
        skipped=tuple(unread[:SKIPPED_LISTED]),
        skipped_total=len(unread),
        plugins=dict(runs),
    )


def _first_records(results: Sequence[ShardResult]) -> dict[int, int]:
    found, total, file = {}, 0, -1
    for result in results:
        if result.shard.file.index != file:
            total, file = 0, result.shard.file.index
        found[result.shard.index] = total
        total += result.records
    return found


def _in_file(item: Unread, first_record: int) -> Unread:
    """Return the same place with its record numbered in the file, not in the shard."""
    if item.row < 0:
        return item
    values = {
        name: getattr(item, name)
        for name in ("file", "kind", "byte_offset", "size_bytes", "reason")
    }
    return Unread(row=item.row + first_record, **values)


def _left_out(
    shards: Sequence[Shard], results: Sequence[ShardResult], options: ScanOptions
) -> Iterator[Unread]:
    """Yield what --limit and --sample left out."""
    limit, sample = options.read.limit, options.read.sample
    given = {"--limit": limit, "--sample": sample}
    why = " and ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    seen = {result.shard.index: result for result in results}
    for shard in shards:
        result = seen.get(shard.index)
        size = max(0, shard.end - shard.start)
        if result is None:
            yield _gap(shard, size, f"left out by {why}")
        elif limit and result.bytes_read < size and sum(r.rows for r in results) >= limit:
            yield _gap(shard, size - result.bytes_read, f"left out by {why}")
        if result is not None and result.left_out:
            yield _gap(shard, 0, f"{result.left_out} records left out by {why}")


def _gap(shard: Shard, size: int, reason: str) -> Unread:
    return Unread(
        file=shard.file.name,
        kind="bytes",
        row=-1,
        byte_offset=shard.start,
        size_bytes=size,
        reason=reason,
    )


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
        timing=clock.seconds,
    )


def _parameters(options: ScanOptions) -> dict[str, Any]:
    """Return the options that a result depends on: not where it goes nor how many work on it."""
    flat = asdict(options)
    for name in ("out", "jobs", "quiet", "seed"):
        flat.pop(name)
    return flat
