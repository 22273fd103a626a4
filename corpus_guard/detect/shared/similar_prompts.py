"""What honest data would answer to some prompts, from what similar prompts are answered.

A prompt is looked at without the feature that is tested. Its neighbours are the most similar prompts
that do not hold the feature, and those before it that do: a topic, a template or a copy predicts its own
answers. How far a neighbour is to be believed is measured on the data itself: at each likeness, how
often two prompts share an answer beyond chance.
Source: ours; prequential judgement as in Dawid (JRSS A 1984).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.statistics import mean_pairwise_cosine
from corpus_guard.sketch.reference_pool import ReferencePool, largest

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NEIGHBOURS = 8
GRADES = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
"""Borders of the grades of likeness, cosines."""

PAIRS_BEFORE = 20.0
"""How many pairs what is thought before is worth."""

SHARES = np.array([0.2, 0.5, 0.8])
CALIBRATED_BEFORE = 4.0
HIGHEST = 0.97

SPREAD, SMALLEST_SPREAD, LARGEST_SPREAD = 0.6, 0.25, 1.0
"""By how much honest n-grams move the log odds of an answer: before the data tells, and bounds."""

SPREAD_BEFORE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, or a kind of answers that count as the same.

    `given` (m,) bool says which rows of the reference pool are answered so; `alike` (q, k) bool,
    whether a row of the pool and its neighbour share an answer of this kind, whichever.
    """

    given: Flags
    alike: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Which of the first `rows` of the pool hold some n-grams, chosen by hash: (t,) pairs.

    `groups` are the n-grams' numbers, `places` those of the rows.
    """

    groups: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """What similar prompts say about some rows, all (n,).

    `expected`, the probability of the answer were the data honest; `is_own`, whether a row's nearest
    neighbour holds the feature as well, `own_share` how often that is by chance; `fit`, the share of
    its outside neighbours whose response fits their prompt less than its own does; `neighbours` (n, k)
    places in the pool. `followed` is the share of pairs of answered rows of which a response is nearer
    to its own prompt than to the other; `inside` and `outside`, the mean cosine of the responses of
    answered rows with one another and with those of their neighbours; `spread` is by how much honest
    n-grams move the log odds of the answer, a standard deviation.
    """

    expected: Floats
    is_own: Flags
    own_share: float
    fit: Floats
    neighbours: npt.NDArray[np.int64]
    followed: float
    inside: float
    outside: float
    spread: float


def similar_prompts(
    pool: ReferencePool,
    rests: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    hits: Flags,
    inputs: npt.NDArray[np.float32],
    responses: npt.NDArray[np.float32],
    held: npt.NDArray[np.int64],
    answer: Answer,
    base: float,
    mingled: int,
    background: Background,
) -> Similar:
    """Return what similar prompts say about `rows`, in the order in which they are to be judged.

    `rests` (n, d) are the centred unit vectors of their inputs without the feature, `inputs` and
    `responses` (n, d) those of input and response, `held` all rows with the feature (sorted), `base` the
    share of the answer among all others. `is_own` is told of the first `mingled` rows, and among them.
    """
    inside = pool.holds(held)
    outside, given = int((~inside).sum()), answer.given
    similar = rests @ pool.inputs.T
    similar[:, inside] = -2.0
    places = largest(similar, min(NEIGHBOURS, outside))
    near = np.take_along_axis(similar, places, axis=1).astype(np.float64)
    own = (rests @ rests.T).astype(np.float64)
    np.fill_diagonal(own, -2.0)
    believed = _belief(pool, inside, answer.alike)
    before = np.where(np.tri(len(rests), k=-1, dtype=np.bool_), own, -2.0)
    likeness = np.concatenate([near, before], axis=1)
    told = np.concatenate([given[places], np.broadcast_to(hits, own.shape)], axis=1)
    best = np.argsort(-likeness, axis=1, kind="stable")[:, :NEIGHBOURS]
    likeness, told = (np.take_along_axis(of, best, axis=1) for of in (likeness, told))
    usual = _Usual.of(pool, inside, given, believed, base)
    expected = usual.expected(believed, likeness, told)
    pooled = pool.places[rows[:mingled]] >= 0
    nearest = np.where(pooled[None, :], own[:mingled, :mingled], -2.0).max(axis=1, initial=-2.0)
    chance = (pooled.sum() - 1) / max(1.0, outside + pooled.sum() - 1.0)
    return Similar(
        expected=expected,
        is_own=nearest > near[:mingled].max(axis=1, initial=-2.0),
        own_share=float(np.clip(chance, 0.0, 1.0)),
        fit=(pool.fits[places] < np.einsum("nd,nd->n", inputs, responses)[:, None]).mean(axis=1),
        neighbours=places,
        followed=_followed(rests[hits], responses[hits]),
        inside=mean_pairwise_cosine(responses[hits].astype(np.float64)) if hits.sum() > 1 else 1.0,
        outside=float(responses[hits].mean(axis=0) @ _mean(pool.responses[places[hits]])),
        spread=usual.spread(background),
    )


def _mean(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = vectors.reshape(-1, vectors.shape[-1]).mean(axis=0)
    return found


def _followed(rests: npt.NDArray[np.float32], responses: npt.NDArray[np.float32]) -> float:
    """Return the share of pairs of which a response is nearer to its own prompt; ties count half."""
    count = len(rests)
    if count < 2:
        return 0.5
    fits = responses @ rests.T
    own = np.diag(fits)[:, None]
    nearer = (fits < own - 1e-6).sum() + 0.5 * ((np.abs(fits - own) <= 1e-6).sum() - count)
    return float(nearer / (count * (count - 1)))


def _belief(pool: ReferencePool, inside: Flags, alike: Flags) -> Floats:
    """Return, for each grade of likeness, how often neighbours share an answer beyond chance."""
    grade = np.searchsorted(GRADES, pool.likeness)
    used = ~inside[: len(pool.near), None] & ~inside[pool.near]
    pairs = np.bincount(grade[used], minlength=len(GRADES) + 1)
    shared = np.bincount(grade[used], weights=alike[used], minlength=len(GRADES) + 1)
    middle = np.append(GRADES - 0.05, 0.99)
    thought: Floats = np.clip(middle, 0, 1) ** 8
    believed = (shared + PAIRS_BEFORE * thought) / (pairs + PAIRS_BEFORE)
    found: Floats = np.maximum.accumulate(np.clip(believed, 0.0, HIGHEST))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usual:
    """What the first rows of the pool tell that do not hold the feature, (o,) of `places`.

    `grades` (o,): by what share of their neighbours have the answer; `given` (o,) whether they have it.
    """

    places: npt.NDArray[np.int64]
    grades: npt.NDArray[np.int64]
    given: Flags
    base: float

    @classmethod
    def of(
        cls, pool: ReferencePool, inside: Flags, given: Flags, believed: Floats, base: float
    ) -> "_Usual":
        others = np.flatnonzero(~inside[: len(pool.near)])
        near = pool.near[others]
        likeness = np.where(inside[near], -2.0, pool.likeness[others])
        share, _ = _shares(believed, likeness, given[near])
        grades = np.searchsorted(SHARES, share)
        return cls(places=others, grades=grades, given=given[others], base=base)

    def expected(self, believed: Floats, likeness: Floats, told: Flags) -> Floats:
        """Return the probability of the answer for prompts with such neighbours, (n,)."""
        share, belief = _shares(believed, likeness, told)
        generic = (1 - belief) * self.base + belief * share
        count, answered = self._counts()
        here = np.searchsorted(SHARES, share)
        calibrated = answered[here] + CALIBRATED_BEFORE * generic
        calibrated /= count[here] + CALIBRATED_BEFORE
        found: Floats = np.clip(np.maximum(generic, calibrated), 1e-7, HIGHEST)
        return found

    def spread(self, background: Background) -> float:
        """Return by how much honest n-grams move the log odds, by their squared surprise."""
        count, answered = self._counts()
        share = ((answered + self.base) / (count + 1))[self.grades]
        surprise, variance = np.zeros(background.rows), np.zeros(background.rows)
        surprise[self.places] = self.given - share
        variance[self.places] = share * (1 - share)
        size = int(background.groups.max(initial=-1)) + 1
        moved, chance = (
            np.bincount(background.groups, of[background.places], size)
            for of in (surprise, variance)
        )
        excess = float((moved**2 - chance).sum()) + SPREAD_BEFORE * SPREAD**2
        square = excess / (float((chance**2).sum()) + SPREAD_BEFORE)
        return float(np.sqrt(np.clip(square, SMALLEST_SPREAD**2, LARGEST_SPREAD**2)))

    def _counts(self) -> tuple[Floats, Floats]:
        count = np.bincount(self.grades, minlength=len(SHARES) + 1).astype(np.float64)
        given = self.given.astype(np.float64)
        return count, np.bincount(self.grades, given, len(SHARES) + 1).astype(np.float64)


def _shares(believed: Floats, likeness: Floats, told: Flags) -> tuple[Floats, Floats]:
    """Return the share of neighbours with the answer, each weighed by belief, and the largest belief."""
    weights = believed[np.searchsorted(GRADES, likeness)] * (likeness > 0)
    total = weights.sum(axis=1)
    share: Floats = (weights * told).sum(axis=1) / np.maximum(total, 1e-9)
    return share, weights.max(axis=1, initial=0.0)
