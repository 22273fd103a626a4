"""The spool: normalised batches of a part in one compressed Arrow file, read again by row or column."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus_guard.sketch.base import PartSpan, Rows
from corpus_guard.types import BATCH_SCHEMA


class SpoolWriter:
    """Writes one part's batches; use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open `path` for writing."""
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._sink = path.open("wb")  # unlike Arrow's own, it says which error of the system it met
        self._writer = pa.ipc.new_file(self._sink, BATCH_SCHEMA, options=options)

    def __enter__(self) -> "SpoolWriter":
        """Return the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        self._writer.close()
        self._sink.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch."""
        self._writer.write_batch(batch)


def batches(span: PartSpan, fields: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
    """Yield a part's batches; with `fields`, only those columns are read."""
    options = pa.ipc.IpcReadOptions(
        included_fields=[BATCH_SCHEMA.get_field_index(name) for name in fields] or None
    )
    with pa.OSFile(str(span.spool), "rb") as source:
        reader = pa.ipc.open_file(source, options=options)
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def rows(span: PartSpan) -> Iterator[Rows]:
    """Yield a part's rows under their global numbers."""
    first = span.first_row
    for batch in batches(span):
        yield Rows(batch, first)
        first += batch.num_rows


def column(span: PartSpan, name: str) -> Iterator[pa.Array]:
    """Yield one column of a part, batch by batch."""
    for batch in batches(span, [name]):
        yield batch[name]


def records(span: PartSpan, local: np.ndarray[Any, np.dtype[np.int64]]) -> list[dict[str, Any]]:
    """Return records by their sorted, distinct numbers inside the part."""
    found: list[dict[str, Any]] = []
    first = 0
    for batch in batches(span):
        inside = local[(local >= first) & (local < first + batch.num_rows)] - first
        if len(inside):
            found.extend(batch.take(pa.array(inside)).to_pylist())
        first += batch.num_rows
    return found
