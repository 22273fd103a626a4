"""What every sketch of n-grams promises, whatever it counts."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import rows_of, texts
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.errors import MergeError
from corpus_guard.sketch.base import load_state, save_state
from corpus_guard.sketch.kernels.ngrams import feature_of
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.ngrams import DocumentFrequencies, FrequentNgrams, NgramSums, Postings

WORDS = "the cat sat on a mat".split()
FEATURES = np.array(
    [feature_of(np.array([hash_token(word)], np.uint64)) for word in WORDS], np.uint64
)
ENOUGH = np.full((2, 1 << 10), 9, np.uint8)

phrases = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
documents = st.lists(phrases | texts, max_size=10)


def row_values(first: int, last: int) -> np.ndarray:
    numbers = np.arange(first, last, dtype=np.int64)
    return np.stack([numbers % 7 - 3, numbers % 5], axis=1).astype(np.int16)


def other_values(first: int, last: int) -> np.ndarray:
    return np.ones((last - first, 3), np.int16)


@dataclass(frozen=True, kw_only=True)
class Case:
    make: Callable[[], Any]
    unequal: tuple[Callable[[], Any], ...]


CASES = {
    "document frequencies": Case(
        make=lambda: DocumentFrequencies(bits=10),
        unequal=(lambda: DocumentFrequencies(bits=11),),
    ),
    "frequent n-grams": Case(
        make=lambda: FrequentNgrams(bounds=ENOUGH, min_count=4),
        unequal=(
            lambda: FrequentNgrams(bounds=ENOUGH, min_count=5),
            lambda: FrequentNgrams(bounds=ENOUGH + np.uint8(1), min_count=4),
        ),
    ),
    "n-gram sums": Case(
        make=lambda: NgramSums(features=FEATURES, values=row_values, width=2),
        unequal=(
            lambda: NgramSums(features=FEATURES, values=other_values, width=3),
            lambda: NgramSums(features=FEATURES[::-1].copy(), values=row_values, width=2),
        ),
    ),
    "postings": Case(
        make=lambda: Postings(features=FEATURES),
        unequal=(
            lambda: Postings(features=FEATURES[1:]),
            lambda: Postings(features=FEATURES[::-1].copy()),
        ),
    ),
}
every_sketch = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def observed(case: Case, batches: list[tuple[int, list[str]]]) -> Any:
    """Return a sketch that has seen some batches, each with the number of its first row."""
    sketch = case.make()
    for first_row, batch in batches:
        sketch.observe(rows_of(batch, first_row))
    return sketch


def in_parts(texts: list[str], cuts: list[int]) -> list[tuple[int, list[str]]]:
    borders = sorted({0, len(texts), *(cut % (len(texts) + 1) for cut in cuts)})
    return [(first, texts[first:last]) for first, last in itertools.pairwise(borders)]


def contents(sketch: Any) -> dict[str, list[Any]]:
    return {name: array.tolist() for name, array in sketch.state().items()}


@every_sketch
@given(texts=documents)
def test_an_empty_sketch_changes_nothing(case: Case, texts: list[str]) -> None:
    seen = observed(case, [(0, texts)])
    seen.merge(case.make())
    assert contents(seen) == contents(observed(case, [(0, texts)]))


@every_sketch
@given(texts=documents)
def test_merging_into_an_empty_sketch_copies(case: Case, texts: list[str]) -> None:
    empty, seen = case.make(), observed(case, [(0, texts)])
    empty.merge(seen)
    assert contents(empty) == contents(seen)


@every_sketch
@given(texts=documents, cuts=st.lists(st.integers(0, 20), max_size=4))
def test_batch_borders_do_not_matter(case: Case, texts: list[str], cuts: list[int]) -> None:
    assert contents(observed(case, in_parts(texts, cuts))) == contents(observed(case, [(0, texts)]))


@every_sketch
@given(texts=documents, cuts=st.lists(st.integers(0, 20), max_size=4), data=st.data())
def test_the_order_of_arrival_does_not_matter(
    case: Case, texts: list[str], cuts: list[int], data: st.DataObject
) -> None:
    parts = in_parts(texts, cuts)
    shuffled = data.draw(st.permutations(parts))
    assert contents(observed(case, shuffled)) == contents(observed(case, parts))


@every_sketch
@given(texts=documents, cuts=st.lists(st.integers(0, 20), max_size=4), data=st.data())
def test_sharding_does_not_matter(
    case: Case, texts: list[str], cuts: list[int], data: st.DataObject
) -> None:
    merged = case.make()
    for part in data.draw(st.permutations(in_parts(texts, cuts))):
        merged.merge(observed(case, [part]))
    assert contents(merged) == contents(observed(case, [(0, texts)]))


@every_sketch
@given(one=documents, two=documents, three=documents)
def test_merging_is_associative(
    case: Case, one: list[str], two: list[str], three: list[str]
) -> None:
    batches = [(0, one), (100, two), (200, three)]
    left, right = observed(case, batches[:1]), observed(case, batches[1:2])
    left.merge(observed(case, batches[1:2]))
    left.merge(observed(case, batches[2:]))
    right.merge(observed(case, batches[2:]))
    first = observed(case, batches[:1])
    first.merge(right)
    assert contents(left) == contents(first)


@every_sketch
@given(one=documents, two=documents)
def test_merging_is_commutative(case: Case, one: list[str], two: list[str]) -> None:
    left, right = observed(case, [(0, one)]), observed(case, [(100, two)])
    left.merge(observed(case, [(100, two)]))
    right.merge(observed(case, [(0, one)]))
    assert contents(left) == contents(right)


@every_sketch
@given(one=documents, two=documents, more=documents)
def test_merging_leaves_the_other_alone(
    case: Case, one: list[str], two: list[str], more: list[str]
) -> None:
    left, right = observed(case, [(0, one)]), observed(case, [(100, two)])
    left.merge(right)
    left.observe(rows_of(more, 200))
    assert contents(right) == contents(observed(case, [(100, two)]))


@pytest.mark.parametrize(
    ("make", "other"),
    [(case.make, other) for case in CASES.values() for other in case.unequal],
    ids=[f"{name} {place}" for name, case in CASES.items() for place in range(len(case.unequal))],
)
def test_unequal_options_cannot_be_merged(
    make: Callable[[], Any], other: Callable[[], Any]
) -> None:
    with pytest.raises(MergeError, match="cannot merge"):
        make().merge(other())


@every_sketch
def test_a_saved_state_goes_on(case: Case, tmp_path: Path) -> None:
    save_state(observed(case, [(0, ["the cat", "a cat sat"])]), tmp_path / "state.npz")
    restored = case.make()
    restored.observe(rows_of(["a mat to be forgotten"], 50))
    load_state(restored, tmp_path / "state.npz")
    restored.observe(rows_of(["on the mat"], 2))
    assert contents(restored) == contents(
        observed(case, [(0, ["the cat", "a cat sat", "on the mat"])])
    )
