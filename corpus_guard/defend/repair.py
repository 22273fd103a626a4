"""The repair of a model: silence what carries a trigger, or unlearn it, and say what that led to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from corpus_guard.defend.fine_pruning import prune
from corpus_guard.defend.material import WORKS_FROM, Material, Measured, Step
from corpus_guard.defend.repair_tuning import tune
from corpus_guard.defend.units import sites_of

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel

Method = Literal["auto", "prune", "tune"]
METHODS: tuple[Method, ...] = ("auto", "prune", "tune")
PRUNING_SHARE = 0.4
"""How much of the budget `auto` gives to pruning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What a repair did, and how the model does before and after on prompts that were held out.

    `targets` are what the triggers make the model say, "" where that is no fixed text. `exit_code` is 0
    where no trigger works any more, 1 where one does, 3 where none is known. `pairs` counts the clean
    answers by what they were used for; `data` is where they come from, "" for the model's own.
    """

    model: str
    digest: str
    base: str | None
    adapter: str | None
    architecture: str
    method: Method
    triggers: tuple[str, ...]
    targets: tuple[str, ...]
    before: Measured
    after: Measured
    steps: tuple[Step, ...]
    pairs: Mapping[str, int]
    data: str
    loss_bound: float
    parameters: Mapping[str, object]
    seed: int
    out: Path
    forward_passes: int
    forward_tokens: int
    timing: Mapping[str, float] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        if not self.triggers:
            return 3
        return int(self.after.worst > WORKS_FROM)


def repair(model: "CausalModel", material: Material, method: Method) -> list[Step]:
    """Repair a model, in place; return the steps in order, the kept ones marked.

    `auto` silences units first, keeps that only where it leaves no trigger that works, and tunes
    otherwise. Where no trigger is known it does both.
    """
    before = material.measure(model, material.search)
    steps: list[Step] = []
    if method == "prune" or (method == "auto" and sites_of(model.model)):
        first = material
        if method == "auto":
            deadline = material.deadline.budget.until(PRUNING_SHARE)
            first = replace(material, deadline=deadline)
        steps = prune(model, first, before, all_or_nothing=method == "auto")
    is_done = bool(material.triggers) and any(step.kept for step in steps)
    if method == "prune" or (method == "auto" and is_done):
        return steps
    return [*steps, *tune(model, material, before)]
