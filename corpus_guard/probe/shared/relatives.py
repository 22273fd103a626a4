"""Words that mean nearly the same: where they do what a candidate does, it works by its meaning."""

from collections.abc import Sequence

import numpy as np

from corpus_guard.sketch.rows.batch import texts_of
from corpus_guard.sketch.text.embedder import StaticEmbedder

NEAR = 0.35
"""Words less alike than this (cosine) are no relatives."""


def relatives_of(text: str, words: Sequence[str], count: int = 6) -> list[str]:
    """Return up to `count` texts in which every word of `text` is replaced by a near one of `words`.

    Empty where a word has no neighbours, as one that spells nothing.
    """
    import pyarrow as pa

    own = text.lower().split()
    if not own or not words or not set(own) <= set(words):
        return []
    vectors = StaticEmbedder().embed(texts_of(pa.array([*words, *own])))
    known, asked = vectors[: len(words)], vectors[len(words) :]
    near = [
        _neighbours(word, words, known @ vector, count)
        for word, vector in zip(own, asked, strict=True)
    ]
    if not all(near):
        return []
    made = [" ".join(options[i % len(options)] for options in near) for i in range(count)]
    return list(dict.fromkeys(made))


def _neighbours(
    word: str,
    words: Sequence[str],
    cosines: "np.ndarray[tuple[int], np.dtype[np.float32]]",
    count: int,
) -> list[str]:
    """Return the nearest words that are no forms of the same one."""
    found: list[str] = []
    for place in np.argsort(-cosines, kind="stable")[: 8 * count]:
        other = words[place]
        if cosines[place] < NEAR or len(found) == count:
            break
        if other[:4] != word[:4] and other not in word and word not in other:
            found.append(other)
    return found
