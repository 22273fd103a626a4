"""The laws of sketches that see rows and merge, in the first pass or in a second look."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.errors import MergeError, NotAssessed
from corpus_guard.laws.batches import EMPTY, Piece, cut, shuffled, taken
from corpus_guard.laws.comparing import differences
from corpus_guard.laws.law import Differences
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.state import Sketch, load_state, save_state

SEEDS = range(4)
State = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchSubject:
    """What is judged: `make` returns an empty sketch, `rows` a batch with the `columns` that it needs.

    A second look is told the true number of a batch's first row (`is_look`), and so its pieces may come
    in any order but keep their numbers. `unequal` makes sketches that must not be merged with it, by
    what is different; `other_settings` makes pairs of which that is only known when they have seen rows.
    """

    make: Callable[[], Sketch]
    rows: Callable[[pa.RecordBatch, int], Rows]
    batch: pa.RecordBatch
    columns: tuple[str, ...] = ()
    is_look: bool = False
    unequal: tuple[tuple[str, Callable[[], Sketch]], ...] = ()
    other_settings: tuple[tuple[str, Callable[[pa.RecordBatch], Sketch]], ...] = ()

    def seen(self, pieces: Iterable[Piece]) -> Sketch:
        """Return a sketch that has seen some batches, one after the other."""
        sketch, next_row = self.make(), 0
        for batch, first in pieces:
            sketch.observe(self.rows(batch, first if self.is_look else next_row))
            next_row += batch.num_rows
        return sketch

    @property
    def whole(self) -> Sketch:
        """A sketch that has seen all rows at once."""
        return self.seen([(self.batch, 0)])

    def thirds(self) -> list[list[Piece]]:
        """Return all rows in three shards of a few batches each."""
        pieces = cut(self.batch, 11, most=12)
        return [pieces[shard::3] for shard in range(3)]


def empty_is_clean(given: SketchSubject) -> Differences:
    """Merging an empty sketch, or seeing no rows, changes nothing; merging into one copies."""
    expected = state_of(given.whole)
    seen = given.whole
    seen.merge(given.make())
    yield from differences(expected, state_of(seen), "after an empty one was merged, the state")
    seen.observe(given.rows(EMPTY, 0))
    yield from differences(expected, state_of(seen), "after an empty batch, the state")
    empty = given.make()
    empty.merge(given.whole)
    yield from differences(expected, state_of(empty), "merged into an empty one, the state")
    nothing = given.seen([(EMPTY, 0)])
    yield from differences(state_of(given.make()), state_of(nothing), "of no rows, the state")
    evidence_of(nothing)


def batch_borders_do_not_matter(given: SketchSubject) -> Differences:
    """The same rows in other batches leave the same state."""
    for seed in SEEDS:
        found = given.seen(cut(given.batch, seed))
        yield from _same_states(given.whole, found, f"in batches (cut {seed})")


def row_order_does_not_matter(given: SketchSubject) -> Differences:
    """The same rows in another order leave the same state."""
    for seed in SEEDS:
        if given.is_look:
            pieces = cut(given.batch, seed)
            found = given.seen([pieces[place] for place in shuffled(len(pieces), seed)])
        else:
            order = shuffled(given.batch.num_rows, seed)
            found = given.seen([(taken(given.batch, order), 0)])
        yield from _same_states(given.whole, found, f"in another order (shuffle {seed})")


def sharding_does_not_matter(given: SketchSubject) -> Differences:
    """Sketches of shards, merged in any order, have the state of one that saw all."""
    for seed in SEEDS:
        pieces, merged = cut(given.batch, seed, most=9), given.make()
        for place in shuffled(len(pieces), seed):
            merged.merge(given.seen([pieces[place]]))
        yield from _same_states(given.whole, merged, f"in shards (cut {seed})")


def merging_is_associative(given: SketchSubject) -> Differences:
    """It does not matter which of three sketches are merged first."""
    left, right = (list(map(given.seen, given.thirds())) for _ in range(2))
    left[0].merge(left[1])
    left[0].merge(left[2])
    right[1].merge(right[2])
    right[0].merge(right[1])
    yield from _same_states(left[0], right[0], "merged from the right")


def merging_is_commutative(given: SketchSubject) -> Differences:
    """It does not matter which of two sketches is merged into which."""
    (one, two, _), (three, four, _) = (list(map(given.seen, given.thirds())) for _ in range(2))
    one.merge(two)
    four.merge(three)
    yield from _same_states(one, four, "merged the other way round")


def merging_leaves_the_other_alone(given: SketchSubject) -> Differences:
    """A sketch that was merged into another stays as it was, and so does the other when it goes on."""
    first, second, more = given.thirds()
    one, other = given.seen(first), given.seen(second)
    expected = state_of(other)
    one.merge(other)
    yield from differences(expected, state_of(other), "after it was merged, the other's state")
    for batch, place in more:
        one.observe(given.rows(batch, place))
    yield from differences(expected, state_of(other), "after the one went on, the other's state")
    merged = state_of(one)
    for batch, place in more:
        other.observe(given.rows(batch, place))
    yield from differences(merged, state_of(one), "after the other went on, the one's state")
    empty = given.make()
    empty.merge(one)
    for batch, place in more:
        empty.observe(given.rows(batch, place))
    yield from differences(merged, state_of(one), "after its copy went on, the state")


def unequal_sketches_are_not_merged(given: SketchSubject) -> Differences:
    """Merging sketches of unequal options raises MergeError."""
    for what, make in given.unequal:
        try:
            given.whole.merge(make())
        except MergeError:
            continue
        yield f"one with another {what} was merged"
    for what, seen in given.other_settings:
        other = seen(given.batch)
        if not list(differences(state_of(given.whole), state_of(other))):
            continue
        try:
            given.whole.merge(other)
        except MergeError:
            continue
        yield f"one with another {what}, and so another state, was merged"


def saved_states_go_on(given: SketchSubject) -> Differences:
    """A sketch that is saved and restored goes on like one that was not."""
    first, second, more = given.thirds()
    expected = given.seen([*first, *second])
    restored = given.seen(more)  # which is to be forgotten
    restored.restore(_saved(given.seen(first)))
    for batch, place in second:
        restored.observe(given.rows(batch, place))
    yield from _same_states(expected, restored, "of the restored one")
    yield from differences(evidence_of(expected), evidence_of(restored), "the restored's evidence")
    for pieces in (first, second, more):
        sketch, fresh = given.seen(pieces), given.make()
        fresh.restore(_saved(sketch))
        yield from differences(evidence_of(sketch), evidence_of(fresh), "restored, the evidence")
    restored.restore(_saved(given.make()))
    yield from _same_states(given.make(), restored, "restored from an empty one")
    merged = given.seen(second)
    restored.restore(_saved(given.seen(first)))
    merged.merge(restored)
    yield from _same_states(expected, merged, "merged with a restored one")


def arrow_slices_equal_their_copies(given: SketchSubject) -> Differences:
    """A slice of an Arrow batch leaves the state that a copy of it leaves."""
    count = given.batch.num_rows
    for first, last in ((1, count), (count // 3, 2 * count // 3), (count - 5, count), (3, 3)):
        copied = given.seen([(given.batch.take(pa.array(np.arange(first, last))), first)])
        sliced = given.seen([(given.batch.slice(first, last - first), first)])
        yield from _same_states(copied, sliced, f"of the slice [{first}, {last})")


def the_same_rows_leave_the_same_state(given: SketchSubject) -> Differences:
    """Looking twice gives the same state: all chance derives from the seed."""
    yield from _same_states(given.whole, given.whole, "of a second one")


def evidence_changes_nothing(given: SketchSubject) -> Differences:
    """Asking for evidence leaves the state as it is, and gives the same when asked again."""
    seen = given.whole
    before, evidence = state_of(seen), evidence_of(seen)
    yield from differences(before, state_of(seen), "after it was asked, the state")
    yield from differences(evidence, evidence_of(seen), "asked again, the evidence")


def states_are_plain_arrays(given: SketchSubject) -> Differences:
    """A state is named arrays of plain numbers, which a file on disk gives back as they were."""
    for sketch in (given.make(), given.whole):
        state = sketch.state()
        for name, array in state.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
                yield f"{name} is {getattr(array, 'dtype', type(array).__name__)}"
        yield from differences(state_of(sketch), _saved(sketch), "read from disk, the state")


def what_is_given_is_left_alone(given: SketchSubject) -> Differences:
    """Nothing is written into the batch that is given, nor into the columns of others."""
    rows = given.rows(taken(given.batch, np.arange(given.batch.num_rows)), 0)
    before = {name: deepcopy(rows.column(name)) for name in given.columns}
    given.make().observe(rows)
    for name, column in before.items():
        yield from differences(column, rows.column(name), f"the column {name}")
    for name in rows.batch.schema.names:
        if not rows.batch[name].equals(given.batch[name]):
            yield f"the field {name} was changed"


OF_SKETCHES: Sequence[Callable[[SketchSubject], Differences]] = (
    empty_is_clean,
    batch_borders_do_not_matter,
    row_order_does_not_matter,
    sharding_does_not_matter,
    merging_is_associative,
    merging_is_commutative,
    merging_leaves_the_other_alone,
    unequal_sketches_are_not_merged,
    saved_states_go_on,
    arrow_slices_equal_their_copies,
    the_same_rows_leave_the_same_state,
    evidence_changes_nothing,
    states_are_plain_arrays,
    what_is_given_is_left_alone,
)


def state_of(sketch: Sketch) -> State:
    """Return a copy of a sketch's state."""
    return {name: np.array(array) for name, array in sketch.state().items()}


def evidence_of(sketch: Sketch) -> object:
    """Return a sketch's evidence, or why there is none."""
    try:
        return sketch.evidence()
    except NotAssessed as reason:
        return str(reason)


def _same_states(one: Sketch, two: Sketch, how: str) -> Iterator[str]:
    yield from differences(state_of(one), state_of(two), f"{how}, the state")


def _saved(sketch: Sketch) -> State:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.sketch"
        save_state(sketch.state(), path)
        return load_state(path)
