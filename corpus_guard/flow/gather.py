"""The first pass: one shard in, its spool, its row columns and its n-gram counts out.

Every input byte ends as a spooled record or as an `Unread`; what was seen comes back with the shard.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.normalise import keep_sample, to_batch
from corpus_guard.plugins import RecordCheck
from corpus_guard.read import read_shard
from corpus_guard.sketch.base import Rows, save_state
from corpus_guard.sketch.columns import ColumnPlan, RowColumns, columns_of, empty_columns
from corpus_guard.sketch.embedder import open_embedder
from corpus_guard.sketch.ngrams import DocumentFrequencies
from corpus_guard.sketch.spool import SpoolWriter
from corpus_guard.types import Layout, RecordBlock, Shard, Unread

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherPlan:
    """What every worker needs to know, small enough to send."""

    read: ReadOptions
    layouts: dict[int, Layout]
    embedder: str
    checks: tuple[str, ...]
    has_responses: bool
    bits: int
    folder: Path
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """What was seen of one shard.

    `records` counts the records that begin in it, read or not; `rows` those that were spooled;
    `left_out` those that `--sample` or `--limit` left out; `bytes_read` its bytes on disk.
    """

    shard: Shard
    records: int
    rows: int
    left_out: int
    bytes_read: int
    unread: tuple[Unread, ...]

    def spool(self, folder: Path) -> Path:
        """Return where the shard's batches are."""
        return folder / f"shard-{self.shard.index:06}.arrow"

    def columns(self, folder: Path) -> Path:
        """Return the folder of the shard's row columns."""
        return folder / f"shard-{self.shard.index:06}"

    def counts(self, folder: Path) -> Path:
        """Return where the shard's n-gram counts are."""
        return folder / f"shard-{self.shard.index:06}.npz"


class _Tally:
    """The running numbers of one shard."""

    def __init__(self) -> None:
        self.records = self.rows = self.left_out = self.bytes_read = 0
        self.unread: list[Unread] = []

    def result(self, shard: Shard) -> ShardResult:
        return ShardResult(
            shard=shard,
            records=self.records,
            rows=self.rows,
            left_out=self.left_out,
            bytes_read=self.bytes_read,
            unread=tuple(self.unread),
        )


def gather_shard(
    shard: Shard, plan: GatherPlan, most_rows: int | None = None, advance: Advance | None = None
) -> ShardResult:
    """Read, normalise, spool and sketch one shard; at most `most_rows` records of it."""
    columns = ColumnPlan(
        embedder=open_embedder(plan.embedder),
        checks=load_checks(plan.checks),
        has_responses=plan.has_responses,
    )
    counts, tally, parts = DocumentFrequencies(bits=plan.bits), _Tally(), []
    where = tally.result(shard)
    with SpoolWriter(where.spool(plan.folder)) as writer:
        for batch in _batches(shard, plan, tally, most_rows, advance):
            rows = Rows(batch, 0)
            counts.observe(rows)
            parts.append(columns_of(rows, columns))
            writer.write(batch)
    whole = RowColumns.concatenate(parts) if parts else empty_columns(columns)
    whole.save(where.columns(plan.folder))
    save_state(counts, where.counts(plan.folder))
    return tally.result(shard)


def load_checks(names: tuple[str, ...]) -> dict[str, RecordCheck]:
    """Return the record checks by name, in the given order."""
    loaded = {name: plugins.load("detect", name).spec for name in names}
    return {name: spec for name, spec in loaded.items() if isinstance(spec, RecordCheck)}


def _batches(
    shard: Shard, plan: GatherPlan, tally: _Tally, most_rows: int | None, advance: Advance | None
) -> Iterator[pa.RecordBatch]:
    layout = plan.layouts[shard.file.index]
    for item in read_shard(shard, plan.read):
        if isinstance(item, Unread):
            tally.unread.append(item)
            tally.records += item.kind == "record"
            continue
        tally.records += len(item.rows)
        tally.bytes_read += item.bytes_read
        block = _chosen(item, plan, tally, most_rows)
        tally.rows += len(block.rows)
        tally.left_out += len(item.rows) - len(block.rows)
        if block.rows:
            yield to_batch(block, layout)
        if advance:
            advance(item.bytes_read, len(item.rows))
        if most_rows is not None and tally.rows >= most_rows:
            return


def _chosen(
    block: RecordBlock, plan: GatherPlan, tally: _Tally, most_rows: int | None
) -> RecordBlock:
    if plan.read.sample is not None:
        block = keep_sample(block, plan.read.sample, plan.seed)
    if most_rows is None or tally.rows + len(block.rows) <= most_rows:
        return block
    kept = slice(0, most_rows - tally.rows)
    return replace(
        block,
        rows=block.rows[kept],
        byte_offsets=block.byte_offsets[kept],
        digests=block.digests[kept],
        fields=block.fields[kept],
        oddities=block.oddities[kept],
    )
