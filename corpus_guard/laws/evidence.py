"""The laws of evidence that is made once of rows and other evidence."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard import plugins
from corpus_guard.config import SketchSettings
from corpus_guard.errors import NotAssessed
from corpus_guard.flow.planning import plan_sketches
from corpus_guard.laws.batches import shuffled, taken
from corpus_guard.laws.comparing import differences, opaque, parts_of
from corpus_guard.laws.detectors import Batches, missing_needs
from corpus_guard.laws.law import Differences, NotComparable
from corpus_guard.laws.scanned import Shards, in_batches, in_one, in_shards, scanned
from corpus_guard.plugins import Derived, Detector

SEEDS = range(2)


class EvidenceSubject:
    """What is judged: derived evidence, on samples by name and on `harmless` ones of a few records."""

    def __init__(
        self, name: str, settings: SketchSettings, *, samples: Batches, harmless: Batches
    ) -> None:
        """Judge the evidence called `name`; nothing is made before it is asked for."""
        spec = plugins.load("sketch", name).spec
        if not isinstance(spec, Derived):
            raise TypeError(f"{name} is no derived evidence")
        self.name, self.spec, self._settings = name, spec, settings
        self._samples, self.harmless = samples, harmless

    @cached_property
    def assessed(self) -> list[tuple[str, pa.RecordBatch, object]]:
        """The samples that give such evidence, and the evidence."""
        made = [(name, of()) for name, of in self._samples.items()]
        told = [(name, batch, self.made(in_one(batch))) for name, batch in made]
        found = [one for one in told if not isinstance(one[2], NotAssessed)]
        if not found:
            reasons = "; ".join(sorted({str(one[2]) for one in told}))
            raise NotComparable(f"no sample gives such evidence ({reasons}); give some as clean=")
        return found

    def made(self, shards: Shards) -> object:
        """Return the evidence of some rows, or the NotAssessed that says why there is none."""
        asking = Detector(
            run=lambda corpus: iter(()), rule="", title="", needs=(self.name,), uses=(), attacks=()
        )
        with scanned(shards, plan_sketches({self.name: asking}), self._settings) as (corpus, _):
            try:
                return corpus.evidence(self.name, object)
            except NotAssessed as reason:
                return reason


def needs_exist(given: EvidenceSubject) -> Differences:
    """Every sketch that is needed or used exists."""
    yield from missing_needs(given.spec)


def any_data_is_taken(given: EvidenceSubject) -> Differences:
    """Whatever the data, there is evidence or a reason why there is none."""
    for of in given.harmless.values():
        given.made(in_one(of()))
    yield from ()


def batch_borders_do_not_matter(given: EvidenceSubject) -> Differences:
    """The same rows in other batches give the same evidence."""
    yield from _compared(given, in_batches, "in other batches")


def sharding_does_not_matter(given: EvidenceSubject) -> Differences:
    """The same rows in several shards give the same evidence."""
    yield from _compared(given, in_shards, "in shards")


def the_same_rows_give_the_same_evidence(given: EvidenceSubject) -> Differences:
    """Looking twice with the same seed gives the same evidence."""
    yield from _compared(given, lambda batch, _: in_one(batch), "once more")


def row_order_does_not_matter(given: EvidenceSubject) -> Differences:
    """The same rows in another order give the same evidence, row for row where it is one of rows."""
    for name, batch, expected in given.assessed:
        for seed in SEEDS:
            order = shuffled(batch.num_rows, seed)
            found = given.made(in_one(taken(batch, order)))
            yield from _reordered(expected, found, order, f"the evidence of {name} shuffled")
    _require_comparable(given)


def columns_have_a_number_a_row(given: EvidenceSubject) -> Differences:
    """Evidence that fills a column of `rows.parquet` is an array of one number a row."""
    if not given.spec.column:
        return
    for name, batch, found in given.assessed:
        if not isinstance(found, np.ndarray) or found.shape != (batch.num_rows,):
            yield f"of {name} it is a {type(found).__name__} for {batch.num_rows} rows"


OF_EVIDENCE: Sequence[Callable[[EvidenceSubject], Differences]] = (
    needs_exist,
    any_data_is_taken,
    batch_borders_do_not_matter,
    sharding_does_not_matter,
    the_same_rows_give_the_same_evidence,
    row_order_does_not_matter,
    columns_have_a_number_a_row,
)


def _compared(
    given: EvidenceSubject, arranged: Callable[[pa.RecordBatch, int], Shards], how: str
) -> Iterator[str]:
    for name, batch, expected in given.assessed:
        for seed in SEEDS:
            found = given.made(arranged(batch, seed))
            yield from differences(expected, found, f"the evidence of {name} {how} (cut {seed})")
    _require_comparable(given)


def _require_comparable(given: EvidenceSubject) -> None:
    """Raise NotComparable where part of the evidence cannot be compared."""
    parts = sorted({part for _, _, found in given.assessed for part in opaque(found, "evidence")})
    if parts:
        raise NotComparable(f"{', '.join(parts)}, cannot be compared; the rest is the same")


def _reordered(one: object, two: object, order: npt.NDArray[np.int64], where: str) -> Iterator[str]:
    """Yield what differs, but for arrays of one value a row that are equal row by row.

    Numbers of groups, and of rows, change with the order; then it is the grouping that must be the same.
    """
    unequal = list(differences(one, two, where))
    arrays = dict(_arrays(one, where)), dict(_arrays(two, where))
    for told in unequal:
        name = told.split(" differs: ")[0]
        if name not in arrays[0] or not _same_by_row(arrays[0][name], arrays[1][name], order):
            yield told


def _same_by_row(
    one: npt.NDArray[np.generic], two: npt.NDArray[np.generic], order: npt.NDArray[np.int64]
) -> bool:
    if (one.dtype, one.shape) != (two.dtype, two.shape) or len(one) != len(order):
        return False
    moved = one[order]
    if np.array_equal(moved, two):
        return True
    if moved.ndim != 1 or moved.dtype.kind not in "iu":
        return False
    pairs = len(set(zip(moved.tolist(), two.tolist(), strict=True)))
    return pairs == len(np.unique(moved)) == len(np.unique(two))


def _arrays(value: object, where: str) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    if isinstance(value, np.ndarray):
        yield where, value
    for name, part in (parts_of(value) or {}).items():
        yield from _arrays(part, f"{where}{name}")
