"""What a probe costs, and when it has cost enough."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Meter:
    """Counts what models were asked: passes (calls), and the tokens in them."""

    passes: int = 0
    tokens: int = 0

    def count(self, tokens: int) -> None:
        """Add one pass over so many tokens."""
        self.passes += 1
        self.tokens += tokens


@dataclass(slots=True)
class Budget:
    """So many seconds of processor time, all threads together, from when it is made.

    On an accelerator, where the processor waits, wall-clock time is what is spent.
    """

    seconds: float
    clock: Callable[[], float] = time.process_time
    spent_before: float = 0.0
    _started: float = field(init=False)

    @classmethod
    def on(cls, device: str, seconds: float) -> "Budget":
        """Return a budget of the time that counts on a device."""
        return cls(seconds, time.process_time if device == "cpu" else time.monotonic)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._started = self.clock()

    @property
    def spent(self) -> float:
        """The seconds spent."""
        return self.spent_before + self.clock() - self._started

    @property
    def left(self) -> float:
        """The seconds left, at least 0."""
        return max(0.0, self.seconds - self.spent)

    def until(self, share: float) -> "Deadline":
        """Return when a share in [0, 1] of what is left now will be spent."""
        return Deadline(budget=self, at=self.spent + share * self.left)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of a budget that one piece of work keeps to."""

    budget: Budget
    at: float

    @property
    def passed(self) -> bool:
        """Whether the work has to end."""
        return self.budget.spent >= self.at
