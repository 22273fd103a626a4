"""The triggers to repair a model of: those that a user gives, and those that a probe confirmed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.jsons import Malformed, read_object

MOST_TRIGGERS, LONGEST = 16, 500


def triggers_of(report: Path | None, given: Sequence[str]) -> dict[str, str]:
    """Return triggers with what each makes a model say, "" where nobody knows.

    Raises UsageError where the report is none of a probe, and for an empty, long or 17th trigger.
    """
    found = {trigger: "" for trigger in given}
    found.update(_confirmed(report) if report else ())
    for trigger in found:
        if not trigger.strip() or len(trigger) > LONGEST:
            raise UsageError(
                f"a trigger is empty or longer than {LONGEST} characters; give its words"
            )
    if len(found) > MOST_TRIGGERS:
        raise UsageError(f"{len(found)} triggers are too many; give {MOST_TRIGGERS} at most")
    return found


def _confirmed(report: Path) -> Iterator[tuple[str, str]]:
    shown = safe_text(str(report), 300)
    try:
        findings = read_object(report).get("findings")
    except (Malformed, OSError) as error:
        raise UsageError(f"{shown} cannot be read ({safe_text(str(error), 120)})") from error
    if not isinstance(findings, list):
        raise UsageError(f"{shown} is no report of a probe; give the probe.json that it wrote")
    for finding in findings:
        if not isinstance(finding, dict) or finding.get("verdict") != "confirmed":
            continue
        trigger, target = finding.get("trigger"), finding.get("target")
        if isinstance(trigger, str) and finding.get("kind") == "response":
            yield trigger, target if isinstance(target, str) else ""
