from dataclasses import replace

import pytest

from corpus_guard.fuse.verdict import exit_code_of, reaches, verdict_of
from corpus_guard.types import SEVERITIES, Coverage, Finding, PluginRun, ScanResult, Severity


@pytest.fixture
def complete(clean: ScanResult) -> Coverage:
    return clean.coverage


@pytest.fixture
def partial(incomplete: ScanResult) -> Coverage:
    return incomplete.coverage


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [
        ("critical", "poisoned"), ("high", "poisoned"), ("medium", "suspicious"),
        ("low", "clean"), ("info", "clean"),
    ],
)  # fmt: skip
def test_the_worst_finding_decides_the_verdict(
    finding: Finding, complete: Coverage, severity: Severity, verdict: str
) -> None:
    assert verdict_of([replace(finding, severity=severity)], complete) == verdict


def test_only_a_complete_scan_is_clean(partial: Coverage) -> None:
    assert verdict_of([], partial) == "incomplete"


def test_a_finding_beats_what_was_not_scanned(finding: Finding, partial: Coverage) -> None:
    assert verdict_of([finding], partial) == "poisoned"
    assert exit_code_of([finding], partial, "high", allow_incomplete=False) == 1


@pytest.mark.parametrize("floor", SEVERITIES[:-1])
def test_a_finding_at_the_floor_fails(
    finding: Finding, complete: Coverage, floor: Severity
) -> None:
    given = [replace(finding, severity=floor)]
    assert exit_code_of(given, complete, floor, allow_incomplete=False) == 1


def test_a_finding_below_the_floor_passes(finding: Finding, complete: Coverage) -> None:
    given = [replace(finding, severity="medium")]
    assert exit_code_of(given, complete, "high", allow_incomplete=False) == 0


@pytest.mark.parametrize(("allowed", "code"), [(False, 3), (True, 0)])
def test_an_incomplete_scan_passes_only_if_allowed(
    partial: Coverage, allowed: bool, code: int
) -> None:
    assert exit_code_of([], partial, "high", allow_incomplete=allowed) == code


@pytest.mark.parametrize(
    ("run", "allowed", "code"),
    [
        (PluginRun(ran=False, reason="no row has a label"), False, 0),
        (PluginRun(ran=False, reason="too many labels", gap=True), False, 3),
        (PluginRun(ran=False, reason="too many labels", gap=True), True, 0),
        (PluginRun(ran=False, reason="broke down", failed=True), True, 3),
    ],
)
def test_a_rule_that_did_not_run_is_a_gap_only_where_there_is_something_to_assess(
    complete: Coverage, run: PluginRun, allowed: bool, code: int
) -> None:
    given = replace(complete, plugins={"label_triggers": run})
    assert exit_code_of([], given, "high", allow_incomplete=allowed) == code
    is_gap = run.gap or run.failed
    assert verdict_of([], given) == ("incomplete" if is_gap else "clean")


def test_severities_are_ordered() -> None:
    assert [reaches(severity, "medium") for severity in SEVERITIES] == [
        True, True, True, False, False,
    ]  # fmt: skip
