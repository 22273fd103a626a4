from collections.abc import Sequence
from random import Random

import numpy as np
from corpora import rows_of
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.sketch.columns import ColumnPlan, columns_of
from corpus_guard.sketch.duplicates import near_duplicate_roots

PLAN = ColumnPlan(embedder=None, checks={}, has_responses=False)


def roots(texts: Sequence[str]) -> list[int]:
    columns = columns_of(rows_of(texts), PLAN)
    by_content = np.argsort(columns.whole, kind="stable").astype(np.int64)
    return near_duplicate_roots(columns.signs, columns.bands, columns.tokens, by_content).tolist()


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
