"""`corpus-guard scan`: read → normalise → sketch → detect → fuse → report."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus_guard.config import ScanOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow import targets
from corpus_guard.flow.checkpoint import Checkpoint
from corpus_guard.flow.coverage import coverage_of
from corpus_guard.flow.detecting import detect_all, outputs_of, select
from corpus_guard.flow.gather import GatherPlan, ShardSeen
from corpus_guard.flow.parts import plan_parts
from corpus_guard.flow.planning import plan_sketches
from corpus_guard.flow.progress import Progress, Silence
from corpus_guard.flow.reading import read_all
from corpus_guard.flow.rows import row_batches
from corpus_guard.flow.runner import LocalRunner
from corpus_guard.flow.turned import detect_turned
from corpus_guard.flow.workspace import workspace
from corpus_guard.fuse.incidents import incidents
from corpus_guard.fuse.verdict import exit_code_of, verdict_of
from corpus_guard.normalise import Surveyed, survey_files
from corpus_guard.read import Resolved, plan_shards
from corpus_guard.report import json_report
from corpus_guard.report.rows import write_rows
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.store import PartFolder
from corpus_guard.sketch.rows.table import RowTable
from corpus_guard.sketch.text.embedder import open_embedder
from corpus_guard.types import (
    Coverage,
    FileLayout,
    Finding,
    LayoutRows,
    ScanResult,
)


@dataclass(slots=True)
class _Clock:
    """How long each stage took, in seconds."""

    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)

    def so_far(self) -> dict[str, float]:
        """Return the stages and what all took until now."""
        return {**self.seconds, "total": round(time.perf_counter() - self.started, 3)}


def run_scan(
    given: targets.Targets, options: ScanOptions, progress: Progress | None = None
) -> ScanResult:
    """Scan targets (paths) or records (mappings), write the results, and return what was found.

    What was read is forgotten only when `rows.parquet` and `report.json` are there. Raises UsageError
    for a wrong option or a target of which nothing can be read.
    """
    options = replace(options, read=replace(options.read, plugins=options.plugins))
    selected = select(options.rules, options.disable)
    open_embedder(options.embedder)
    out = options.out or targets.default_out(given, options)
    clock, shown = _Clock(), progress or Silence()
    with workspace(out, fresh=not options.resume) as folder:
        with clock.stage("plan"):
            resolved = targets.resolve(given, options, folder)
            surveyed = survey_files(resolved.files, options.read)
            shards = plan_shards(resolved.files, options.read, whole=surveyed.threads)
            plan = GatherPlan(
                read=options.read,
                layouts=surveyed.fixed,
                scheme=surveyed.scheme,
                threads=surveyed.threads,
                sketches=plan_sketches(selected.chosen),
                settings=options.sketch,
                store=(store := PartFolder(folder)),
            )
            parts = plan_parts(shards, plan)
        bytes_total = sum(file.size_bytes for file in resolved.files)
        with LocalRunner(options.workers, bytes_total) as runner:
            with clock.stage("read"):
                reading = read_all(runner, parts, plan, store, shown)
            seen = reading.seen
            if not any(result.rows for result in reading.results):
                reading.done.discard()
                raise UsageError(_nothing_read(resolved, seen))
            _require_named(surveyed, seen, reading.done)
            corpus = reading.corpus(runner)
            with clock.stage("detect"):
                detected = detect_all(corpus, selected, reading.done.failures, shown)
                outputs, broken = outputs_of(corpus, plan.sketches.outputs)
                turned = detect_turned(runner, reading, shards, selected, detected.runs, shown)
        rows = corpus.rows
        found = incidents([*detected.findings, *turned.findings])
        caps = tuple(sorted(corpus.caps, key=lambda cap: (cap.plugin, cap.what)))
        coverage = coverage_of(
            resolved, shards, seen, {**detected.runs, **turned.runs, **broken}, options.read, caps
        )
        with clock.stage("write"):
            write_rows(out / "rows.parquet", row_batches(rows, found, outputs))
        findings = tuple(incident.finding for incident in found)
        result = _result(
            resolved,
            _digest(rows),
            _with_encodings(surveyed.shown(_layouts(seen), _forms(seen)), resolved),
            findings,
            coverage,
            options,
            out,
            clock,
        )
        json_report.write(result, out / "report.json")
        reading.done.finish()
    return result


def _digest(rows: RowTable) -> str:
    """Return a digest of what was scanned that no order changes."""
    contents = np.sort(rows.column(CONTENT).whole()).astype("<u8")
    return hashlib.sha256(contents.data).hexdigest()


def _layouts(seen: Sequence[ShardSeen]) -> dict[int, list[LayoutRows]]:
    """Return by which layouts the records of each file were read, by file index."""
    found: dict[int, list[LayoutRows]] = {}
    for shard in seen:
        found.setdefault(shard.shard.file.index, []).extend(shard.layouts)
    return found


def _with_encodings(layouts: Sequence[FileLayout], resolved: Resolved) -> tuple[FileLayout, ...]:
    """Return layouts with the encoding of the file that each names."""
    encodings = {file.name: file.encoding for file in resolved.files}
    return tuple(replace(layout, encoding=encodings[layout.example]) for layout in layouts)


def _forms(seen: Sequence[ShardSeen]) -> dict[int, Counter[str]]:
    """Return what the records of each file were unfolded from, by file index."""
    found: dict[int, Counter[str]] = {}
    for shard in seen:
        found.setdefault(shard.shard.file.index, Counter()).update(shard.forms)
    return found


def _require_named(surveyed: Surveyed, seen: Sequence[ShardSeen], done: Checkpoint) -> None:
    """Raise UsageError where no record has a field that the user names."""
    try:
        surveyed.require_named(name for shard in seen for name in shard.named)
    except UsageError:
        done.discard()
        raise


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
        timing=clock.so_far(),
    )


def _parameters(options: ScanOptions) -> dict[str, Any]:
    """Return the options that a result depends on: not where it goes nor how many work on it."""
    flat = asdict(options)
    for name in ("out", "jobs", "quiet", "seed", "resume"):
        flat.pop(name)
    flat["plugins"] = options.plugins.to_mapping()
    flat["read"].pop("plugins")
    return flat
