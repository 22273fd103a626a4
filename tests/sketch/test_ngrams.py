from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import references
from corpora import documents_of_words, rows_of, text_lists
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from corpus_guard.sketch.document_frequencies import DocumentCounts, DocumentFrequencies
from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.ngram_looks import (
    FrequentNgrams,
    NgramSums,
    Postings,
    SampledPostings,
)
from corpus_guard.sketch.rows.store import Shared

MOST = kernels.MOST_COUNTED
counters = arrays.arrays(np.uint16, (2, 8))


def one_word(word: str) -> np.ndarray:
    feature = kernels.feature_of(np.array([hash_token(word)], np.uint64))
    return np.array([feature], np.uint64)


def document_counts(texts: list[str]) -> Counter[int]:
    return Counter(f for text in texts for f in references.features(references.hashes(text)))


def shared(folder: Path, array: np.ndarray) -> Shared:
    path = folder / "shared.npy"
    np.save(path, array)
    return Shared(path)


@pytest.fixture(scope="module")
def all_pass(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Bounds that every n-gram passes."""
    return shared(tmp_path_factory.mktemp("bounds"), np.full((2, 1 << 10), MOST, np.uint16))


@dataclass(frozen=True)
class Values:
    """The same numbers for every row of a batch."""

    numbers: tuple[tuple[int, ...], ...]

    @property
    def width(self) -> int:
        return len(self.numbers[0])

    def __call__(self, rows: Rows) -> np.ndarray:
        return np.resize(np.array(self.numbers, np.int16), (len(rows), self.width))


@given(counters, counters)
def test_a_sum_of_counters_stops_at_the_most(one: np.ndarray, two: np.ndarray) -> None:
    expected = np.minimum(one.astype(int) + two, MOST)
    kernels.saturated_add(one, two)
    assert one.tolist() == expected.tolist()


@given(text_lists)
def test_few_ngrams_are_counted_exactly(texts: list[str]) -> None:
    sketch = DocumentFrequencies(bits=12)
    sketch.observe(rows_of(texts))
    counts = sketch.evidence()
    found = dict(zip(counts.features.tolist(), counts.docs.tolist(), strict=True))
    assert (found, counts.bounds) == (dict(document_counts(texts)), None)


@given(text_lists)
def test_many_ngrams_are_never_understated(texts: list[str]) -> None:
    sketch = DocumentFrequencies(bits=10, most_exact=0)
    sketch.observe(rows_of(texts))
    bounds, expected = sketch.evidence().bounds, document_counts(texts)
    assert (bounds is None) == (not expected)
    for feature, count in expected.items():
        assert bounds is not None
        assert min(bounds[0, feature % 1024], bounds[1, (feature >> 32) % 1024]) >= count


@given(text_lists, text_lists, st.integers(0, 60))
def test_when_counting_stops_being_exact_does_not_matter(
    one: list[str], two: list[str], most: int
) -> None:
    whole, left, right = (DocumentFrequencies(bits=10, most_exact=most) for _ in range(3))
    whole.observe(rows_of(one))
    whole.observe(rows_of(two))
    left.observe(rows_of(one))
    right.observe(rows_of(two))
    left.merge(right)
    assert {name: array.tolist() for name, array in left.state().items()} == {
        name: array.tolist() for name, array in whole.state().items()
    }


def test_frequent_ngrams_are_counted_exactly(tmp_path: Path) -> None:
    texts = ["a cat", "a dog", "the cat", "a cat sat", "dog"]
    first = DocumentFrequencies(bits=12, most_exact=0)
    first.observe(rows_of(texts))
    bounds = first.evidence().bounds
    assert bounds is not None
    exact = FrequentNgrams(bounds=shared(tmp_path, bounds), min_count=2, most=1000)
    exact.observe(rows_of(texts))
    features, counts, _ = exact.evidence()
    found = dict(zip(features.tolist(), counts.tolist(), strict=True))
    expected = document_counts(texts)
    assert all(found.get(feature) == count for feature, count in expected.items() if count >= 2)
    assert all(expected[feature] == count for feature, count in found.items())
    assert features.tolist() == sorted(features.tolist())


def test_a_table_grows_when_counters_collide(all_pass: Shared) -> None:
    texts = documents_of_words(40, 1000)
    sketch = FrequentNgrams(bounds=all_pass, min_count=4, most=10**6)
    sketch.observe(rows_of(texts))
    features, counts, level = sketch.evidence()
    expected = document_counts(texts)
    assert dict(zip(features.tolist(), counts.tolist(), strict=True)) == dict(expected)
    assert level == 0


def test_a_table_never_holds_more_than_it_may(all_pass: Shared) -> None:
    texts = documents_of_words(40, 1000)
    sketch = FrequentNgrams(bounds=all_pass, min_count=4, most=5000)
    for text in texts:
        sketch.observe(rows_of([text]))
    features, counts, level = sketch.evidence()
    expected = document_counts(texts)
    assert 0 < len(features) <= 5000
    assert all(expected[feature] == count for feature, count in zip(features, counts, strict=True))
    assert set(features.tolist()) == {f for f in expected if f >> (64 - level) == 0}


COUNTS = np.repeat(np.array([30, 200, 5, 1], np.int32), [100, 50, 250, 600])


@pytest.mark.parametrize(("capacity", "least"), [(10**6, 0), (200, 6), (60, 31), (0, 201)])
def test_the_smallest_count_fits_the_capacity(capacity: int, least: int) -> None:
    features = np.arange(len(COUNTS), dtype=np.uint64)
    counts = DocumentCounts(features=features, docs=COUNTS, bounds=None)
    assert counts.smallest_fitting_count(capacity) == least


def test_no_count_fits_where_all_counters_are_full() -> None:
    full = np.full((2, 1 << 10), MOST, np.uint16)
    nothing = np.zeros(0, np.uint64), np.zeros(0, np.int32)
    counts = DocumentCounts(features=nothing[0], docs=nothing[1], bounds=full)
    assert counts.smallest_fitting_count(100) == MOST


def test_sums_add_what_the_rows_of_an_ngram_carry() -> None:
    sketch = NgramSums(features=one_word("cat"), values=Values(((1, 10), (2, 20), (4, 40))))
    sketch.observe(rows_of(["a cat, a cat", "a dog", "Cat"]))
    assert (sketch.evidence().tolist(), sketch.docs.tolist()) == ([[5, 50]], [2])


def test_sums_have_room_for_many_rows() -> None:
    rows, largest = 70_000, int(np.iinfo(np.int16).max)
    sketch = NgramSums(features=one_word("a"), values=Values(((largest,),)))
    sketch.observe(rows_of(["a"] * rows))
    assert int(sketch.evidence()[0, 0]) == rows * largest


@given(st.lists(st.sampled_from(["a cat", "a dog", "Cat!", ""]), max_size=9), st.integers(0, 500))
def test_postings_are_sorted_global_rows(texts: list[str], first_row: int) -> None:
    sketch = Postings(features=np.concatenate([one_word("cat"), one_word("absent")]))
    sketch.observe(rows_of(texts, first_row))
    cats, absent = sketch.evidence()
    expected = [row for row, text in enumerate(texts, first_row) if "cat" in text.lower()]
    assert (cats.tolist(), absent.tolist()) == (expected, [])


@given(st.integers(1, 5), st.integers(0, 40))
def test_sampled_postings_are_those_of_the_smallest_hashes(most: int, cats: int) -> None:
    texts = ["a cat"] * cats + ["a dog"] * 7
    hashes = np.array([(place * 37) % 101 for place in range(len(texts))], np.uint64)
    sketch = SampledPostings(features=one_word("cat"), most=most)
    for first in range(0, len(texts), 6):
        part = slice(first, first + 6)
        sketch.observe(rows_of(texts[part], first, content=hashes[part]))
    (rows,) = sketch.evidence()
    expected = sorted(range(cats), key=lambda row: int(hashes[row]))[:most]
    assert rows.tolist() == sorted(expected)
