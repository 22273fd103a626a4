"""What a child does that judges a pickle: it reads its opcodes and never loads it."""

from pathlib import Path
from typing import Any


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on the file `path`, whether it was read to its end, and the worst imports."""
    from modelaudit_picklescan import scan_file

    report = scan_file(Path(task["path"]), enrich_call_graph=False)
    dangerous = [found for found in report.findings if found.severity.value == "critical"]
    imports = {str(found.details.get("import_reference") or found.rule_code) for found in dangerous}
    return {
        "verdict": report.verdict.value,
        "is_complete": report.status.value == "complete",
        "imports": sorted(name[:100] for name in imports)[:5],
        "warnings": len(report.findings) - len(dangerous),
    }
