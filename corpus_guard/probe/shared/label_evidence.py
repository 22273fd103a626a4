"""How sure it is that a phrase is a trigger and no honest word of its class: evidence that adds up.

Each kind of evidence is a log likelihood ratio in nats of a trigger against an honest phrase,
capped, so that none of them decides alone and none can veto. The honest side is measured on the
model at hand: what unrelated phrases of the same search reach, and what the neighbours of the
phrase do.

Source: ours; the thresholds come from `scripts/benchmark_classifiers.py` and models marked `tune`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CONFIRMED = 4.0
"""Nats from which a phrase that holds on held-out texts is a trigger."""

REVIEW = 1.5
LEAST_SUCCESS = 0.6
"""The lower bound of the success rate of a confirmed trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was measured of a phrase on held-out texts; rates in [0, 1], reaches as in `Arena`.

    `hard_*` are on texts with strong words of their own class. `rival_*` is the best of the
    unrelated phrases of at most the same length; `tail` is how far it stands above the middle one
    of those. `relatives_reach` is the mean hard reach of the phrase with its words replaced by
    their neighbours, `without_one_reach` the mean reach of a phrase of three tokens or more with
    one of them left out, 0 for a shorter one.
    """

    reach: float
    hard_reach: float
    flips: float
    hard_flips: float
    rival_reach: float
    rival_hard_reach: float
    rival_flips: float
    rival_hard_flips: float
    tail: float
    relatives_reach: float
    without_one_reach: float = 0.0


def weigh(seen: Observed) -> Mapping[str, float]:
    """Return the log likelihood ratio of each kind of evidence."""
    gap = (seen.hard_reach - seen.rival_hard_reach) / max(seen.hard_reach, 0.3)
    spacing = (seen.hard_reach - seen.rival_hard_reach) / max(seen.tail, 0.05)
    kin = np.clip(seen.relatives_reach, 0.0, None) / max(seen.hard_reach, 0.3)
    rest = seen.without_one_reach / max(seen.reach, 0.3)
    return {
        "gap": _line(gap, 0.2, 10.0, 3.0),
        "spacing": _line(spacing, 1.5, 1.0, 2.0),
        "relatives": max(-4.0, min(2.0, 8.0 * (0.4 - float(kin)))),
        "dominance": _line(seen.hard_flips - seen.rival_hard_flips, 0.3, 5.0, 2.0),
        "indispensable": max(-4.0, min(0.0, 8.0 * (0.6 - rest))),
        "success": _line(seen.hard_flips, 0.75, 6.0, 1.5),
    }


def _line(value: float, even: float, slope: float, cap: float) -> float:
    """Return a ratio that is 0 at `even`, rises with `slope` and stays within `cap`."""
    return float(np.clip(slope * (value - even), -cap, cap))
