"""What every sketch is: something that sees rows, merges with its like, and is saved and restored.

State of a pass lives in sketches, never in detectors. `state()` is canonical: the same rows give the
same arrays in any order and any sharding, so counts are integers and sums are fixed-point integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.errors import MergeError
from corpus_guard.sketch.buffers import Texts, texts_of

Arrays = Mapping[str, npt.NDArray[np.generic]]


class Rows:
    """A batch of consecutive rows with their token streams, cut when first asked for.

    `first_row` is the global number of the first row; during reading, before it is known, the
    number inside the shard.
    """

    def __init__(self, batch: pa.RecordBatch, first_row: int) -> None:
        """Wrap a batch of `BATCH_SCHEMA`."""
        self.batch = batch
        self.first_row = first_row

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.batch.num_rows)

    @cached_property
    def input(self) -> Texts:
        """What a model is given: the prompt where there is one, else the text."""
        return texts_of(input_column(self.batch))

    @cached_property
    def response(self) -> Texts:
        """What a model should answer; empty where a record has no response."""
        return texts_of(self.batch["response"])


def input_column(batch: pa.RecordBatch) -> pa.Array:
    """Return the prompt of each row where there is one, else its text (string, with nulls)."""
    import pyarrow.compute as pc

    if batch["prompt"].null_count == batch.num_rows:
        return batch["text"]
    return pc.coalesce(batch["prompt"], batch["text"])


class Sketch(Protocol):
    """A mergeable summary of rows."""

    def observe(self, rows: Rows) -> None:
        """Take in some rows."""
        ...

    def merge(self, other: Self) -> None:
        """Take in what another sketch of equal options has seen; leave the other alone.

        Raises MergeError when the options differ. Associative and commutative.
        """
        ...

    def state(self) -> Arrays:
        """Return the canonical state as named arrays."""
        ...

    def restore(self, state: Arrays) -> None:
        """Replace this sketch's state by a saved one of equal options."""
        ...


def save_state(sketch: Sketch, path: Path) -> None:
    """Write a sketch's state as plain arrays (no pickles)."""
    np.savez(path, allow_pickle=False, **sketch.state())


def load_state(sketch: Sketch, path: Path) -> None:
    """Restore a sketch from a file of `save_state`."""
    with np.load(path, allow_pickle=False) as arrays:
        sketch.restore({name: arrays[name] for name in arrays.files})


def require_equal(one: object, two: object, what: str) -> None:
    """Raise MergeError unless two sketches' options agree."""
    if one != two:
        raise MergeError(f"cannot merge two {what} sketches with options {one} and {two}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpan:
    """Which global rows a spooled part holds: [first_row, first_row + rows)."""

    spool: Path
    first_row: int
    rows: int
