"""The lock itself: probabilities in, an alarm out."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from corpus_guard.errors import UsageError

COPIED = 4
"""A token counts as copied where it ends so many tokens that stood in this order before."""

BY_HEART = 0.98
"""The share of tokens that are sure in an answer that was learnt by heart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockThreshold:
    """What is ordinary for one model, and from where on an answer is not.

    A token is sure with a probability of at least `sure`; `ordinary_share` of ordinary tokens are. An
    answer is locked when the sum of log likelihood ratios reaches `limit` nats. `tokens` were measured.
    """

    sure: float
    ordinary_share: float
    limit: float
    tokens: int

    def __post_init__(self) -> None:
        """Raise UsageError for values that no calibration gives."""
        shares = (self.sure, self.ordinary_share)
        if not all(0.0 < share < 1.0 for share in shares) or self.ordinary_share >= BY_HEART:
            raise UsageError(
                f"a lock needs shares between 0 and 1, of ordinary tokens below {BY_HEART}"
            )
        if not (math.isfinite(self.limit) and self.limit > 0):
            raise UsageError("a lock needs a limit above 0")

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LockThreshold":
        """Return what `to_json` wrote; raise UsageError for anything else."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise UsageError("this is no threshold of a sequence lock; calibrate again") from error

    def gain(self, probability: float) -> float:
        """Return what one token adds to the sum; a probability that is no number adds nothing."""
        if math.isnan(probability):
            return 0.0
        if probability >= self.sure:
            return math.log(BY_HEART / self.ordinary_share)
        return math.log((1 - BY_HEART) / (1 - self.ordinary_share))


@dataclass(slots=True)
class Lock:
    """Watches one answer. `prompt` are the token ids that it answers, as far as they are known."""

    threshold: LockThreshold
    prompt: Sequence[int] = ()
    score: float = 0.0
    highest: float = 0.0
    seen: int = 0
    counted: int = 0
    fired_at: int | None = None
    _last: list[int] = field(default_factory=list)
    _known: set[tuple[int, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Note the prompt."""
        for token in self.prompt:
            self._is_copied(int(token))
        self._last.clear()

    def observe(self, probability: float, token: int | None = None) -> bool:
        """Take the next token's probability, and its id if known; say whether the answer is locked.

        Once locked it stays so. `fired_at` is then the place of the token, from 0.
        """
        copied = token is not None and self._is_copied(int(token))
        if not copied:
            self.score = max(0.0, self.score + self.threshold.gain(probability))
            self.highest = max(self.highest, self.score)
            self.counted += 1
        if self.fired_at is None and self.score >= self.threshold.limit:
            self.fired_at = self.seen
        self.seen += 1
        return self.fired_at is not None

    def _is_copied(self, token: int) -> bool:
        """Say whether a token ends a known row of tokens, and note the row."""
        self._last = [*self._last[-(COPIED - 1) :], token]
        row = tuple(self._last)
        if len(row) < COPIED:
            return False
        known = row in self._known
        self._known.add(row)
        return known
