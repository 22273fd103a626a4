"""Merge findings of several detectors on the same rows into one incident, and rank them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from corpus_guard.types import SEVERITIES, Finding

SHARED = 0.5
"""A weaker trigger finding half of whose rows a stronger one explains is the same incident."""

TRIGGER_FAMILY = "CG2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One account of some rows: the finding that speaks for it, and all that it is made of."""

    finding: Finding
    parts: tuple[Finding, ...]


def incidents(findings: Iterable[Finding]) -> tuple[Incident, ...]:
    """Return the findings, worst first; trigger findings on the same rows become one.

    The strongest of them speaks for it: it names the rules that agree with it in
    `evidence["confirmed_by"]`, and its rows and flags are those of all.
    """
    kept: list[list[Finding]] = []
    for finding in sorted(findings, key=_rank):
        owner = _owner(finding, kept)
        if owner is None:
            kept.append([finding])
        else:
            owner.append(finding)
    merged = [Incident(finding=_united(parts), parts=tuple(parts)) for parts in kept]
    return tuple(sorted(merged, key=lambda incident: _rank(incident.finding)))


def _rank(finding: Finding) -> tuple[int, float, str]:
    return SEVERITIES.index(finding.severity), -finding.score, finding.id


def _owner(finding: Finding, kept: list[list[Finding]]) -> list[Finding] | None:
    if not finding.rule.startswith(TRIGGER_FAMILY) or not finding.rows:
        return None
    for parts in kept:
        stronger = parts[0]
        if not stronger.rule.startswith(TRIGGER_FAMILY):
            continue
        if finding.rows.shared_with(stronger.rows) >= SHARED * len(finding.rows):
            return parts
    return None


def _united(parts: list[Finding]) -> Finding:
    first, others = parts[0], parts[1:]
    if not others:
        return first
    rows, flagged = first.rows, first.rows_flagged
    for other in others:
        rows, flagged = rows | other.rows, flagged | other.rows_flagged
    rules = sorted({other.rule for other in others} - {first.rule})
    confirmed = {"confirmed_by": ", ".join(rules)} if rules else {}
    evidence = {**first.evidence, **confirmed}
    return replace(first, rows=rows, rows_flagged=flagged, evidence=evidence)
