"""`report.json`: everything a scan found and what it rests on, for machines.

Two scans of the same data with the same options write the same report but for `timing`. Everything
outside ASCII is escaped, so that the report can be printed to a terminal as it is.
"""

from pathlib import Path
from typing import Any

from corpus_guard.report import json_text
from corpus_guard.report.json_text import ordered
from corpus_guard.types import (
    Cap,
    Context,
    Coverage,
    FileLayout,
    Finding,
    LimitOfDetection,
    ScanResult,
    Unread,
)

SCHEMA_VERSION = 1


def write(result: ScanResult, path: Path) -> None:
    """Write the report; it appears whole or not at all."""
    json_text.write(to_json(result), path)


def to_text(result: ScanResult) -> str:
    """Return the report as indented JSON in printable ASCII."""
    return json_text.printable(to_json(result))


def schema() -> dict[str, Any]:
    """Return the JSON Schema that every report keeps to."""
    return json_text.schema("report", SCHEMA_VERSION)


def to_json(result: ScanResult) -> dict[str, Any]:
    """Return the report as plain values, its keys in a fixed order."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "tool": json_text.tool(),
        "target": {
            "name": result.target,
            "resolved_revision": result.resolved_revision,
            "sha256": result.target_sha256,
        },
        "parameters": ordered(result.parameters),
        "seed": result.seed,
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "coverage": _coverage(result.coverage),
        "layouts": [_layout(layout) for layout in result.layouts],
        "findings": [_finding(finding) for finding in result.findings],
        "limit_of_detection": [_limit(limit) for limit in result.limit_of_detection],
        "timing": ordered(result.timing),
    }
    return json_text.plain(report)


def _coverage(coverage: Coverage) -> dict[str, object]:
    runs = sorted(coverage.plugins.items())
    return {
        "files": coverage.files,
        "bytes": coverage.bytes_total,
        "bytes_scanned": coverage.bytes_scanned,
        "records_total": coverage.records_total,
        "records_scanned": coverage.records_scanned,
        "records_partial": coverage.records_partial,
        "records_skipped": coverage.records_skipped,
        "skipped_total": coverage.skipped_total,
        "skipped": [_skipped(unread) for unread in coverage.skipped],
        "passed_over": list(coverage.passed_over),
        "plugins": {
            name: {"ran": run.ran, "reason": run.reason, "failed": run.failed, "gap": run.gap}
            for name, run in runs
        },
        "rows_with": dict(coverage.rows_with),
        "caps": [_cap(cap) for cap in coverage.caps],
    }


def _cap(cap: Cap) -> dict[str, object]:
    return {
        "plugin": cap.plugin,
        "what": cap.what,
        "limit": cap.limit,
        "left_out": cap.left_out,
    }


def _skipped(unread: Unread) -> dict[str, object]:
    return {
        "file": unread.file,
        "kind": unread.kind,
        "record": unread.row if unread.row >= 0 else None,
        "byte_offset": unread.byte_offset if unread.byte_offset >= 0 else None,
        "bytes": unread.size_bytes,
        "reason": unread.reason,
    }


def _layout(found: FileLayout) -> dict[str, object]:
    return {
        "files": found.files,
        "example": found.example,
        "format": found.format,
        "encoding": found.encoding,
        "kind": found.layout.kind,
        "name": found.layout.name or found.layout.kind,
        "also": list(found.also),
        "forms": list(found.forms),
        "turned": [ordered(roles) for roles in found.layout.turned],
        "roles": ordered(found.layout.roles),
        "winner": found.layout.winner or None,
        "other_fields": list(found.other_fields),
        "other_fields_total": found.other_fields_total,
        "told_by": found.told_by,
    }


def _finding(finding: Finding) -> dict[str, object]:
    trigger, target = finding.trigger, finding.target
    return {
        "id": finding.id,
        "rule": finding.rule,
        "severity": finding.severity,
        "score": finding.score,
        "q_value": finding.q_value,
        "title": finding.title,
        "message": finding.message,
        "attack": finding.attack,
        "trigger": {"kind": trigger.kind, "text": trigger.text} if trigger else None,
        "target": {"field": target.field, "value": target.value} if target else None,
        "rows_affected": len(finding.rows),
        "flagged": len(finding.rows_flagged),
        "rows_sample": [{"file": place.file, "row": place.row} for place in finding.rows_sample],
        "contexts": [_context(context) for context in finding.contexts],
        "evidence": ordered(finding.evidence),
        "advice": finding.advice,
    }


def _context(context: Context) -> dict[str, object]:
    return {
        "file": context.file,
        "row": context.row,
        "before": context.before,
        "match": context.match,
        "after": context.after,
    }


def _limit(limit: LimitOfDetection) -> dict[str, object]:
    return {
        "attack": limit.attack,
        "poison_rate": limit.poison_rate,
        "rows": limit.rows,
        "power": limit.power,
    }
