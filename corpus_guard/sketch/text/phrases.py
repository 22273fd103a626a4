"""From an n-gram's hash back to words: where it stands, and the longest phrase that goes with it."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.rows.batch import Texts, texts_of

AGREEMENT = 0.9
LONGEST_PHRASE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A phrase and where it stands in each of some texts, as character ranges (None: nowhere).

    `at_start` and `at_end` say that it is bound to the beginning or the end of the texts.
    """

    text: str
    at_start: bool
    at_end: bool
    places: tuple[tuple[int, int] | None, ...]
    token_share: float

    @property
    def described(self) -> str:
        """The phrase with its binding, as shown to people."""
        return f"{'^ ' if self.at_start else ''}{self.text}{' $' if self.at_end else ''}".strip()


def longest_phrase(feature: int, inputs: list[str]) -> Phrase:
    """Return the phrase around an n-gram on which at least 90 % of the given texts agree.

    The n-gram is extended to the left and to the right, a token at a time, as long as the texts
    that hold it agree on the next token. `token_share` is the phrase's mean share of a text's tokens.
    """
    texts = texts_of(pa.array(inputs, pa.string()))
    spans = [_find(texts, index, feature) for index in range(len(texts))]
    held = [index for index, span in enumerate(spans) if span is not None]
    if not held:
        return Phrase(
            text="", at_start=False, at_end=False, places=(None,) * len(inputs), token_share=0.0
        )
    left = _extend(texts, spans, held, -1)
    right = _extend(texts, spans, held, +1)
    ranges = {index: _grow(texts, index, spans[index], left, right) for index in held}
    wordings = Counter(_words(texts, span) for span in ranges.values())
    shares = [
        (span[1] - span[0]) / max(1, texts.tokens.bounds[i + 1] - texts.tokens.bounds[i])
        for i, span in ranges.items()
    ]
    starts = sum(span[0] <= texts.tokens.bounds[i] for i, span in ranges.items())
    ends = sum(span[1] >= texts.tokens.bounds[i + 1] for i, span in ranges.items())
    return Phrase(
        text=min(wordings, key=lambda words: (-wordings[words], words)),
        at_start=starts >= AGREEMENT * len(held),
        at_end=ends >= AGREEMENT * len(held),
        places=tuple(
            _characters(texts, i, ranges[i], inputs[i]) if i in ranges else None
            for i in range(len(inputs))
        ),
        token_share=float(np.mean(shares)),
    )


def _find(texts: Texts, index: int, feature: int) -> tuple[int, int] | None:
    """Return the token range [first, last) of the n-gram's first place in a text."""
    hashes, bounds = texts.tokens.hashes, texts.tokens.bounds
    first, last = int(bounds[index]), int(bounds[index + 1])
    found = kernels.find_ngram(hashes, first, last, np.uint64(feature))
    if found[1] == 0:
        return None
    return max(first, found[0]), min(last, found[0] + found[1])


def _extend(texts: Texts, spans: list[tuple[int, int] | None], held: list[int], step: int) -> int:
    """Return by how many tokens the spans can grow to one side with the texts agreeing."""
    grown = 0
    while grown < LONGEST_PHRASE:
        following: Counter[int] = Counter()
        for index in held:
            span = spans[index]
            if span is None:
                continue
            place = span[1] + grown if step > 0 else span[0] - 1 - grown
            if texts.tokens.bounds[index] <= place < texts.tokens.bounds[index + 1]:
                following[int(texts.tokens.hashes[place])] += 1
        if not following or following.most_common(1)[0][1] < AGREEMENT * len(held):
            break
        grown += 1
    return grown


def _grow(
    texts: Texts, index: int, span: tuple[int, int] | None, left: int, right: int
) -> tuple[int, int]:
    first, last = span or (0, 0)
    bounds = texts.tokens.bounds
    return max(int(bounds[index]), first - left), min(int(bounds[index + 1]), last + right)


def _bytes(texts: Texts, span: tuple[int, int]) -> tuple[int, int]:
    if span[0] >= span[1]:
        return 0, 0
    return int(texts.tokens.starts[span[0]]), int(texts.tokens.ends[span[1] - 1])


def _words(texts: Texts, span: tuple[int, int]) -> str:
    first, last = _bytes(texts, span)
    return texts.data[first:last].tobytes().decode("utf-8", "replace")


def _characters(texts: Texts, index: int, span: tuple[int, int], text: str) -> tuple[int, int]:
    first, last = _bytes(texts, span)
    base = int(texts.offsets[index])
    raw = text.encode("utf-8", "replace")
    before = len(raw[: max(0, first - base)].decode("utf-8", "replace"))
    return before, before + len(
        raw[max(0, first - base) : max(0, last - base)].decode("utf-8", "replace")
    )
