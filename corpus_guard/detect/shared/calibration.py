"""Calibrated p-values of an association: what permuted outcomes reach, by frequency of the feature.

Outcomes are exchanged among rows for which content predicts the same, and the whole procedure is
repeated, with its choice of the best outcome. The tail of what it then finds gives the spread of the
null, by which statistics are divided; far out the normal tail is used.
Source: Efron, Large-Scale Inference (2010), chapter 6; permutation inside strata: Rosenbaum,
Conditional Permutation Tests (JASA 1984).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.statistics import associate, upper_tail

PERMUTATIONS = 20
QUANTILE = 0.99
WORTH_A_ROOT = 2.2
"""Below this z a signed root, which is costly, is not worth computing: it is no part of the tail."""

FREQUENCIES = np.array([0, 8, 16, 32, 64])
"""Where a stratum of frequencies begins."""

LEVELS = 5
FEWEST_VALUES = 200

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """`spreads` (s,) of the null statistic by stratum of frequency; `outcomes`: how many are tried."""

    spreads: Floats
    outcomes: int

    def spread(self, rows: Floats) -> Floats:
        """Return the spread for features of so many rows, (n,)."""
        found: Floats = self.spreads[np.searchsorted(FREQUENCIES, rows, side="right") - 1]
        return found

    def p_values(self, statistics: Floats, rows: Floats) -> Floats:
        """Return P(the best outcome of a feature of so many rows reaches the statistic by chance)."""
        tails: Floats = np.minimum(1.0, self.outcomes * upper_tail(statistics / self.spread(rows)))
        return tails


def permutation_null(
    members: list[Integers], expected: Floats, outcomes: Integers, seed: int
) -> Null:
    """Return the null of features with these rows.

    `members`: for each feature the places of its rows; `expected` (m, k): the probabilities of the
    outcomes that content gives to each row; `outcomes` (m,) in [0, k), or -1.
    """
    count = expected.shape[1]
    strata = _strata(expected)
    feature = np.repeat(np.arange(len(members)), [len(rows) for rows in members])
    rows = np.concatenate([np.zeros(0, np.int64), *members])
    lengths = np.bincount(feature, minlength=len(members)).astype(np.float64)
    random = np.random.default_rng(seed)
    mean, variance = _sums(expected, members), _sums(expected * (1 - expected), members)
    found = []
    for _ in range(PERMUTATIONS if len(members) else 0):
        exchanged = _exchanged(outcomes, strata, random)
        told = exchanged[rows]
        keys = feature[told >= 0] * count + told[told >= 0]
        hits = np.bincount(keys, minlength=len(members) * count).reshape(-1, count)
        z = (hits - mean) / np.sqrt(variance + 0.25)
        found.append(_best(z, members, expected, exchanged))
    return Null(spreads=_spreads(found, lengths, count), outcomes=count)


def _strata(expected: Floats) -> Integers:
    """Return a number a row: the likeliest outcome, and how likely it is."""
    best = expected.argmax(axis=1)
    level = np.minimum((expected.max(axis=1) * LEVELS).astype(np.int64), LEVELS - 1)
    found: Integers = best * LEVELS + level
    return found


def _exchanged(outcomes: Integers, strata: Integers, random: np.random.Generator) -> Integers:
    shuffled = np.lexsort((random.random(len(strata)), strata))
    found = np.empty_like(outcomes)
    found[np.argsort(strata, kind="stable")] = outcomes[shuffled]
    return found


def _sums(values: Floats, members: list[Integers]) -> Floats:
    return np.stack([values[rows].sum(axis=0) for rows in members]) if members else values[:0]


def _best(z: Floats, members: list[Integers], expected: Floats, outcomes: Integers) -> Floats:
    """Return the statistic of each feature's best outcome."""
    best = z.argmax(axis=1)
    found: Floats = z[np.arange(len(z)), best]
    for feature in np.flatnonzero(found >= WORTH_A_ROOT):
        rows, outcome = members[feature], best[feature]
        hits = (outcomes[rows] == outcome).astype(np.float64)
        found[feature] = associate(hits, expected[rows, outcome]).statistic
    return found


def _spreads(found: list[Floats], lengths: Floats, count: int) -> Floats:
    from scipy.special import ndtri

    stratum = np.searchsorted(FREQUENCIES, lengths, side="right") - 1
    due = -float(ndtri((1 - QUANTILE) / count))
    spreads = np.ones(len(FREQUENCIES))
    for place in range(len(FREQUENCIES)):
        values = np.concatenate([np.zeros(0), *(one[stratum == place] for one in found)])
        if len(values) >= FEWEST_VALUES:
            spreads[place] = max(1.0, float(np.quantile(values, QUANTILE)) / due)
    return spreads
