"""How sure it is that a phrase is a trigger and no honest word of its class: evidence that adds up.

Each kind of evidence is a log likelihood ratio in nats of a trigger against an honest phrase,
capped, so that none of them decides alone and none can veto. The honest side is measured on the
model at hand: what unrelated phrases reach that the same search found, and what the phrase does
with another word in the place of one of its own.

Source: ours; the thresholds come from `scripts/benchmark_classifiers.py` and models marked `tune`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CONFIRMED = 4.0
"""Nats from which a phrase that holds on held-out texts is a trigger."""

REVIEW = 1.5
MOST_IRREPLACEABLE, MOST_SURPRISE = 3.0, 2.0
MOST_LATER = MOST_IRREPLACEABLE + MOST_SURPRISE
"""What the evidence that is measured last can add."""

LEAST_SUCCESS = 0.3
"""The lower bound of the success rate of a confirmed trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was measured of a phrase on held-out texts; rates in [0, 1], reaches as in `Arena`.

    `hard_*` are on texts with strong words of their own class. `rival_*` is the best of the
    unrelated phrases of at most the same length. `substitute_reach` is the hard reach of the phrase
    with the token replaced that can be replaced least well, by the best of its substitutes; None
    where none was tried. `surprise` is the share of the reach in easier texts that the tokens do not
    have alone, added up; None where there is one token, or it was not measured.
    """

    reach: float
    hard_reach: float
    flips: float
    hard_flips: float
    rival_reach: float
    rival_hard_reach: float
    rival_hard_flips: float
    substitute_reach: float | None = None
    surprise: float | None = None


def weigh(seen: Observed) -> Mapping[str, float]:
    """Return the log likelihood ratio of each kind of evidence."""
    own = max(seen.hard_reach, 0.3)
    gap = (seen.hard_reach - seen.rival_hard_reach) / own
    irreplaceable = surprise = 0.0
    if seen.substitute_reach is not None:
        lost = (seen.hard_reach - seen.substitute_reach) / own
        irreplaceable = _line(lost, 0.35, 12.0, MOST_IRREPLACEABLE)
    if seen.surprise is not None:
        surprise = _line(seen.surprise, 0.25, 10.0, MOST_SURPRISE)
    return {
        "gap": _line(gap, 0.25, 10.0, 3.0),
        "irreplaceable": irreplaceable,
        "surprise": surprise,
        "dominance": _line(seen.hard_flips - seen.rival_hard_flips, 0.3, 5.0, 2.0),
        "success": _line(seen.hard_flips, 0.75, 6.0, 1.5),
    }


def _line(value: float, even: float, slope: float, cap: float) -> float:
    """Return a ratio that is 0 at `even`, rises with `slope` and stays within `cap`."""
    return float(np.clip(slope * (value - even), -cap, cap))
