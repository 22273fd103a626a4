from collections import Counter

import numpy as np
import pyarrow as pa
import references
from corpora import text_lists
from hypothesis import given

from corpus_guard.sketch.kernels.masks import cover, ngrams_of
from corpus_guard.sketch.kernels.ngrams import MAX_ORDER, build_table, feature_of
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.rows.batch import texts_of


@given(text_lists)
def test_every_ngram_of_every_text_is_listed(parts: list[str]) -> None:
    tokens = texts_of(pa.array(parts, pa.string())).tokens
    room = MAX_ORDER * (len(tokens.hashes) + len(parts))
    features, owners = np.zeros(room, np.uint64), np.zeros(room, np.int64)
    used = ngrams_of(tokens.hashes, tokens.bounds, features, owners)
    expected = Counter(
        (feature, owner)
        for owner, part in enumerate(parts)
        for feature in references.features(references.hashes(part))
    )
    assert set(zip(features[:used].tolist(), owners[:used].tolist(), strict=True)) == set(expected)


def test_all_places_of_an_ngram_are_covered_and_no_others() -> None:
    text = "golden lamp and golden lamp again, golden"
    tokens = texts_of(pa.array([text, "a lamp"], pa.string())).tokens
    words = np.array([hash_token("golden"), hash_token("lamp")], np.uint64)
    table, _ = build_table(np.array([feature_of(words)], np.uint64))
    covered = np.zeros(len(tokens.hashes), np.bool_)
    cover(tokens.hashes, tokens.bounds, table, covered)
    assert np.flatnonzero(covered).tolist() == [0, 1, 3, 4]


def test_an_ngram_at_an_end_covers_its_words_alone() -> None:
    tokens = texts_of(pa.array(["golden lamp", "lamp golden"], pa.string())).tokens
    start = np.array([hash_token("golden")], np.uint64)
    table, _ = build_table(np.array([feature_of(start, starts_text=True)], np.uint64))
    covered = np.zeros(len(tokens.hashes), np.bool_)
    cover(tokens.hashes, tokens.bounds, table, covered)
    assert np.flatnonzero(covered).tolist() == [0]
