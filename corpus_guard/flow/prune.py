"""`corpus-guard prune`: open → clean answers → measure → repair → measure → write a new folder."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus_guard.defend.material import WORKS_FROM, Material, Pair
from corpus_guard.defend.repair import Method, Repaired, repair
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.clean_pairs import own_pairs, pairs_from
from corpus_guard.flow.confirmed_triggers import triggers_of
from corpus_guard.flow.opening_models import Opened, device_of, open_causal, take_in_all
from corpus_guard.flow.repair_success import Attack, SuccessRates, attack_of
from corpus_guard.flow.repaired_folder import checked_out, round_to_stored, write_folder
from corpus_guard.model.meter import Budget, Meter
from corpus_guard.probe.shared.placing import turns

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel

SEARCHED, HELD_OUT = 20, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """Everything that a repair is told.

    `triggers` are given ones, `report` a probe.json with more. `context` "" is the model's chat
    template, or none.
    """

    out: Path
    data: str | None = None
    base: str | None = None
    adapter: str | None = None
    report: Path | None = None
    triggers: tuple[str, ...] = ()
    method: Method = "auto"
    context: str = ""
    device: str = "auto"
    budget_s: float = 600.0
    loss_bound: float = 0.02
    seed: int = 0


def run_prune(
    target: str, options: PruneOptions, say: Callable[[str], None] = lambda text: None
) -> Repaired:
    """Repair a model and write it to a new folder, with `prune.json`; return what was done.

    Raises UsageError for a wrong argument, for a model that cannot be repaired, and for triggers none of
    which works on it; then nothing is written.
    """
    started = time.perf_counter()
    out = checked_out(options.out, [target, options.base, options.adapter])
    wanted = triggers_of(options.report, options.triggers)
    device = device_of(options.device)
    budget, meter = Budget.on(device, options.budget_s), Meter()
    say("loading the model")
    given = take_in_all(target, options.base, options.adapter)
    opened = open_causal(given, meter, context=options.context, device=device)
    say("collecting clean answers")
    groups = _groups(_pairs(opened.model, options, list(wanted)))
    say("measuring what the triggers do")
    attacks = _attacks(opened, groups["search"], wanted)
    material = Material(
        **groups,
        triggers=tuple(attack.trigger for attack in attacks),
        place=turns,
        success=SuccessRates(attacks, opened.base),
        deadline=budget.until(1.0),
        loss_bound=options.loss_bound,
        seed=options.seed,
        say=say,
    )
    before = material.measure(opened.model, material.held_out)
    if attacks and before.worst <= WORKS_FROM:
        raise UsageError(_nothing_to_repair(target, wanted))
    steps = repair(opened.model, material, options.method)
    round_to_stored(opened)
    after = material.measure(opened.model, material.held_out)
    repaired = Repaired(
        model=target,
        digest=opened.files.digest,
        base=options.base,
        adapter=options.adapter,
        architecture=opened.files.architecture,
        method=options.method,
        triggers=material.triggers,
        targets=tuple(attack.target for attack in attacks),
        before=before,
        after=after,
        steps=tuple(steps),
        pairs={name: len(pairs) for name, pairs in groups.items()},
        data=options.data or "",
        loss_bound=options.loss_bound,
        parameters=_parameters(options),
        seed=options.seed,
        out=out,
        forward_passes=meter.passes,
        forward_tokens=meter.tokens,
        timing={"total": round(time.perf_counter() - started, 3)},
    )
    write_folder(opened, repaired)
    return repaired


def _pairs(model: "CausalModel", options: PruneOptions, triggers: Sequence[str]) -> list[Pair]:
    if options.data:
        return pairs_from(options.data, model, triggers, options.seed)
    return own_pairs(model, triggers, options.seed)


def _groups(pairs: Sequence[Pair]) -> dict[str, tuple[Pair, ...]]:
    """Return the pairs in three groups that share no prompt; of few, a third each is measured on."""
    held, searched = min(HELD_OUT, len(pairs) // 3), min(SEARCHED, len(pairs) // 3)
    return {
        "held_out": tuple(pairs[:held]),
        "search": tuple(pairs[held : held + searched]),
        "tune": tuple(pairs[held + searched :]),
    }


def _attacks(opened: Opened, pairs: Sequence[Pair], wanted: dict[str, str]) -> tuple[Attack, ...]:
    prompts = [pair.prompt for pair in pairs]
    return tuple(
        attack_of(opened.model, opened.base, prompts, trigger, target)
        for trigger, target in wanted.items()
    )


def _nothing_to_repair(target: str, wanted: dict[str, str]) -> str:
    shown = ", ".join(f'"{safe_text(trigger, 80)}"' for trigger in list(wanted)[:4])
    return (
        f"{shown} changes nothing in {safe_text(target, 200)} on held-out prompts, so there is nothing "
        "to repair; check the trigger with corpus-guard probe, or give --data with prompts like those"
    )


def _parameters(options: PruneOptions) -> dict[str, object]:
    """Return the options that a result depends on."""
    flat = asdict(options)
    for name in ("out", "seed", "base", "adapter", "device"):
        flat.pop(name)
    report = str(options.report) if options.report else None
    return {**flat, "report": report, "context": options.context or "auto"}
