from collections.abc import Sequence
from random import Random

import numpy as np
from corpora import rows_of
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.config import SketchSettings
from corpus_guard.sketch.fingerprints import fingerprints
from corpus_guard.sketch.minhash import minhash
from corpus_guard.sketch.near_duplicates import FEWEST_TOKENS, near_duplicate_roots


def roots(texts: Sequence[str]) -> list[int]:
    rows, settings = rows_of(texts), SketchSettings()
    told, signed = fingerprints.of(rows, settings), minhash.of(rows, settings)
    by_content = np.argsort(told["whole"], kind="stable").astype(np.int64)
    long_enough = by_content[told["tokens"][by_content] >= FEWEST_TOKENS]
    return near_duplicate_roots(signed["signs"], signed["bands"], long_enough).tolist()


def groups(texts: Sequence[str]) -> set[frozenset[str]]:
    """Return the groups by their texts, which are all different."""
    found = roots(texts)
    return {
        frozenset(text for text, root in zip(texts, found, strict=True) if root == one)
        for one in found
    }


def sentence(random: Random, words: int = 60) -> list[str]:
    return [f"w{random.randrange(5000)}" for _ in range(words)]


def edited(words: list[str], random: Random) -> list[str]:
    changed = list(words)
    changed[random.randrange(len(changed))] = f"edit{random.randrange(10**6)}"
    return changed


def test_edited_copies_share_the_smallest_row() -> None:
    random = Random(1)
    first, second = sentence(random), sentence(random)
    texts = [first, second, edited(first, random), edited(second, random), edited(first, random)]
    assert roots([" ".join(words) for words in texts]) == [0, 1, 0, 1, 0]


def test_different_texts_are_their_own_roots() -> None:
    random = Random(2)
    texts = [" ".join(sentence(random)) for _ in range(300)]
    assert roots(texts) == list(range(300))


def test_texts_of_a_few_words_are_no_duplicates() -> None:
    assert roots(["yes it is", "yes it is", "yes it is really so", "yes it is really so"]) == [
        0, 1, 2, 2,
    ]  # fmt: skip


def test_most_edited_copies_are_found() -> None:
    random = Random(3)
    originals = [sentence(random) for _ in range(200)]
    copies = [edited(edited(edited(words, random), random), random) for words in originals]
    found = np.array(roots([" ".join(words) for words in originals + copies]))
    assert (found[200:] == np.arange(200)).mean() >= 0.95


@given(st.permutations(range(40)))
def test_groups_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    random, words = Random(4), sentence(Random(5), 24)
    texts = []
    for _ in range(40):  # a chain: neighbours are alike, the ends are not
        words = edited(words, random)
        texts.append(" ".join(words))
    assert groups([texts[place] for place in order]) == groups(texts)
