"""The first pass: some shards in, their spool, their row columns and their n-gram counts out.

Every input byte ends as a spooled record or as an `Unread`; what was seen comes back with them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.normalise import keep_sample, to_batch
from corpus_guard.plugins import RecordCheck
from corpus_guard.read import read_shard
from corpus_guard.replacing import replacing_folder
from corpus_guard.sketch.base import Rows, save_state
from corpus_guard.sketch.columns import ColumnPlan, RowColumns, columns_of, empty_columns
from corpus_guard.sketch.embedder import open_embedder
from corpus_guard.sketch.ngrams import DocumentFrequencies
from corpus_guard.sketch.spool import SpoolWriter
from corpus_guard.types import Layout, RecordBlock, Shard, Unread

Advance = Callable[[int, int], None]
JOINED_BYTES = 1 << 20


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
class Part:
    """Some consecutive shards that one worker gathers into one spool.

    `key` is the same only for parts with the same result: same files, options and version.
    """

    key: str
    shards: tuple[Shard, ...]

    @property
    def size_bytes(self) -> int:
        """How many bytes of the target it covers, on disk."""
        return sum(shard.end - shard.start for shard in self.shards)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSeen:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """What was seen of a part's shards; of its last ones nothing where `--limit` was reached."""

    part: Part
    seen: tuple[ShardSeen, ...]

    @property
    def rows(self) -> int:
        """How many records were spooled."""
        return sum(seen.rows for seen in self.seen)

    @property
    def may_improve(self) -> bool:
        """Whether reading it again may find more."""
        return any(unread.may_pass for seen in self.seen for unread in seen.unread)

    def place(self, folder: Path) -> Path:
        """Return the folder of everything that was gathered."""
        return folder / "parts" / self.part.key

    def spool(self, folder: Path) -> Path:
        """Return where the batches are."""
        return self.place(folder) / "batches.arrow"

    def counts(self, folder: Path) -> Path:
        """Return where the n-gram counts are."""
        return self.place(folder) / "counts.npz"


class _Tally:
    """The running numbers of one shard."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.records = self.rows = self.left_out = self.bytes_read = 0
        self.unread: list[Unread] = []

    def seen(self) -> ShardSeen:
        return ShardSeen(
            shard=self.shard,
            records=self.records,
            rows=self.rows,
            left_out=self.left_out,
            bytes_read=self.bytes_read,
            unread=tuple(self.unread),
        )


def gather_part(
    part: Part, plan: GatherPlan, most_rows: int | None = None, advance: Advance | None = None
) -> PartResult:
    """Read, normalise, spool and sketch some shards; at most `most_rows` records of them.

    What was gathered is on disk, whole, when this returns.
    """
    columns = ColumnPlan(
        embedder=open_embedder(plan.embedder),
        checks=load_checks(plan.checks),
        has_responses=plan.has_responses,
    )
    counts, parts = DocumentFrequencies(bits=plan.bits), []
    tallies: list[_Tally] = []
    result = PartResult(part=part, seen=())
    with replacing_folder(result.place(plan.folder)) as folder:
        with SpoolWriter(folder / result.spool(plan.folder).name) as writer:
            for batch in _joined(_part_batches(part, plan, tallies, most_rows, advance)):
                rows = Rows(batch, 0)
                counts.observe(rows)
                parts.append(columns_of(rows, columns))
                writer.write(batch)
        whole = RowColumns.concatenate(parts) if parts else empty_columns(columns)
        whole.save(folder)
        save_state(counts, folder / result.counts(plan.folder).name)
    return replace(result, seen=tuple(tally.seen() for tally in tallies))


def load_checks(names: tuple[str, ...]) -> dict[str, RecordCheck]:
    """Return the record checks by name, in the given order."""
    loaded = {name: plugins.load("detect", name).spec for name in names}
    return {name: spec for name, spec in loaded.items() if isinstance(spec, RecordCheck)}


def _part_batches(
    part: Part,
    plan: GatherPlan,
    tallies: list[_Tally],
    most_rows: int | None,
    advance: Advance | None,
) -> Iterator[pa.RecordBatch]:
    left = most_rows
    for shard in part.shards:
        if left == 0:
            return
        tally = _Tally(shard)
        tallies.append(tally)
        yield from _batches(tally, plan, left, advance)
        left = None if left is None else left - tally.rows


def _joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches that are not tiny."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size >= JOINED_BYTES:
            yield pa.concat_batches(waiting) if len(waiting) > 1 else batch
            waiting, size = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


def _batches(
    tally: _Tally, plan: GatherPlan, most_rows: int | None, advance: Advance | None
) -> Iterator[pa.RecordBatch]:
    layout = plan.layouts[tally.shard.file.index]
    for item in read_shard(tally.shard, plan.read):
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
