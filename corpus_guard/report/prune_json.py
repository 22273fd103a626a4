"""`prune.json`: what a repair did to a model and what it led to, for machines.

Two repairs of the same model with the same options write the same report but for `timing`, unless the
budget ends one. Everything outside ASCII is escaped.
"""

from pathlib import Path
from typing import Any

from corpus_guard.defend.material import Measured, Step
from corpus_guard.defend.repair import Repaired
from corpus_guard.report import json_text
from corpus_guard.report.json_text import ordered

SCHEMA_VERSION = 1
OUTCOMES = {0: "repaired", 1: "not repaired", 3: "not measured"}


def write(repaired: Repaired, path: Path) -> None:
    """Write the report; it appears whole or not at all."""
    json_text.write(to_json(repaired), path)


def to_text(repaired: Repaired) -> str:
    """Return the report as indented JSON in printable ASCII."""
    return json_text.printable(to_json(repaired))


def schema() -> dict[str, Any]:
    """Return the JSON Schema that every report of a repair keeps to."""
    return json_text.schema("prune", SCHEMA_VERSION)


def to_json(repaired: Repaired) -> dict[str, Any]:
    """Return the report as plain values, its keys in a fixed order."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "tool": json_text.tool(),
        "model": repaired.model,
        "model_sha256": repaired.digest,
        "base": repaired.base,
        "adapter": repaired.adapter,
        "architecture": repaired.architecture,
        "parameters": ordered(repaired.parameters),
        "seed": repaired.seed,
        "outcome": OUTCOMES[repaired.exit_code],
        "exit_code": repaired.exit_code,
        "clean_loss_bound": repaired.loss_bound,
        "data": repaired.data or None,
        "pairs": ordered(repaired.pairs),
        "triggers": _triggers(repaired),
        "before": _measured(repaired.before),
        "after": _measured(repaired.after),
        "steps": [_step(step) for step in repaired.steps],
        "forward_passes": repaired.forward_passes,
        "forward_tokens": repaired.forward_tokens,
        "timing": ordered(repaired.timing),
    }
    return json_text.plain(report)


def _triggers(repaired: Repaired) -> list[dict[str, object]]:
    rates = zip(repaired.before.success, repaired.after.success, strict=True)
    return [
        {
            "trigger": trigger,
            "target": target,
            "attack_success_rate_before": before,
            "attack_success_rate_after": after,
        }
        for trigger, target, (before, after) in zip(
            repaired.triggers, repaired.targets, rates, strict=True
        )
    ]


def _measured(measured: Measured) -> dict[str, object]:
    known = bool(measured.success)
    return {
        "attack_success_rate": measured.worst if known else None,
        "clean_loss": measured.clean_loss,
        "loss_with_trigger": measured.triggered_loss,
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "method": step.method,
        "amount": step.amount,
        "told": step.told,
        "kept": step.kept,
        **_measured(step.measured),
    }
