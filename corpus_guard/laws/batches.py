"""Sample records as batches: whole, cut, shuffled, sliced, copied; and rows with their columns."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from corpus_guard import plugins
from corpus_guard.config import FieldOverrides, ReadOptions, SketchSettings
from corpus_guard.flow.gather import content_hashes
from corpus_guard.laws.samples import hard_records, instructions, labelled, preferences, texts
from corpus_guard.normalise import Scheme, Sorter, to_batch
from corpus_guard.plugins import Reader, RowColumns
from corpus_guard.sketch.rows.batch import CONTENT, Column, Rows
from corpus_guard.types import BATCH_SCHEMA, RecordBlock

Records = Iterable[Mapping[str, object] | str]
Piece = tuple[pa.RecordBatch, int]
"""A batch and the number of its first row."""

EMPTY = pa.RecordBatch.from_pylist([], schema=BATCH_SCHEMA)


def batch_of(records: Records) -> pa.RecordBatch:
    """Return records as one batch, by the reader of JSON Lines and the layout that they show."""
    lines = b"".join(
        (record.encode() if isinstance(record, str) else orjson.dumps(record, default=str)) + b"\n"
        for record in records
    )
    reader = plugins.load("read", "jsonl").spec
    if not isinstance(reader, Reader):
        raise TypeError("jsonl is no reader")
    read = list(reader.read(BytesIO(lines), ReadOptions(), 0, None))
    blocks = [item for item in read if isinstance(item, RecordBlock)]
    fields = [record for block in blocks for record in block.fields]
    sorter = Sorter(Scheme.of(fields, FieldOverrides()))
    return joined([to_batch(block, sorter) for block in blocks])


def sample_batch(*more: Records) -> pa.RecordBatch:
    """Return some records of every kind, hard ones and copies among them, and the caller's own."""
    first, second = labelled(30), instructions(30)
    kinds: Sequence[Records] = (first, second, texts(20), preferences(), hard_records())
    copies: Sequence[Records] = (first[:4], second[:4])
    return joined([batch_of(records) for records in (*kinds, *copies, *more)])


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return batches as one, its rows numbered, in memory that cannot be written to."""
    whole, sink = numbered(pa.concat_batches([EMPTY, *batches])), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as writer:
        writer.write_batch(whole)
    return pa.ipc.open_stream(sink.getvalue().to_pybytes()).read_next_batch()


def numbered(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows as those of a shard of their own."""
    row = pa.array(np.arange(batch.num_rows, dtype=np.int64))
    return batch.set_column(0, BATCH_SCHEMA.field("row"), row)


def taken(batch: pa.RecordBatch, rows: Sequence[int] | npt.NDArray[Any]) -> pa.RecordBatch:
    """Return a copy of some rows, numbered anew."""
    return numbered(batch.take(pa.array(np.asarray(rows, np.int64))))


def cut(batch: pa.RecordBatch, seed: int, most: int = 6) -> list[Piece]:
    """Return copies of consecutive pieces; some may be empty."""
    random = np.random.default_rng(seed)
    borders = np.sort(random.integers(0, batch.num_rows + 1, size=random.integers(2, most)))
    ends = [0, *borders.tolist(), batch.num_rows]
    return [(batch.take(pa.array(np.arange(first, last))), first) for first, last in pairwise(ends)]


def shuffled(count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the numbers below `count` in another order."""
    return np.random.default_rng(seed).permutation(count).astype(np.int64)


def row_columns_for(needs: Iterable[str]) -> dict[str, RowColumns]:
    """Return the row columns among some sketches, and those that they need, which come before."""
    found: dict[str, RowColumns] = {}
    for name in needs:
        spec = plugins.load("sketch", name).spec
        if isinstance(spec, RowColumns):
            found |= {**row_columns_for(spec.needs), name: spec}
    return found


def rows_of(
    batch: pa.RecordBatch, needs: Iterable[str], settings: SketchSettings, first_row: int = 0
) -> Rows:
    """Return a batch as rows, with the row columns that some sketches give or need."""
    made: dict[str, Column] = {CONTENT: content_hashes(batch)}
    rows = Rows.of(batch, first_row, made)
    for name, spec in row_columns_for(needs).items():
        made.update(spec.of(rows, settings, **settings.options_of("sketch", name)))
    return rows
