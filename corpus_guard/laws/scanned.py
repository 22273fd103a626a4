"""Sample records behind the real first pass: stored in parts, sketched, merged, ready for detectors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from corpus_guard.config import SketchSettings
from corpus_guard.flow.gather import FirstPass, empty_summary
from corpus_guard.flow.looking import Looks
from corpus_guard.flow.planning import SketchPlan
from corpus_guard.flow.runner import LocalRunner
from corpus_guard.laws.batches import cut, numbered
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.state import Sketch
from corpus_guard.sketch.rows.store import PartFolder
from corpus_guard.sketch.rows.table import FileRows, PartSpan, RowTable

Shards = Sequence[Sequence[pa.RecordBatch]]
"""The batches of each shard, which is a part of its own."""


def in_one(batch: pa.RecordBatch) -> Shards:
    """Return all rows in one batch of one shard."""
    return [[batch]]


def in_batches(batch: pa.RecordBatch, seed: int) -> Shards:
    """Return all rows in several batches of one shard."""
    return [[piece for piece, _ in cut(batch, seed, most=9) if piece.num_rows]]


def in_shards(batch: pa.RecordBatch, seed: int) -> Shards:
    """Return all rows in several shards of one batch."""
    return [[numbered(piece)] for piece, _ in cut(batch, seed, most=9) if piece.num_rows]


@contextmanager
def scanned(
    shards: Shards, plan: SketchPlan, settings: SketchSettings
) -> Iterator[tuple[Corpus, Mapping[str, str]]]:
    """Give what detectors are given, as long as the block runs, and why sketches and checks failed."""
    with TemporaryDirectory() as folder, LocalRunner(1, 0) as runner:
        store, failures, spans = PartFolder(Path(folder)), dict[str, str](), list[PartSpan]()
        merged: dict[str, Sketch] = {}
        first_row = 0
        for number, batches in enumerate(shards):
            key, rows = f"part{number}", sum(batch.num_rows for batch in batches)
            failures |= _gathered(store, key, batches, plan, settings)
            for name in (name for name in plan.summaries if name not in failures):
                part = empty_summary(name, settings)
                part.restore(store.part(key).state(name))
                merged.setdefault(name, empty_summary(name, settings)).merge(part)
            spans.append(PartSpan(key=key, first_row=first_row, rows=rows))
            first_row += rows
        starts = np.array([span.first_row for span in spans], np.int64)
        files = FileRows(names=("sample",) * len(spans), first_rows=starts, first_records=starts)
        table = RowTable(store, spans, files)
        summaries = {name: sketch for name, sketch in merged.items() if name not in failures}
        yield Corpus(table, settings, summaries, failures, Looks(runner, table)), failures


def _gathered(
    store: PartFolder,
    key: str,
    batches: Sequence[pa.RecordBatch],
    plan: SketchPlan,
    settings: SketchSettings,
) -> dict[str, str]:
    """Store the rows, columns and sketches of a part; return what broke down."""
    first_pass = FirstPass(plan, settings)
    with store.write(key) as writer:
        for batch in batches:
            writer.write(batch, first_pass.observe(batch))
        first_pass.save(writer)
    return first_pass.failures
