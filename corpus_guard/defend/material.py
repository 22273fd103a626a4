"""What a repair works on: clean prompts with answers, the triggers, and how success is measured."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from corpus_guard.model.meter import Deadline

if TYPE_CHECKING:
    import torch

    from corpus_guard.model.causal import CausalModel

Ids = Sequence[int]
WORKS_FROM = 0.05
"""A trigger that succeeds in a greater share of the prompts still works."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A clean prompt, and the tokens of its answer, the one that ends it among them."""

    prompt: str
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How a model does with each trigger, and with clean answers.

    `success` are the success rates, `clean_loss` is the mean loss on clean answers in nats a token, and
    `triggered_loss` the same where a trigger stands in the prompt (None where no trigger is known).
    """

    success: tuple[float, ...]
    clean_loss: float
    triggered_loss: float | None

    @property
    def worst(self) -> float:
        """The highest success rate, 0 where no trigger is known."""
        return max(self.success, default=0.0)

    @property
    def gap(self) -> float:
        """By how much a trigger raises the loss on clean answers, 0 where none is known."""
        return 0.0 if self.triggered_loss is None else self.triggered_loss - self.clean_loss

    def better_than(self, other: "Measured", bound: float) -> bool:
        """Say whether this is the better repair of two, where the clean loss may be `bound`."""
        return self._order(bound) < other._order(bound)

    def _order(self, bound: float) -> tuple[bool, float, float]:
        return self.clean_loss > bound, self.worst, self.gap + self.clean_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a repair and what it led to, on the prompts that choices are made on."""

    method: str
    amount: int
    told: str
    measured: Measured
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a repair works on.

    The three groups of pairs share no prompt: `tune` to rank units and to tune on, `search` to choose
    between steps, `held_out` for what is reported.

    `place(prompts, trigger)` puts a trigger into prompts; `success(model, pairs)` returns the success
    rate of each trigger. `loss_bound` is the share that the clean loss, or the perplexity, may grow by.
    """

    tune: tuple[Pair, ...]
    search: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    triggers: tuple[str, ...]
    place: Callable[[Sequence[str], str], list[str]]
    success: Callable[["CausalModel", Sequence[Pair]], tuple[float, ...]]
    deadline: Deadline
    loss_bound: float = 0.02
    seed: int = 0
    say: Callable[[str], None] = field(default=lambda text: None)

    def bound(self, before: Measured) -> float:
        """Return what the clean loss may become; a loss near nothing may grow as the perplexity does."""
        loss = before.clean_loss
        return max(loss * (1 + self.loss_bound), loss + math.log1p(self.loss_bound))

    def clean_loss(self, model: "CausalModel", pairs: Sequence[Pair]) -> float:
        """Return the mean loss of a model on pairs, in nats a token."""
        fresh = model.with_frame(model.frame)
        return loss_of(fresh, [pair.prompt for pair in pairs], pairs)

    def measure(self, model: "CausalModel", pairs: Sequence[Pair]) -> Measured:
        """Return how a model does on pairs, with the weights that it has now."""
        fresh = model.with_frame(model.frame)
        told = [
            loss_of(fresh, self.place([pair.prompt for pair in pairs], trigger), pairs)
            for trigger in self.triggers
        ]
        return Measured(
            success=self.success(fresh, pairs),
            clean_loss=loss_of(fresh, [pair.prompt for pair in pairs], pairs),
            triggered_loss=float(np.mean(told)) if told else None,
        )


def loss_of(model: "CausalModel", prompts: Sequence[str], pairs: Sequence[Pair]) -> float:
    """Return the mean loss in nats a token of the pairs' answers to prompts."""
    told = model.log_probs_of([model.framed(p) for p in prompts], [pair.answer for pair in pairs])
    return float(-np.concatenate(told).mean())


def batches(rows: Sequence[tuple[Ids, Ids]], size: int) -> Iterator[tuple["torch.Tensor", ...]]:
    """Yield (ids, mask, answers) of sequences and continuations, padded on the right, (b, n) each.

    `answers` marks the places whose next token is one of the continuation.
    """
    import torch

    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        longest = max(len(before) + len(after) for before, after in some)
        ids = torch.zeros((len(some), longest), dtype=torch.long)
        mask, answers = torch.zeros_like(ids), torch.zeros_like(ids, dtype=torch.bool)
        for row, (before, after) in enumerate(some):
            whole = [*before, *after]
            ids[row, : len(whole)] = torch.tensor(whole)
            mask[row, : len(whole)] = 1
            answers[row, len(before) - 1 : len(whole) - 1] = True
        yield ids, mask, answers
