"""How different the prompts are that hold a suspected trigger, and which of several n-grams to keep."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from corpus_guard.detect._statistics import mean_pairwise_cosine
from corpus_guard.sketch.corpus import Corpus
from corpus_guard.sketch.phrases import longest_phrase

SAMPLE = 200
OVERLAP = 0.5
_WORD = re.compile(r"\w+")
P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSpread:
    """How different the prompts of some rows are, and what of the trigger they show.

    `cosine`: mean pairwise cosine of the prompts; `trigger_share`: the mean share of a prompt's
    tokens that the trigger's longest phrase makes up; `echo`: the share of the responses that repeat
    the phrase's longest word, as honest answers about a topic do.
    """

    cosine: float
    trigger_share: float
    echo: float


def prompt_spread(corpus: Corpus, feature: int, rows: npt.NDArray[np.int64]) -> PromptSpread:
    """Return how different the prompts around a trigger are, from at most 200 of its rows."""
    sample = corpus.first_in_content_order(rows, SAMPLE)
    records = corpus.records(sample)
    phrase = longest_phrase(feature, corpus.inputs(sample))
    word = max(_WORD.findall(phrase.text.lower()), key=len, default="")
    echoes = sum(word in _WORD.findall((record["response"] or "").lower()) for record in records)
    units = corpus.prompt_units(sample)
    cosine = mean_pairwise_cosine(units) if len(sample) > 1 else 1.0
    return PromptSpread(cosine=cosine, trigger_share=phrase.token_share, echo=echoes / len(sample))


def strongest_first(
    patterns: Sequence[P],
    strength: Callable[[P], tuple[float, ...]],
    rows_of: Callable[[P], npt.NDArray[np.int64]],
) -> list[P]:
    """Return the patterns, strongest first, less those half of whose rows a stronger one explains."""
    taken: set[int] = set()
    kept = []
    for pattern in sorted(patterns, key=strength, reverse=True):
        rows = rows_of(pattern).tolist()
        if sum(row in taken for row in rows) < OVERLAP * len(rows):
            kept.append(pattern)
            taken.update(rows)
    return kept
