"""`probe.json`: everything a probe found and what it rests on, for machines.

Two probes of the same model with the same options write the same report but for `timing`, where the
seconds of the stages stand too. Everything outside ASCII is escaped, so that the report can be printed
to a terminal as it is.
"""

from pathlib import Path
from typing import Any

from corpus_guard.probe_types import (
    FileFinding,
    LearnedFinding,
    ProbeResult,
    RecoveredTarget,
    SideBySide,
    StageRun,
    TriggerFinding,
)
from corpus_guard.report import json_text
from corpus_guard.report.json_text import ordered

SCHEMA_VERSION = 1


def write(result: ProbeResult, path: Path) -> None:
    """Write the report; it appears whole or not at all."""
    json_text.write(to_json(result), path)


def to_text(result: ProbeResult) -> str:
    """Return the report as indented JSON in printable ASCII."""
    return json_text.printable(to_json(result))


def schema() -> dict[str, Any]:
    """Return the JSON Schema that every report of a probe keeps to."""
    return json_text.schema("probe", SCHEMA_VERSION)


def to_json(result: ProbeResult) -> dict[str, Any]:
    """Return the report as plain values, its keys in a fixed order."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "tool": json_text.tool(),
        "model": result.model,
        "base": result.base,
        "adapter": result.adapter,
        "kind": result.kind,
        "architecture": result.architecture,
        "parameters": ordered(result.parameters),
        "seed": result.seed,
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "score": result.score,
        "coverage": {
            "contexts": list(result.contexts),
            "stages": [_stage(stage) for stage in result.stages],
        },
        "findings": [_finding(finding) for finding in result.findings],
        "files": [_file(finding) for finding in result.files],
        "targets": [_target(target) for target in result.targets],
        "learned": [_learned(learned) for learned in result.learned],
        "candidates_tested": result.candidates_tested,
        "forward_passes": result.forward_passes,
        "forward_tokens": result.forward_tokens,
        "timing": _timing(result),
    }
    return json_text.plain(report)


def _stage(stage: StageRun) -> dict[str, object]:
    return {
        "name": stage.name,
        "ran": stage.ran,
        "complete": stage.complete,
        "told": stage.told,
        "forward_tokens": stage.forward_tokens,
    }


def _timing(result: ProbeResult) -> dict[str, object]:
    """Return seconds by name; those that the stages measured themselves where nobody else did."""
    measured = {stage.name: stage.seconds for stage in result.stages if stage.ran}
    return ordered(measured | dict(result.timing))


def _finding(finding: TriggerFinding) -> dict[str, object]:
    return {
        "trigger": finding.trigger,
        "kind": finding.kind,
        "verdict": finding.verdict,
        "source": finding.source,
        "target": finding.target,
        "attack_success_rate": finding.attack_success_rate,
        "success_at_least": finding.success_at_least,
        "baseline_rate": finding.baseline_rate,
        "base_rate": finding.base_rate,
        "prompts": finding.prompts,
        "p_value": finding.p_value,
        "q_value": finding.q_value,
        "decoys": finding.decoys,
        "why": finding.why,
        "examples": [_example(example) for example in finding.examples],
        "evidence": ordered(finding.evidence),
        "data_finding": finding.data_finding or None,
        "replay": finding.replay,
    }


def _example(example: SideBySide) -> dict[str, object]:
    return {
        "prompt": example.prompt,
        "prompt_with_trigger": example.prompt_with_trigger,
        "without": example.without,
        "with_trigger": example.with_trigger,
        "base_with_trigger": example.base_with_trigger,
    }


def _file(finding: FileFinding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "title": finding.title,
        "message": finding.message,
        "file": finding.file,
        "advice": finding.advice,
        "evidence": ordered(finding.evidence),
    }


def _target(target: RecoveredTarget) -> dict[str, object]:
    return {
        "text": target.text,
        "place": target.place,
        "confidence": target.confidence,
        "base_confidence": target.base_confidence,
        "q": target.q,
        "base_q": target.base_q,
    }


def _learned(learned: LearnedFinding) -> dict[str, object]:
    return {
        "finding": learned.finding,
        "rule": learned.rule,
        "trigger": learned.trigger,
        "target": learned.target,
        "state": learned.state,
        "attack_success_rate": learned.attack_success_rate,
        "baseline_rate": learned.baseline_rate,
        "told": learned.told,
    }
