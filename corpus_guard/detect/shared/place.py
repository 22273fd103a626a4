"""Does a phrase belong where it stands, or was it put there?

A word of the language chooses its neighbours, and taking it out leaves a broken sentence. What was
inserted has at its sides words that are neighbours without it, and no neighbours of its own. The score
of a phrase is the mean, over its places, of log P(left, right | inserted there) - log P(left, right |
the phrase's own neighbours), in nats; the second from its other places. What is put at the beginning
or at the end of texts is judged by the side that is left.
Source: ours; the probabilities of neighbours are backed off as in MacKay and Peto, A Hierarchical
Dirichlet Language Model (Natural Language Engineering 1995).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.weighing import Population, log_density
from corpus_guard.sketch.adjacency import BACKING, Adjacency
from corpus_guard.sketch.kernels.ngrams import END, START
from corpus_guard.sketch.text.words import Words

Hashes = npt.NDArray[np.uint64]
Side = Literal["anywhere", "start", "end"]

BOUND = 0.9
"""From which share of the places on a phrase counts as bound to the start or the end."""

ALWAYS = 0.7
SPECIFIC = 0.5
"""What stands with an n-gram in 70 % of its rows, but in the share .5 or less of that elsewhere, goes
with it: a word of a trigger may have honest rows too, and a full stop stands everywhere."""

USUAL_PLACE = Population(-4.0, 2.0)
"""The scores of words that decide something in honest data sets."""

LEAST_DEVIATION = 0.25
SIZES = np.array([2, 4, 8, 16, 32, 64, 128, 256])
DECOYS = 24
LONGEST_PHRASE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How a phrase stands: its score, over how many places, and where."""

    score: float
    places: int
    side: Side


@dataclass(frozen=True)
class Insertions:
    """What scores phrases get that were put at random places of these texts, by number of places."""

    adjacency: Adjacency
    seed: int

    @cached_property
    def _scores(self) -> dict[Side, npt.NDArray[np.float64]]:
        """Mean and deviation by size, (2, sizes), for each side."""
        found: dict[Side, npt.NDArray[np.float64]] = {}
        for side in ("anywhere", "start", "end"):
            pairs = _decoys(self.adjacency, side)
            random = np.random.default_rng(self.seed)
            scores = np.zeros((2, len(SIZES)))
            for column, size in enumerate(SIZES):
                drawn = [
                    score_of(self.adjacency, pairs[random.integers(0, len(pairs), size)], own=1.0)
                    for _ in range(DECOYS)
                ]
                told = [place.score for place in drawn]
                scores[:, column] = np.mean(told), np.std(told)
            found[side] = scores
        return found

    def expected(self, place: Place) -> tuple[float, float]:
        """Return mean and deviation of the scores of as many insertions at the same side."""
        if not len(self.adjacency.gaps):
            return 0.0, 1.0
        size = np.log(np.clip(place.places, SIZES[0], SIZES[-1]))
        mean, deviation = self._scores[place.side]
        return (
            float(np.interp(size, np.log(SIZES), mean)),
            float(np.interp(size, np.log(SIZES), deviation)),
        )


def _decoys(adjacency: Adjacency, side: Side) -> Hashes:
    if side == "anywhere":
        return adjacency.gaps
    if side == "start":
        return np.stack([np.full(len(adjacency.first), START), adjacency.first], axis=1)
    return np.stack([adjacency.last, np.full(len(adjacency.last), END)], axis=1)


def score_of(adjacency: Adjacency, pairs: Hashes, own: float = 0.0) -> Place:
    """Return the score of a phrase with these words left and right of its places, (n, 2).

    `own` occurrences of each pair in the counts are of the place itself.
    """
    left, right = pairs[:, 0], pairs[:, 1]
    at_start, at_end = (left == START).mean(), (right == END).mean()
    if at_start >= BOUND:
        side: Side = "start"
        inserted = adjacency.log_follows(left, right, own)
        belongs = _log_own(adjacency, right)
    elif at_end >= BOUND:
        side = "end"
        inserted = adjacency.log_precedes(left, right, own)
        belongs = _log_own(adjacency, left)
    else:
        side = "anywhere"
        inserted = np.log(adjacency.frequency(left)) + adjacency.log_follows(left, right, own)
        belongs = _log_own(adjacency, left) + _log_own(adjacency, right)
    return Place(score=float((inserted - belongs).mean()), places=len(pairs), side=side)


def _log_own(adjacency: Adjacency, words: Hashes) -> npt.NDArray[np.float64]:
    """Return log P of each word given the others at the same side."""
    _, inverse, counts = np.unique(words, return_inverse=True, return_counts=True)
    others = counts[inverse] - 1
    found: npt.NDArray[np.float64] = np.log(
        (others + BACKING * adjacency.frequency(words)) / (len(words) - 1 + BACKING)
    )
    return found


def log_ratio(
    place: Place | None, insertions: Insertions, honest: Population = USUAL_PLACE
) -> float:
    """Return the log likelihood ratio of a score, inserted against honest; 0 where there is none."""
    if place is None:
        return 0.0
    mean, deviation = insertions.expected(place)
    inserted = Population(mean, max(LEAST_DEVIATION, deviation))
    # What fits even better than an insertion does speaks for one just as much.
    score = min(place.score, mean)
    return log_density(score, inserted) - log_density(score, honest)


def companions_of(words: Words, feature: int, adjacency: Adjacency) -> Hashes:
    """Return the words of an n-gram and those that nearly always go with it, and seldom without it."""
    names, shares = words.shares()
    usual = adjacency.share_of_texts(names)
    own, tokens = words.places(feature), words.texts.tokens
    core = np.zeros(0, np.uint64)
    for text in np.flatnonzero(own[:, 1] > own[:, 0])[:1]:
        first, last = own[text] + tokens.bounds[text]
        core = tokens.hashes[first:last]
    found: Hashes = np.union1d(names[(shares >= ALWAYS) & (usual <= SPECIFIC * shares)], core)
    return found


def place_of(adjacency: Adjacency, words: Words, feature: int, companions: Hashes) -> Place | None:
    """Return how an n-gram stands in texts that hold it; None where it stands in fewer than two.

    Words that go with it everywhere belong to the phrase, as far as they stand next to it: those that
    are `companions`, and, where that makes it look more inserted, any on which the texts agree.
    """
    spans = words.places(feature)
    held = spans[:, 1] > spans[:, 0]
    if held.sum() < 2:
        return None
    tokens, starts = words.texts.tokens, words.texts.tokens.bounds[:-1][held]
    first, last = starts + spans[held, 0], starts + spans[held, 1]
    lowest, highest = starts, words.texts.tokens.bounds[1:][held]
    is_companion = np.isin(tokens.hashes, companions)
    first, last = _grown(is_companion, first, last, lowest, highest)
    agreed = _agreed(tokens.hashes, first, last, lowest, highest)
    best: Place | None = None
    for left in {0, agreed[0]}:
        for right in {0, agreed[1]}:
            ends = np.maximum(first - left, lowest), np.minimum(last + right, highest)
            told = score_of(adjacency, _neighbours(tokens.hashes, *ends, lowest, highest))
            if best is None or told.score > best.score:
                best = told
    return best


def _grown(
    belongs: npt.NDArray[np.bool_],
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    lowest: npt.NDArray[np.int64],
    highest: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the spans grown over the words next to them that belong to them."""
    first, last = first.copy(), last.copy()
    padded = np.append(belongs, False)
    for _ in range(LONGEST_PHRASE):
        left = (first > lowest) & padded[first - 1]
        right = (last < highest) & padded[last]
        if not (left.any() or right.any()):
            break
        first, last = first - left, last + right
    return first, last


def _agreed(
    hashes: Hashes,
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    lowest: npt.NDArray[np.int64],
    highest: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Return by how many words to each side nearly all texts agree."""
    grown = [0, 0]
    for side in (0, 1):
        while grown[side] < LONGEST_PHRASE:
            at = last + grown[1] if side else first - 1 - grown[0]
            inside = (at >= lowest) & (at < highest)
            _, counts = np.unique(hashes[at[inside]], return_counts=True)
            if counts.max(initial=0) < BOUND * len(first):
                break
            grown[side] += 1
    return grown[0], grown[1]


def _neighbours(
    hashes: Hashes,
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    lowest: npt.NDArray[np.int64],
    highest: npt.NDArray[np.int64],
) -> Hashes:
    padded = np.append(hashes, END)
    left = np.where(first > lowest, padded[np.maximum(first - 1, 0)], START)
    right = np.where(last < highest, padded[last], END)
    return np.stack([left, right], axis=1)
