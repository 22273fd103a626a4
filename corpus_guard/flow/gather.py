"""The first pass: some shards in; their records, their row columns and their sketches out.

Every input byte ends as a stored record or as an `Unread`; what was seen comes back with them. A sketch
or a check that raises is left out from there on, and the reason comes back too: the rest goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard import plugins
from corpus_guard.config import ReadOptions, SketchSettings
from corpus_guard.flow.planning import SketchPlan
from corpus_guard.normalise import (
    Scheme,
    Sorter,
    Table,
    Threads,
    Unfolder,
    holds,
    keep_sample,
    named_by,
    to_batch,
)
from corpus_guard.plugins import RecordCheck, RowColumns, Summary, taken_by, why_broken
from corpus_guard.read import read_shard
from corpus_guard.sketch.rows.batch import CONTENT, Column, Ragged, Rows
from corpus_guard.sketch.rows.state import Sketch
from corpus_guard.sketch.rows.store import PartStore, PartWriter
from corpus_guard.types import COUNTED_ROLES, Layout, LayoutRows, RecordBlock, Shard, Unread

T = TypeVar("T")
Advance = Callable[[int, int], None]
JOINED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherPlan:
    """What every worker needs to know, small enough to send.

    `layouts` are those of files that have a fixed one, by file index; `scheme` tells those of all other
    records, `threads` how the records of a file are joined that are replies to others.
    """

    read: ReadOptions
    layouts: Mapping[int, Layout]
    scheme: Scheme
    threads: Mapping[int, Threads] = field(default_factory=dict)
    sketches: SketchPlan
    settings: SketchSettings
    store: PartStore


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
    `left_out` those that `--sample` or `--limit` left out; `bytes_read` its bytes on disk. `layouts`
    says by which layouts the rows were read, `held` how many rows say something in each role, `named`
    which of the fields that the user names some record has, `forms` how many records were unfolded from
    what.
    """

    shard: Shard
    records: int
    rows: int
    left_out: int
    bytes_read: int
    unread: tuple[Unread, ...]
    layouts: tuple[LayoutRows, ...] = ()
    held: Mapping[str, int] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    forms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """What was seen of a part's shards; of its last ones nothing where `--limit` was reached.

    `failures` says why sketches and checks broke down, by name.
    """

    part: Part
    seen: tuple[ShardSeen, ...]
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many records were stored."""
        return sum(seen.rows for seen in self.seen)

    @property
    def may_improve(self) -> bool:
        """Whether reading it again may find more."""
        return any(unread.may_pass for seen in self.seen for unread in seen.unread)


class _Tally:
    """The running numbers of one shard, of whose records `given` tells the layouts."""

    def __init__(
        self, shard: Shard, given: Layout | Sorter, named: Iterable[str], unfolder: Unfolder
    ) -> None:
        self.shard, self.given = shard, given
        self.records = self.rows = self.left_out = self.bytes_read = 0
        self.unread: list[Unread] = []
        self.held: Counter[str] = Counter()
        self.missing, self.named = set(named), set[str]()
        self.unfolder = unfolder

    def look_for_named(self, block: RecordBlock) -> None:
        """Note which of the fields that the user names are there."""
        found = {n for n in self.missing if any(holds(record, n) for record in block.fields)}
        self.missing -= found
        self.named |= found

    def count_held(self, batch: pa.RecordBatch) -> None:
        """Count the rows that say something in each role."""
        for role in COUNTED_ROLES:
            column = batch[role]
            if column.null_count < len(column):
                self.held[role] += pc.sum(pc.greater(pc.binary_length(column), 0)).as_py()

    def _gaps(self) -> Iterator[Unread]:
        """Yield what was read, but not understood."""
        table = self.unfolder.table
        if table is not None and table.left_out:
            why = f"{table.left_out:,} messages are too much to join replies to; split the file"
            yield self._gap(why)
        if isinstance(self.given, Sorter) and (why := self.given.not_understood(self.rows)):
            yield self._gap(why)

    def _gap(self, why: str) -> Unread:
        return Unread(
            file=self.shard.file.name,
            kind="bytes",
            row=-1,
            byte_offset=-1,
            size_bytes=0,
            reason=why,
        )

    def seen(self) -> ShardSeen:
        if isinstance(self.given, Layout):
            layouts: tuple[LayoutRows, ...] = (LayoutRows(layout=self.given, rows=self.rows),)
        else:
            layouts = self.given.counted()
        return ShardSeen(
            shard=self.shard,
            records=self.records,
            rows=self.rows,
            left_out=self.left_out,
            bytes_read=self.bytes_read,
            unread=(*self.unread, *self._gaps()),
            layouts=layouts if self.rows else (),
            held={role: count for role, count in sorted(self.held.items()) if count},
            named=tuple(sorted(self.named)),
            forms=dict(sorted(self.unfolder.forms.items())),
        )


def gather_part(
    part: Part, plan: GatherPlan, most_rows: int | None = None, advance: Advance | None = None
) -> PartResult:
    """Read, normalise, store and sketch some shards; at most `most_rows` records of them.

    What was gathered is stored, whole, when this returns.
    """
    seen: list[ShardSeen] = []
    pass_ = FirstPass(plan.sketches, plan.settings)
    with plan.store.write(part.key) as writer:
        for batch in _joined(_part_batches(part, plan, seen, most_rows, advance)):
            writer.write(batch, pass_.observe(batch))
        pass_.save(writer)
    return PartResult(part=part, seen=tuple(seen), failures=pass_.failures)


def empty_summary(name: str, settings: SketchSettings) -> Sketch:
    """Return an empty sketch of a name."""
    spec = plugins.load("sketch", name).spec
    if not isinstance(spec, Summary):
        raise TypeError(f"{name} is no summary")
    sketch: Sketch = spec.make(settings, **settings.options_of("sketch", name))
    return sketch


class FirstPass:
    """Runs the sketches and checks of a plan over batches; what breaks down is left out."""

    def __init__(self, plan: SketchPlan, settings: SketchSettings) -> None:
        """Start with empty sketches."""
        self._settings = settings
        self._columns = {name: plugins.load("sketch", name).spec for name in plan.columns}
        self._checks = {name: plugins.load("detect", name).spec for name in plan.checks}
        self.failures: dict[str, str] = {}
        self._types: dict[str, tuple[str, tuple[int, ...], bool]] = {}
        made = {name: self._try(name, (), empty_summary, name, settings) for name in plan.summaries}
        self.summaries = {name: sketch for name, sketch in made.items() if sketch is not None}

    def observe(self, batch: pa.RecordBatch) -> dict[str, Column]:
        """Show a batch to all sketches; return the columns of its rows."""
        columns: dict[str, Column] = {CONTENT: content_hashes(batch)}
        rows = Rows.of(batch, columns=columns)
        for name, spec in self._columns.items():
            if isinstance(spec, RowColumns):
                columns.update(self._try(name, spec.needs, self._made, spec, name, rows) or {})
        for name, check in self._checks.items():
            if isinstance(check, RecordCheck):
                columns[name] = self._try(name, (), self._marked, check, name, batch)
        for name, sketch in list(self.summaries.items()):
            needs: tuple[str, ...] = getattr(plugins.load("sketch", name).spec, "needs", ())
            self._try(name, needs, sketch.observe, rows)
            if name in self.failures:
                del self.summaries[name]
        return columns

    def save(self, writer: PartWriter) -> None:
        """Keep what the sketches have seen."""
        for name, sketch in self.summaries.items():
            self._try(name, (), _save, writer, name, sketch)

    def _made(self, spec: RowColumns, name: str, rows: Rows) -> Mapping[str, Column]:
        made = spec.of(rows, self._settings, **self._settings.options_of("sketch", name))
        if set(made) != set(spec.columns):
            raise ValueError(f"made the columns {sorted(made)}, declared {sorted(spec.columns)}")
        for column, values in made.items():
            self._check(column, values, len(rows))
        return made

    def _check(self, name: str, values: object, count: int) -> None:
        """Raise ValueError where these are no values of so many rows, or others than before."""
        if values is None:
            return
        array = values.values if isinstance(values, Ragged) else values
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise ValueError(f"the column {name} is a {type(values).__name__}, no array of numbers")
        if isinstance(values, Ragged):
            fits = _are_bounds(values.bounds, count, len(array))
        else:
            fits = array.ndim > 0 and len(array) == count
        if not fits:
            raise ValueError(f"the column {name} does not hold the values of {count} rows")
        told = (array.dtype.str, array.shape[1:], isinstance(values, Ragged))
        if self._types.setdefault(name, told) != told:
            raise ValueError(f"the column {name} changes its type or shape from batch to batch")

    def _marked(self, check: RecordCheck, name: str, batch: pa.RecordBatch) -> Column:
        options = taken_by(check.scan, self._settings.options_of("detect", name))
        marks: npt.NDArray[np.uint8] = check.scan(batch, **options)
        if marks.shape != (batch.num_rows,) or marks.dtype != np.uint8:
            raise ValueError(f"marks of shape {marks.shape} for {batch.num_rows} rows")
        return marks if marks.any() else None

    def _try(
        self, name: str, needs: tuple[str, ...], work: Callable[..., T], *given: object
    ) -> T | None:
        """Do some work of a plugin; None where it, or what it needs, broke down."""
        broken = [need for need in needs if need in self.failures]
        if broken:
            self.failures.setdefault(name, f"{broken[0]}: {self.failures[broken[0]]}")
        if name in self.failures:
            return None
        try:
            return work(*given)
        except (Exception, SystemExit) as error:  # a plugin raises anything
            self.failures[name] = why_broken(error)
            return None


def _save(writer: PartWriter, name: str, sketch: Sketch) -> None:
    writer.save(name, sketch.state())


def _are_bounds(bounds: object, count: int, values: int) -> bool:
    return (
        isinstance(bounds, np.ndarray)
        and bounds.dtype == np.int64
        and len(bounds) == count + 1
        and bounds[0] == 0
        and bounds[-1] == values
        and bool((np.diff(bounds) >= 0).all())
    )


def content_hashes(batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of each record's digest, (n,) uint64."""
    column = batch["sha256"]
    if len(column) == 0:
        return np.zeros(0, np.uint64)
    data = np.frombuffer(
        column.buffers()[1], np.uint8, count=32 * len(column), offset=32 * column.offset
    )
    return np.ascontiguousarray(data.reshape(-1, 32)[:, :8]).view(np.uint64).ravel()


def _part_batches(
    part: Part,
    plan: GatherPlan,
    seen: list[ShardSeen],
    most_rows: int | None,
    advance: Advance | None,
) -> Iterator[pa.RecordBatch]:
    left, sorter = most_rows, Sorter(plan.scheme)
    for shard in part.shards:
        if left == 0:
            return
        given = plan.layouts.get(shard.file.index, sorter)
        unfolder = _unfolder(shard, plan)
        tally = _Tally(shard, given, named_by(plan.read.overrides), unfolder)
        yield from _batches(tally, plan, left, advance)
        seen.append(tally.seen())
        left = None if left is None else left - tally.rows


def _unfolder(shard: Shard, plan: GatherPlan) -> Unfolder:
    """Return what unfolds a shard's records; where they reply to others, with the texts of all."""
    unfolder, threads = Unfolder.of(plan.read.overrides), plan.threads.get(shard.file.index)
    if threads is not None:
        table = Table()
        for item in read_shard(shard, plan.read):
            for record in item.fields if isinstance(item, RecordBlock) else ():
                table.add(threads, record)
        table.finish()
        unfolder.threads, unfolder.table = threads, table
    return unfolder


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
    items = read_shard(tally.shard, plan.read)
    is_open = isinstance(tally.given, Sorter)
    for item in tally.unfolder.each(items) if is_open else items:
        if isinstance(item, Unread):
            tally.unread.append(item)
            tally.records += item.kind == "record"
            continue
        tally.records += len(item.rows)
        tally.bytes_read += item.bytes_read
        tally.look_for_named(item)
        block = _chosen(item, plan, tally, most_rows)
        tally.rows += len(block.rows)
        tally.left_out += len(item.rows) - len(block.rows)
        if block.rows:
            batch = to_batch(block, tally.given)
            tally.count_held(batch)
            yield batch
        if advance:
            advance(item.bytes_read, len(item.rows))
        if most_rows is not None and tally.rows >= most_rows:
            return


def _chosen(
    block: RecordBlock, plan: GatherPlan, tally: _Tally, most_rows: int | None
) -> RecordBlock:
    if plan.read.sample is not None:
        block = keep_sample(block, plan.read.sample, plan.settings.seed)
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
