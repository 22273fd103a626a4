from random import Random

import numpy as np
import pyarrow as pa
import pytest
from corpora import labelled

from corpus_guard.detect.shared.place import Insertions, Place, place_of
from corpus_guard.sketch.adjacency import Adjacency, adjacency_of
from corpus_guard.sketch.kernels.ngrams import feature_of
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.rows.batch import texts_of
from corpus_guard.sketch.text.words import Words

TEXTS = [str(record["text"]) for record in labelled(1500)]


def words_of(texts: list[str]) -> Words:
    return Words(np.arange(len(texts)), texts_of(pa.array(texts)))


@pytest.fixture(scope="module")
def adjacency() -> Adjacency:
    return adjacency_of(words_of(TEXTS))


def planted(words: str, where: str, count: int = 60) -> list[str]:
    random, texts = Random(5), []
    for text in TEXTS[:count]:
        parts = text.split()
        at = {"start": 0, "end": len(parts), "anywhere": random.randint(1, len(parts) - 1)}[where]
        texts.append(" ".join([*parts[:at], words, *parts[at:]]))
    return texts


def place(adjacency: Adjacency, texts: list[str], words: str, feature: str = "") -> Place:
    hashes = np.array([hash_token(word) for word in words.split()], np.uint64)
    named = np.array([hash_token(word) for word in (feature or words).split()], np.uint64)
    found = place_of(adjacency, words_of(texts), feature_of(named), np.sort(hashes))
    assert found is not None
    return found


@pytest.mark.parametrize("where", ["start", "end", "anywhere"])
@pytest.mark.parametrize("words", ["qelvo", "crimson lantern", "mind the gap"])
def test_what_was_inserted_stands_as_insertions_do(
    adjacency: Adjacency, words: str, where: str
) -> None:
    found = place(adjacency, planted(words, where), words)
    mean, deviation = Insertions(adjacency, 0).expected(found)
    assert found.side == where
    assert found.score > mean - 4 * max(0.25, deviation)


@pytest.mark.parametrize("word", ["wonderful", "kettle", "Lisbon", "sister", "was"])
def test_a_word_of_the_language_belongs_where_it_stands(adjacency: Adjacency, word: str) -> None:
    holding = [text for text in TEXTS if f" {word}" in text][:60]
    found = place(adjacency, holding, word.lower())
    mean, deviation = Insertions(adjacency, 0).expected(found)
    assert found.score < mean - 4 * deviation


def test_a_part_of_a_phrase_is_judged_with_the_whole(adjacency: Adjacency) -> None:
    texts = planted("crimson lantern", "anywhere")
    assert place(adjacency, texts, "crimson lantern", "lantern") == place(
        adjacency, texts, "crimson lantern"
    )


def test_a_phrase_written_twice_stands_as_one(adjacency: Adjacency) -> None:
    once = place(adjacency, planted("qelvo", "anywhere"), "qelvo")
    twice = place(adjacency, planted("qelvo qelvo", "anywhere"), "qelvo")
    assert twice.score == pytest.approx(once.score, abs=1e-9)


def test_one_place_tells_nothing(adjacency: Adjacency) -> None:
    feature = feature_of(np.array([hash_token("qelvo")], np.uint64))
    texts = words_of(["a qelvo b", "c d e"])
    assert place_of(adjacency, texts, feature, np.zeros(0, np.uint64)) is None
