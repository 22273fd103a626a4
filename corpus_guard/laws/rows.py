"""The laws of what is said of one row at a time: row columns, and the marks of record checks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from corpus_guard.laws.batches import EMPTY, Piece, cut, shuffled, taken
from corpus_guard.laws.law import Differences
from corpus_guard.sketch.rows.batch import Column, Ragged

SEEDS = range(4)
Values = list[bytes]
"""What each row has, as bytes; nothing where all of it is zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSubject:
    """What is judged: `made(batch)` returns the columns of a batch by name.

    `declared` are the names that it may have; `bits` is how many bits a mark may use, None for
    columns that are no marks.
    """

    made: Callable[[pa.RecordBatch], Mapping[str, Column]]
    declared: frozenset[str]
    batch: pa.RecordBatch
    bits: int | None = None

    def values(self, batch: pa.RecordBatch) -> dict[str, Values]:
        """Return what each row of a batch has."""
        made = self.made(batch)
        return {name: _values(made[name], batch.num_rows, name) for name in sorted(made)}


def rows_have_their_values_alone(given: RowSubject) -> Differences:
    """A row has the same values when it is alone as among others."""
    rows = np.arange(given.batch.num_rows)
    yield from _apart(given, [(taken(given.batch, [row]), int(row)) for row in rows], "alone")


def batch_borders_do_not_matter(given: RowSubject) -> Differences:
    """Where batches begin and end changes no row's values."""
    for seed in SEEDS:
        yield from _apart(given, cut(given.batch, seed), f"in batches (cut {seed})")


def row_order_does_not_matter(given: RowSubject) -> Differences:
    """The order of the rows of a batch changes no row's values."""
    whole = given.values(given.batch)
    for seed in SEEDS:
        order = shuffled(given.batch.num_rows, seed)
        found = given.values(taken(given.batch, order))
        for name, values in whole.items():
            yield from _unequal([values[row] for row in order], found[name], name, "shuffled")


def arrow_slices_equal_their_copies(given: RowSubject) -> Differences:
    """A slice of an Arrow batch has the values that a copy of it has."""
    count = given.batch.num_rows
    for first, last in ((1, count), (count // 3, 2 * count // 3), (count - 5, count), (3, 3)):
        copied = given.values(given.batch.take(pa.array(np.arange(first, last))))
        sliced = given.values(given.batch.slice(first, last - first))
        for name, values in copied.items():
            yield from _unequal(values, sliced[name], name, f"in the slice [{first}, {last})")


def empty_batches_are_taken(given: RowSubject) -> Differences:
    """A batch without rows has no values and breaks nothing."""
    for name, values in given.values(EMPTY).items():
        if values:
            yield f"{name} has values of {len(values)} rows"


def the_same_rows_have_the_same_values(given: RowSubject) -> Differences:
    """Asking twice gives the same values: all chance derives from the seed."""
    one, two = given.values(given.batch), given.values(given.batch)
    for name, values in one.items():
        yield from _unequal(values, two[name], name, "asked again")


def batches_are_left_alone(given: RowSubject) -> Differences:
    """Nothing writes into the batch that it is given."""
    batch = given.batch.take(pa.array(np.arange(given.batch.num_rows)))
    given.made(batch)
    for name in batch.schema.names:
        if not batch[name].equals(given.batch[name]):
            yield f"the field {name} was changed"


def only_declared_columns_are_made(given: RowSubject) -> Differences:
    """The columns that are made are the declared ones, all of them, in every batch."""
    for batch, first in [(given.batch, 0), (EMPTY, 0), *cut(given.batch, 0)]:
        made = set(given.made(batch))
        if made != given.declared:
            yield f"made {sorted(made)}, declared {sorted(given.declared)} (batch at row {first})"


def types_and_shapes_stay(given: RowSubject) -> Differences:
    """A column has the same type and shape in every batch, or is None where all of it is zero."""
    kinds: dict[str, object] = {}
    for seed in SEEDS:
        for batch, first in [(given.batch, 0), *cut(given.batch, seed)]:
            for name, column in given.made(batch).items():
                kind = _kind(column)
                if kind is not None and kinds.setdefault(name, kind) != kind:
                    yield f"{name} is {kinds[name]}, and {kind} in the batch at row {first}"


def marks_are_bytes_of_declared_kinds(given: RowSubject) -> Differences:
    """Marks are uint8, one a row, and have no bit beyond the declared kinds."""
    for batch, _ in [(given.batch, 0), (EMPTY, 0), *cut(given.batch, 0)]:
        for marks in given.made(batch).values():
            if not isinstance(marks, np.ndarray) or marks.dtype != np.uint8:
                yield f"marks are {_kind(marks)}, no uint8"
            elif marks.shape != (batch.num_rows,):
                yield f"marks have the shape {marks.shape} for {batch.num_rows} rows"
            elif given.bits is not None and (marks >> np.uint8(min(given.bits, 7))).any():
                if given.bits < 8:
                    yield f"the mark {int(marks.max())} has a bit beyond {given.bits} kinds"


_OF_BOTH = (
    rows_have_their_values_alone,
    batch_borders_do_not_matter,
    row_order_does_not_matter,
    arrow_slices_equal_their_copies,
    empty_batches_are_taken,
    the_same_rows_have_the_same_values,
    batches_are_left_alone,
)
OF_COLUMNS = (*_OF_BOTH, only_declared_columns_are_made, types_and_shapes_stay)
OF_MARKS = (*_OF_BOTH, marks_are_bytes_of_declared_kinds)


def _apart(given: RowSubject, pieces: Sequence[Piece], how: str) -> Iterator[str]:
    """Yield where the values of pieces are not the pieces of the values."""
    whole = given.values(given.batch)
    for batch, first in pieces:
        for name, values in given.values(batch).items():
            if name in whole:
                yield from _unequal(
                    whole[name][first : first + len(values)], values, name, how, first
                )


def _unequal(
    one: Sequence[bytes], two: Sequence[bytes], name: str, how: str, first: int = 0
) -> Iterator[str]:
    for row, (left, right) in enumerate(zip(one, two, strict=True), first):
        if left != right:
            yield f"{name} of row {row} is {_hex(left)}, and {_hex(right)} {how}"


def _hex(value: bytes) -> str:
    return (value[:16].hex() or "zero") + ("…" if len(value) > 16 else "")


def _values(column: Column, count: int, name: str) -> Values:
    if column is None:
        return [b""] * count
    if isinstance(column, Ragged):
        bounds = column.bounds
        if len(bounds) != count + 1 or bounds[0] != 0 or bounds[-1] != len(column.values):
            raise ValueError(f"the bounds of {name} do not fit {count} rows")
        return [
            np.ascontiguousarray(column.values[bounds[row] : bounds[row + 1]]).tobytes()
            for row in range(count)
        ]
    if len(column) != count:
        raise ValueError(f"{name} has {len(column)} values for {count} rows")
    return [row.tobytes() if row.any() else b"" for row in np.ascontiguousarray(column)]


def _kind(column: Any) -> object:  # noqa: ANN401  # whatever a plugin gives
    if column is None:
        return None
    if isinstance(column, Ragged):
        return f"ragged {column.values.dtype} with {column.bounds.dtype} bounds"
    if isinstance(column, np.ndarray):
        return f"{column.dtype} {('n', *column.shape[1:])}"
    return type(column).__name__
