from collections import Counter

import numpy as np
import pytest
import references
from corpora import documents_of_words, rows_of, text_lists
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from corpus_guard.sketch.kernels.ngrams import feature_of
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.ngrams import (
    SMALLEST_COUNT,
    DocumentFrequencies,
    FrequentNgrams,
    NgramSums,
    Postings,
    saturated_add,
)

counters = arrays.arrays(np.uint8, (2, 8))


def one_word(word: str) -> np.ndarray:
    return np.array([feature_of(np.array([hash_token(word)], np.uint64))], np.uint64)


def document_counts(texts: list[str]) -> Counter[int]:
    return Counter(f for text in texts for f in references.features(references.hashes(text)))


@given(counters, counters)
def test_a_sum_of_counters_stops_at_255(one: np.ndarray, two: np.ndarray) -> None:
    expected = np.minimum(one.astype(int) + two, 255)
    saturated_add(one, two)
    assert one.tolist() == expected.tolist()


@given(text_lists)
def test_frequent_ngrams_are_counted_exactly(texts: list[str]) -> None:
    first = DocumentFrequencies(bits=12)
    first.observe(rows_of(texts))
    exact = FrequentNgrams(bounds=first.counts, min_count=2)
    exact.observe(rows_of(texts))
    features, counts = exact.evidence()
    found = dict(zip(features.tolist(), counts.tolist(), strict=True))
    expected = document_counts(texts)
    assert all(found.get(feature) == count for feature, count in expected.items() if count >= 2)
    assert all(expected[feature] == count for feature, count in found.items())
    assert features.tolist() == sorted(features.tolist())


def test_a_table_grows_when_counters_collide() -> None:
    texts = documents_of_words(40, 1000)
    sketch = FrequentNgrams(bounds=np.full((2, 1 << 10), 255, np.uint8), min_count=4)
    sketch.observe(rows_of(texts))
    features, counts = sketch.evidence()
    expected = document_counts(texts)
    assert dict(zip(features.tolist(), counts.tolist(), strict=True)) == dict(expected)


@pytest.mark.parametrize(
    ("capacity", "least"), [(10**6, SMALLEST_COUNT), (200, 6), (60, 31), (0, 201)]
)
def test_the_smallest_count_fits_the_capacity(capacity: int, least: int) -> None:
    sketch = DocumentFrequencies(bits=10)
    sketch.counts[:, :100], sketch.counts[:, 100:150] = 30, 200
    sketch.counts[:, 150:400] = 5
    assert sketch.smallest_fitting_count(capacity) == least


def test_sums_add_what_the_rows_of_an_ngram_carry() -> None:
    values = np.array([[1, 10], [2, 20], [4, 40]], np.int16)
    sketch = NgramSums(
        features=one_word("cat"), values=lambda first, last: values[first:last], width=2
    )
    sketch.observe(rows_of(["a cat, a cat", "a dog", "Cat"]))
    assert (sketch.sums.tolist(), sketch.docs.tolist()) == ([[5, 50]], [2])


def test_sums_have_room_for_many_rows() -> None:
    rows, largest = 70_000, np.iinfo(np.int16).max
    sketch = NgramSums(
        features=one_word("a"),
        values=lambda first, last: np.full((last - first, 1), largest, np.int16),
        width=1,
    )
    sketch.observe(rows_of(["a"] * rows))
    assert int(sketch.sums[0, 0]) == rows * largest


@given(st.lists(st.sampled_from(["a cat", "a dog", "Cat!", ""]), max_size=9), st.integers(0, 500))
def test_postings_are_sorted_global_rows(texts: list[str], first_row: int) -> None:
    sketch = Postings(features=np.concatenate([one_word("cat"), one_word("absent")]))
    sketch.observe(rows_of(texts, first_row))
    cats, absent = sketch.evidence()
    expected = [row for row, text in enumerate(texts, first_row) if "cat" in text.lower()]
    assert (cats.tolist(), absent.tolist()) == (expected, [])
