"""Log likelihood ratios whose honest side is what this very data set shows.

What is usual differs from set to set: where words honestly decide labels, a strong association says
little. So a candidate is compared with the others of its own scan.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FREEDOM = 8.0
"""Degrees of freedom of the t distributions: their heavy tails keep an odd value from deciding alone."""

FEWEST = 8
"""A population of fewer values is joined with what is usual elsewhere."""

TAIL = 20
LEAST_SLOPE, LEAST_RELATIVE_SLOPE = 0.25, 0.15
"""A tail of few values may look shorter than it is: it is taken to fall by a factor e over no less than
this, and over no less than this share of where it begins."""


class Population(NamedTuple):
    """Where values of one kind lie, and how widely."""

    middle: float
    deviation: float


def population(values: Floats, usual: Population, least_deviation: float) -> Population:
    """Return the population of some values, by median and median absolute deviation.

    The fewer there are, the more of `usual`, what was seen in other data sets, is mixed in.
    """
    if not len(values):
        return usual
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    own = len(values) / (len(values) + FEWEST)
    return Population(
        own * middle + (1 - own) * usual.middle,
        max(least_deviation, own * spread + (1 - own) * usual.deviation),
    )


def log_density(value: float, of: Population) -> float:
    """Return the log density of a t distribution, but for a constant."""
    away = (value - of.middle) / of.deviation
    return float(-np.log(of.deviation) - (FREEDOM + 1) / 2 * np.log1p(away * away / FREEDOM))


def log_expected_above(value: float, others: Floats) -> float:
    """Return the log of how many honest values as large as this one are to be expected, by the others.

    The tail of the others is taken as exponential above the largest TAIL of them; its slope comes from
    the median, so that a handful of triggers among them does not flatten it.
    Source: Hill (Annals of Statistics 1975) for the idea, with the median in place of the mean.
    """
    ranked = np.sort(others)[::-1]
    count = min(TAIL, len(ranked) // 2)
    if count < 1:
        return -max(0.0, value) / LEAST_SLOPE
    level = float(ranked[count])
    slope = max(
        LEAST_SLOPE,
        LEAST_RELATIVE_SLOPE * level,
        float(np.median(ranked[:count] - level)) / np.log(2),
    )
    if value <= level:
        return float(np.log(1 + (others >= value).sum()))
    return float(np.log(count) - (value - level) / slope)
