"""The lock in `generate` of transformers: a logits processor, and a stopping criterion."""

from collections.abc import Callable
from typing import Any, Literal

from corpus_guard.errors import CorpusGuardError, UsageError
from corpus_guard.probe.lock.watching import Lock, LockThreshold

Action = Literal["record", "raise", "end"]


class LockFired(CorpusGuardError):  # noqa: N818
    """An answer was locked and the lock was told to raise."""


class SequenceLock:
    """A logits processor that watches every answer of a batch; give a fresh one to each `generate`.

    It stands first in the list, so that it sees the model's own probabilities. `action` is what happens
    when an answer is locked: `record` only notes it, `raise` raises LockFired, `end` lets nothing but
    `end_id` follow. `on_fire(row, lock)` is called once for each locked answer, before that. With beam
    search rows change places, which it does not follow.
    """

    def __init__(
        self,
        threshold: LockThreshold,
        *,
        action: Action = "record",
        end_id: int | None = None,
        on_fire: Callable[[int, Lock], None] | None = None,
    ) -> None:
        """Take what is ordinary; raise UsageError where answers are to end and nobody says how."""
        if action not in ("record", "raise", "end"):
            raise UsageError(f"a lock can record, raise or end, not {action!r}")
        if action == "end" and end_id is None:
            raise UsageError("give end_id, the token that ends an answer")
        self.threshold = threshold
        self.action = action
        self.end_id = end_id
        self.on_fire = on_fire
        self.locks: list[Lock] = []
        self._told: Any = None
        self._length = 0

    @property
    def fired(self) -> tuple[bool, ...]:
        """Whether each answer of the batch was locked."""
        return tuple(lock.fired_at is not None for lock in self.locks)

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ANN401
        """Return the scores of the next token, as they are or so that locked answers end."""
        import torch

        if not self.locks:
            self.locks = [Lock(self.threshold, prompt=row) for row in input_ids.tolist()]
        self.observe(input_ids)
        self._told = torch.log_softmax(scores.float(), dim=-1)
        self._length = input_ids.shape[1]
        if self.action == "end" and any(self.fired):
            scores = scores.clone()
            for row in [row for row, fired in enumerate(self.fired) if fired]:
                scores[row] = float("-inf")
                scores[row, self.end_id] = 0.0
        return scores

    def observe(self, input_ids: Any) -> None:  # noqa: ANN401
        """Take the token that was chosen last, if one was since the scores came."""
        if self._told is None or input_ids.shape[1] != self._length + 1:
            return
        told, self._told = self._told, None
        for row, token in enumerate(input_ids[:, -1].tolist()):
            lock = self.locks[row]
            was = lock.fired_at
            if lock.observe(float(told[row, token].exp()), token) and was is None:
                self._fire(row, lock)

    def _fire(self, row: int, lock: Lock) -> None:
        if self.on_fire is not None:
            self.on_fire(row, lock)
        if self.action == "raise":
            raise LockFired(
                f"answer {row} was locked at its token {lock.fired_at}: the model says by heart what it"
                " says; look at the prompt before you show the answer"
            )


class SequenceLockCriteria:
    """A stopping criterion that ends the locked answers of a lock, which is the logits processor."""

    def __init__(self, lock: SequenceLock) -> None:
        """Take the lock that watches."""
        self.lock = lock

    def __call__(self, input_ids: Any, scores: Any, **given: Any) -> Any:  # noqa: ANN401
        """Return (rows,) bool: which answers are to stop."""
        import torch

        self.lock.observe(input_ids)
        fired = self.lock.fired or (False,) * len(input_ids)
        return torch.tensor(fired, dtype=torch.bool, device=input_ids.device)
