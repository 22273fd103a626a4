"""`report.json`: everything a scan found and what it rests on, for machines.

Two scans of the same data with the same options write the same report but for `timing`. Everything
outside ASCII is escaped, so that the report can be printed to a terminal as it is.
"""

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from corpus_guard import __version__
from corpus_guard.replacing import replacing
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
    with replacing(path) as part:
        part.write_text(to_text(result), encoding="ascii")


def to_text(result: ScanResult) -> str:
    """Return the report as indented JSON in printable ASCII."""
    text = json.dumps(to_json(result), ensure_ascii=True, allow_nan=False, indent=2)
    return text.replace("\x7f", "\\u007f") + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema that every report keeps to."""
    source = files("corpus_guard.report") / "schema" / f"report-{SCHEMA_VERSION}.json"
    return cast("dict[str, Any]", json.loads(source.read_text(encoding="utf-8")))


def to_json(result: ScanResult) -> dict[str, Any]:
    """Return the report as plain values, its keys in a fixed order."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "corpus-guard", "version": __version__},
        "target": {
            "name": result.target,
            "resolved_revision": result.resolved_revision,
            "sha256": result.target_sha256,
        },
        "parameters": _sorted(result.parameters),
        "seed": result.seed,
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "coverage": _coverage(result.coverage),
        "layouts": [_layout(layout) for layout in result.layouts],
        "findings": [_finding(finding) for finding in result.findings],
        "limit_of_detection": [_limit(limit) for limit in result.limit_of_detection],
        "timing": _sorted(result.timing),
    }
    return cast("dict[str, Any]", _plain(report))


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
        "turned": [_sorted(roles) for roles in found.layout.turned],
        "roles": _sorted(found.layout.roles),
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
        "evidence": _sorted(finding.evidence),
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


def _sorted(values: Mapping[str, object]) -> dict[str, object]:
    return {name: values[name] for name in sorted(values)}


def _plain(value: object) -> object:
    """Return `value` in JSON's own types.

    Numbers that JSON lacks become `"nan"` or `"inf"`; surrogates, which odd file names hold, become
    visible escapes.
    """
    if isinstance(value, Mapping):
        return {str(_plain(str(name))): _plain(item) for name, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(str(_plain(str(item))) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if hasattr(value, "item"):  # a NumPy scalar, of which float64 is also a float
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
