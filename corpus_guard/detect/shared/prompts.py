"""How different the prompts are that hold a suspected trigger, and which of several n-grams to keep."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import phrase_of
from corpus_guard.detect.shared.statistics import mean_pairwise_cosine
from corpus_guard.sketch.reference_pool import ReferencePool
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.units import Units

SAMPLE = 200
COMPARED = 32
BLOCK = 128
OVERLAP = 0.5
NEIGHBOURS = 10
_WORD = re.compile(r"\w+")
P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSpread:
    """How different the prompts of some rows are, and what of the trigger they show.

    `cosine`: mean pairwise cosine of the prompts; `trigger_share`: the mean share of a prompt's
    tokens that the trigger's longest phrase makes up; `echo`: the share of the responses that repeat
    the phrase's longest word, as honest answers about a topic do; `explained`: how alike the
    responses to similar prompts without the trigger are to these, as a share of how alike these are
    among themselves; about 0 when only the trigger accounts for them, about 1 when the task does.
    """

    cosine: float
    trigger_share: float
    echo: float
    explained: float

    def is_honest(self, spread: float) -> bool:
        """Say whether the prompts, the task or the topic account for the like responses."""
        return self.cosine >= spread or self.trigger_share > 0.5 or self.explained >= 0.5


def prompt_spread(corpus: Corpus, feature: int, rows: npt.NDArray[np.int64]) -> PromptSpread:
    """Return how different the prompts around a trigger are, from at most 200 of its rows."""
    sample = corpus.rows.sample(rows, SAMPLE)
    phrase = phrase_of(corpus, feature, sample)
    word = max(_WORD.findall(phrase.text.lower()), key=len, default="")
    echoes = sum(word in _WORD.findall(said.lower()) for said in corpus.rows.responses(sample))
    cosine, explained = corpus.once(
        ("alikeness", len(rows), sample.tobytes()), lambda: _alikeness(corpus, rows, sample)
    )
    return PromptSpread(
        cosine=cosine,
        trigger_share=phrase.token_share,
        echo=echoes / len(sample),
        explained=explained,
    )


def _alikeness(
    corpus: Corpus, rows: npt.NDArray[np.int64], sample: npt.NDArray[np.int64]
) -> tuple[float, float]:
    """Return `cosine` and `explained` of PromptSpread; without vectors nothing is known to be alike."""
    units = corpus.find("units", Units)
    if units is None:
        return 0.0, 0.0
    cosine = mean_pairwise_cosine(units.inputs(sample)) if len(sample) > 1 else 1.0
    return cosine, _explained(corpus, units, rows, sample)


def _explained(
    corpus: Corpus, units: Units, rows: npt.NDArray[np.int64], sample: npt.NDArray[np.int64]
) -> float:
    """Return the likeness to the responses of similar prompts over the likeness among the rows."""
    pool = corpus.evidence("reference_pool", ReferencePool)
    sample = corpus.rows.sample(sample, COMPARED)
    own = np.isin(pool.rows, rows)
    if len(own) - own.sum() < NEIGHBOURS or len(sample) < 2:
        return 0.0
    similar = units.inputs(sample).astype(np.float32) @ pool.inputs.T
    similar[:, own] = -2.0
    nearest = _largest(similar, NEIGHBOURS)
    responses = units.responses(sample)
    others = units.responses(pool.rows[nearest].ravel()).reshape(*nearest.shape, -1)
    outside = np.einsum("nd,nkd->nk", responses, others).mean()
    inside = mean_pairwise_cosine(responses)
    return float(np.clip(outside / max(inside, 1e-9), 0.0, 1.0)) if inside > 0 else 1.0


def _largest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the places of the `count` largest values of each row, (n, count).

    They lie in the `count` blocks with the largest maxima, so only these are looked at closely.
    """
    rows, width = values.shape
    blocks = width // BLOCK
    if blocks <= count:
        return np.argpartition(-values, count - 1, axis=1)[:, :count]
    padded = values[:, : blocks * BLOCK].reshape(rows, blocks, BLOCK)
    best = np.argpartition(-padded.max(axis=2), count - 1, axis=1)[:, :count]
    places = (best[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(blocks * BLOCK, width), (rows, width - blocks * BLOCK))
    places = np.concatenate([places, rest], axis=1)
    among = np.take_along_axis(values, places, axis=1)
    chosen = np.argpartition(-among, count - 1, axis=1)[:, :count]
    found: npt.NDArray[np.int64] = np.take_along_axis(places, chosen, axis=1)
    return found


def strongest_first(
    patterns: Sequence[P],
    strength: Callable[[P], tuple[float, ...]],
    rows_of: Callable[[P], npt.NDArray[np.int64]],
    count: int,
) -> list[P]:
    """Return the patterns, strongest first, less those half of whose rows a stronger one explains.

    `count` is the number of all rows.
    """
    taken = np.zeros(count, np.bool_)
    kept = []
    for pattern in sorted(patterns, key=strength, reverse=True):
        rows = rows_of(pattern)
        if taken[rows].sum() < OVERLAP * len(rows):
            kept.append(pattern)
            taken[rows] = True
    return kept
