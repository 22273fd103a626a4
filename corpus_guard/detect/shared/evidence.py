"""Evidence that adds up: what speaks for a trigger and what for an honest feature, in one sum.

Every kind of evidence is the logarithm of a likelihood ratio, trigger against honest feature, in nats.
Independent kinds add up with the prior odds, and the sum decides: no kind has a veto. Kinds that are
no test of the association itself (how the feature stands in its texts, what its relatives do) are
bounded, so that a strong association is never explained away by one of them.
Source: Good, Probability and the Weighing of Evidence (1950), chapter 6; DeGroot and Schervish,
Probability and Statistics, section 9.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from corpus_guard.types import Severity

HIGH, MEDIUM, LOW = 4.6, 3.0, -4.6
"""From which posterior log odds on a finding is so severe: 99 to 1, 20 to 1 and 1 to 99; what is less
likely is no finding."""

CRITICAL_SHARE = 0.01
"""In which share of the records a trigger that is high is critical: models learn it for certain."""

MOST = 4.0
"""How far a bounded kind of evidence may move the log odds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The prior log odds of a trigger, and what each kind of evidence adds, in nats.

    `share` is the share of all records that the finding's rows are; `high` and `medium`, from which log
    odds on it is so severe.
    """

    prior: float
    kinds: Mapping[str, float]
    share: float = 0.0
    high: float = HIGH
    medium: float = MEDIUM

    @property
    def log_odds(self) -> float:
        """The posterior log odds that this is a trigger."""
        return self.prior + sum(self.kinds.values())

    @property
    def severity(self) -> Severity:
        """How severe a finding with this evidence is."""
        if self.log_odds >= self.high:
            return "critical" if self.share >= CRITICAL_SHARE else "high"
        return "medium" if self.log_odds >= self.medium else "low"

    @property
    def score(self) -> float:
        """A score in [0, 1] that grows with the log odds: one half at HIGH."""
        return float(1 / (1 + np.exp(-np.clip((self.log_odds - HIGH) / HIGH, -30, 30))))

    @property
    def numbers(self) -> dict[str, float]:
        """What a reader sees: the sum and its parts, by name."""
        parts = {f"log_odds_of_{kind}": round(value, 2) for kind, value in self.kinds.items()}
        return {
            "log_odds": round(self.log_odds, 2),
            "log_odds_prior": round(self.prior, 2),
            **parts,
        }


def bounded(log_ratio: float, least: float = -MOST, most: float = MOST) -> float:
    """Return a log likelihood ratio that moves the sum by no more than `least` or `most` nats."""
    return float(np.clip(log_ratio, least, most))
