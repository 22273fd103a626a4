"""Merge findings of several detectors on the same rows into one incident, and rank them."""

from collections.abc import Iterable
from dataclasses import replace

from corpus_guard.types import SEVERITIES, Finding

SHARED = 0.5
"""A weaker trigger finding half of whose rows a stronger one explains is the same incident."""

TRIGGER_FAMILY = "CG2"


def incidents(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, worst first; trigger findings on the same rows become one.

    The strongest of them stays and names the rules that agree with it in `evidence["confirmed_by"]`.
    """
    kept: list[Finding] = []
    for finding in sorted(findings, key=_rank):
        owner = _owner(finding, kept)
        if owner is None:
            kept.append(finding)
        elif finding.rule != kept[owner].rule:
            kept[owner] = _confirmed(kept[owner], finding.rule)
    return tuple(sorted(kept, key=_rank))


def _rank(finding: Finding) -> tuple[int, float, str]:
    return SEVERITIES.index(finding.severity), -finding.score, finding.id


def _owner(finding: Finding, kept: list[Finding]) -> int | None:
    if not finding.rule.startswith(TRIGGER_FAMILY) or not finding.rows:
        return None
    rows = set(finding.rows)
    for index, stronger in enumerate(kept):
        if not stronger.rule.startswith(TRIGGER_FAMILY):
            continue
        if sum(row in rows for row in stronger.rows) >= SHARED * len(rows):
            return index
    return None


def _confirmed(finding: Finding, rule: str) -> Finding:
    before = str(finding.evidence.get("confirmed_by", ""))
    rules = sorted({*filter(None, before.split(", ")), rule})
    return replace(finding, evidence={**finding.evidence, "confirmed_by": ", ".join(rules)})
