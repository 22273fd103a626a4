"""What a scan says in one word, and its exit code."""

from collections.abc import Sequence

from corpus_guard.types import SEVERITIES, Coverage, Finding, Severity, Verdict

FOUND, INCOMPLETE, FINE = 1, 3, 0


def verdict_of(findings: Sequence[Finding], coverage: Coverage) -> Verdict:
    """Return `poisoned` from high on, `suspicious` for medium; `clean` only if all was scanned."""
    if any(reaches(finding.severity, "high") for finding in findings):
        return "poisoned"
    if any(reaches(finding.severity, "medium") for finding in findings):
        return "suspicious"
    return "clean" if coverage.is_complete else "incomplete"


def exit_code_of(
    findings: Sequence[Finding], coverage: Coverage, fail_on: Severity, *, allow_incomplete: bool
) -> int:
    """Return 1 for a finding at or above `fail_on`, else 3 if something was not scanned, else 0.

    That a rule broke down is no gap in the data, so nothing allows it.
    """
    if any(reaches(finding.severity, fail_on) for finding in findings):
        return FOUND
    if any(run.failed for run in coverage.plugins.values()):
        return INCOMPLETE
    return FINE if coverage.is_complete or allow_incomplete else INCOMPLETE


def reaches(severity: Severity, floor: Severity) -> bool:
    """Say whether a severity is at least `floor`."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(floor)
