from collections import Counter

import numpy as np
import pyarrow as pa
import references
from corpora import text_lists, texts
from hypothesis import given

from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.kernels.tokens import Tokens, hash_token
from corpus_guard.sketch.rows.batch import texts_of


def tokens_of(parts: list[str]) -> Tokens:
    return texts_of(pa.array(parts, pa.string())).tokens


def document_counts(parts: list[str]) -> Counter[int]:
    return Counter(f for part in parts for f in references.features(references.hashes(part)))


@given(text_lists)
def test_count_min_cells_hold_the_texts_of_every_feature(parts: list[str]) -> None:
    tokens, counts = tokens_of(parts), np.zeros((2, 1 << 10), np.uint16)
    kernels.count_documents(tokens.hashes, tokens.bounds, counts)
    expected = np.zeros((2, 1 << 10), np.int64)
    for feature, count in document_counts(parts).items():
        expected[0, feature % 1024] += count
        expected[1, (feature >> 32) % 1024] += count
    assert counts.tolist() == np.minimum(expected, kernels.MOST_COUNTED).tolist()


def test_counters_stop_at_the_most() -> None:
    tokens, counts = tokens_of(["word"] * 300), np.full((2, 1 << 10), 65_400, np.uint16)
    kernels.count_documents(tokens.hashes, tokens.bounds, counts)
    assert counts.max() == kernels.MOST_COUNTED


@given(text_lists)
def test_exact_counts_fill_the_same_cells(parts: list[str]) -> None:
    tokens = tokens_of(parts)
    counted, added = np.zeros((2, 1 << 10), np.uint16), np.zeros((2, 1 << 10), np.uint16)
    kernels.count_documents(tokens.hashes, tokens.bounds, counted)
    known = document_counts(parts)
    features = np.array(list(known), np.uint64)
    kernels.add_documents(features, np.array(list(known.values()), np.int32), added)
    assert added.tolist() == counted.tolist()


@given(text_lists)
def test_located_features_are_where_the_reference_has_them(parts: list[str]) -> None:
    tokens = tokens_of(parts)
    features = sorted(document_counts(parts))[::3]
    table, index = kernels.build_table(np.array(features, np.uint64))
    found = kernels.locate(tokens.hashes, tokens.bounds, table, index)
    expected = {
        (place, text)
        for text, part in enumerate(parts)
        for place, feature in enumerate(features)
        if feature in references.features(references.hashes(part))
    }
    assert sorted(map(tuple, found.tolist())) == sorted(expected)


@given(texts)
def test_every_feature_is_found_where_it_stands(text: str) -> None:
    tokens = tokens_of([text])
    hashes, last = tokens.hashes, len(tokens.hashes)
    padded = [references.START, *hashes.tolist(), references.END]
    for feature in references.features(hashes.tolist()):
        position, order = kernels.find_ngram(hashes, 0, last, np.uint64(feature))
        assert references.feature(padded[position + 1 : position + 1 + order]) == feature


def test_an_absent_feature_is_nowhere() -> None:
    hashes = tokens_of(["one two"]).hashes
    absent = references.feature([hash_token("three")])
    assert kernels.find_ngram(hashes, 0, 2, np.uint64(absent))[1] == 0


def test_a_feature_can_be_made_from_words_and_borders() -> None:
    words = np.array([hash_token("one"), hash_token("two")], np.uint64)
    made = {
        kernels.feature_of(words),
        kernels.feature_of(words, starts_text=True),
        kernels.feature_of(words, ends_text=True),
    }
    assert len(made) == 3
    assert made <= references.features(references.hashes("One two"))
