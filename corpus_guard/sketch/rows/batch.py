"""Some consecutive rows as sketches see them: their batch, their tokens, their columns.

The same view serves both passes. While reading, a column is what an earlier sketch made of the same
batch; in a second look it comes from the part store. Nothing is cut or loaded before it is asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.sketch.kernels.tokens import Tokens, tokenise

CONTENT = "content"
"""The column that every part has: the first eight bytes of each record's digest, uint64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts i = data[offsets[i]:offsets[i + 1]], UTF-8, with their tokens."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int32]
    tokens: Tokens

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.offsets) - 1


class Ragged(NamedTuple):
    """A column with any number of values a row: row i has values[bounds[i]:bounds[i + 1]].

    `values` (t,), `bounds` (n + 1,) int64, beginning with 0.
    """

    values: npt.NDArray[Any]
    bounds: npt.NDArray[np.int64]


Column = npt.NDArray[Any] | Ragged | None
"""A column of some rows, (n, ...) or ragged; None where all its values are zero or empty."""


class Rows:
    """Consecutive rows [first_row, first_row + n) and everything known of them.

    `first_row` is the global number of the first row; during reading, before it is known, the
    number inside the shard.
    """

    def __init__(
        self,
        count: int,
        first_row: int,
        batch: Callable[[], pa.RecordBatch],
        column: Callable[[str], Column],
    ) -> None:
        """Wrap rows; `batch()` gives them in `BATCH_SCHEMA`, `column(name)` a column by its name."""
        self._count, self.first_row = count, first_row
        self._load, self.column = batch, column

    @classmethod
    def of(
        cls, batch: pa.RecordBatch, first_row: int = 0, columns: Mapping[str, Column] | None = None
    ) -> "Rows":
        """Return the rows of a batch, with the columns that were made of it so far."""
        known = {} if columns is None else columns
        return cls(int(batch.num_rows), first_row, lambda: batch, known.__getitem__)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    @cached_property
    def batch(self) -> pa.RecordBatch:
        """The records."""
        return self._load()

    @cached_property
    def input(self) -> Texts:
        """What a model is given: the prompt where there is one, else the text."""
        return texts_of(input_column(self.batch))

    @cached_property
    def response(self) -> Texts:
        """What a model should answer; empty where a record has no response."""
        return texts_of(self.batch["response"])

    @property
    def has_responses(self) -> bool:
        """Whether any of the rows has a response."""
        return bool(self.batch["response"].null_count < len(self))


def input_column(batch: pa.RecordBatch) -> pa.Array:
    """Return the prompt of each row where there is one, else its text (string, with nulls)."""
    if batch["prompt"].null_count == batch.num_rows:
        return batch["text"]
    return pc.coalesce(batch["prompt"], batch["text"])


def texts_of(column: pa.Array) -> Texts:
    """Return a string column's buffers and tokens; null is the empty text. Slices are respected."""
    filled = pc.fill_null(column, "") if column.null_count else column
    data, offsets = text_buffers(filled)
    return Texts(data=data, offsets=offsets, tokens=tokenise(data, offsets))


def text_buffers(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return (data, offsets) of a string array without nulls, copying nothing."""
    _, positions, values = column.buffers()
    count = len(column)
    if positions is None or count == 0:
        return np.zeros(0, np.uint8), np.zeros(count + 1, np.int32)
    offsets = np.frombuffer(positions, np.int32)[column.offset : column.offset + count + 1]
    data = (
        np.frombuffer(values, np.uint8)
        if values is not None and values.size
        else np.zeros(0, np.uint8)
    )
    return data, offsets
