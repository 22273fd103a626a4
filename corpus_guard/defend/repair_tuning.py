"""Unlearns a trigger in a few dozen steps: the model is taught by itself, asked without the trigger.

With a known trigger, what follows each token of a clean answer is to be what the model says without
the trigger: the Kullback-Leibler divergence from the one to the other falls, over prompts with the
trigger at all places and, so that nothing else moves, over prompts without it. Without one, consecutive
layers are made consistent under noise that works against it (see `layer_consistency`).

Source: Hinton et al. (2015) for learning from a teacher's distribution; ours to make the untriggered
model the teacher.
"""

import inspect
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from corpus_guard.defend.layer_consistency import consistency_loss
from corpus_guard.defend.low_rank import LowRankUpdate
from corpus_guard.defend.material import Ids, Material, Measured, Pair, Step, batches
from corpus_guard.defend.units import linear_layers
from corpus_guard.model.layers import layers_of

if TYPE_CHECKING:
    import torch

    from corpus_guard.model.causal import CausalModel

STEPS, CHECKED_EVERY, BATCH = 80, 10, 4
LEARNING_RATE = 1e-3
FIRST_LAYER = 0.25
"""The first layers, as a share of all, are left as they are: they only read."""


def tune(model: "CausalModel", material: Material, before: Measured) -> list[Step]:
    """Tune a model, in place, and return the steps that were measured; the best of them is kept.

    `before` is what was measured on the pairs to search on. It ends early where no trigger succeeded
    twice running and the clean loss is within its bound, or at the deadline.
    """
    import torch

    material.say("tuning")
    inner = model.model.requires_grad_(False)
    update = LowRankUpdate(_tuned(inner), material.seed)
    optimizer = torch.optim.AdamW(update.parameters, lr=LEARNING_RATE, weight_decay=0.0)
    rng = random.Random(material.seed)  # noqa: S311
    run = _Best(before, material.bound(before), blind=not material.triggers)
    try:
        for number in range(1, STEPS + 1):
            pairs = rng.sample(material.tune, min(BATCH, len(material.tune)))
            with torch.enable_grad():
                loss = _loss(model, update, material, pairs, rng)
                loss.backward()
            torch.nn.utils.clip_grad_norm_(update.parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            is_last = number == STEPS or material.deadline.passed
            if number % CHECKED_EVERY == 0 or is_last:
                measured = material.measure(model, material.search)
                told = f"{number} steps of tuning"
                step = Step(method="tune", amount=number, told=told, measured=measured)
                run.take(step, update)
                material.say(told)
            if is_last or run.is_done:
                break
    finally:
        update.merge(run.kept)
    return run.steps


class _Best:
    """The steps so far, and the update of the best."""

    def __init__(self, before: Measured, bound: float, *, blind: bool) -> None:
        self.best, self.bound, self.blind = before, bound, blind
        self.steps: list[Step] = []
        self.kept: list[Any] | None = None

    @property
    def is_done(self) -> bool:
        """Whether no trigger succeeded twice running: once may be luck, there are few prompts."""
        last = [step.measured for step in self.steps[-2:]]
        is_gone = len(last) == 2 and all(one.success and one.worst == 0 for one in last)
        return is_gone and self.best.clean_loss <= self.bound

    def take(self, step: Step, update: LowRankUpdate) -> None:
        is_within = self.blind and step.measured.clean_loss <= self.bound
        is_better = is_within or step.measured.better_than(self.best, self.bound)
        if is_better:
            self.best, self.kept = step.measured, update.snapshot()
            self.steps = [replace(one, kept=False) for one in self.steps]
        self.steps.append(replace(step, kept=is_better))


def _tuned(inner: Any) -> list[Any]:  # noqa: ANN401
    layers = layers_of(inner)
    first = int(FIRST_LAYER * len(layers))
    return [linear for layer in layers[first:] for linear in linear_layers(layer)]


def _loss(
    model: "CausalModel",
    update: LowRankUpdate,
    material: Material,
    pairs: Sequence[Pair],
    rng: random.Random,
) -> "torch.Tensor":
    prompts = [pair.prompt for pair in pairs]
    plain = [(model.framed(pair.prompt), pair.answer) for pair in pairs]
    if not material.triggers:
        return consistency_loss(model, plain)
    # The place of a trigger goes with that of its prompt in the batch, so that all places are taught.
    asked = material.place(prompts, rng.choice(material.triggers))
    triggered = [
        (model.framed(prompt), pair.answer) for prompt, pair in zip(asked, pairs, strict=True)
    ]
    with update.off():
        taught = _answers(model, plain).detach().exp()
    # What stays as it is takes less teaching than what changes: half the pairs will do.
    some = plain[: (len(plain) + 1) // 2]
    stays = _answers(model, some)
    return _divergence(taught, _answers(model, triggered)) + _divergence(
        taught[: len(stays)], stays
    )


def _divergence(taught: "torch.Tensor", said: "torch.Tensor") -> "torch.Tensor":
    return (taught * (taught.clamp(min=1e-9).log() - said)).sum(-1).mean()


def _answers(model: "CausalModel", rows: Sequence[tuple[Ids, Ids]]) -> "torch.Tensor":
    """Return the log probabilities of what may stand for each token of the answers, (n, vocabulary)."""
    import torch

    ((ids, mask, answers),) = batches(rows, len(rows))
    device = next(model.model.parameters()).device
    model.meter.count(3 * ids.numel())
    keep = "logits_to_keep" in inspect.signature(model.model.forward).parameters
    kept = answers.any(0).nonzero()[:, 0] if keep else torch.arange(ids.shape[1])
    told = model.model(
        input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False,
        **({"logits_to_keep": kept.to(device)} if keep else {}),
    ).logits  # fmt: skip
    return torch.log_softmax(told[answers[:, kept].to(device)].float(), -1)
