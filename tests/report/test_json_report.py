import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from corpus_guard.report import json_report
from corpus_guard.types import Finding, ScanResult

VALIDATOR = Draft202012Validator(json_report.schema())


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_report.schema())


@pytest.mark.parametrize("name", ["poisoned", "clean", "incomplete"])
def test_reports_keep_to_the_schema(name: str, request: pytest.FixtureRequest) -> None:
    VALIDATOR.validate(json.loads(json_report.to_text(request.getfixturevalue(name))))


def test_the_schema_refuses_unknown_keys(poisoned: ScanResult) -> None:
    report = json_report.to_json(poisoned)
    report["findings"][0]["surprise"] = 1
    assert not VALIDATOR.is_valid(report)


def test_keys_stand_in_the_order_of_the_contract(poisoned: ScanResult) -> None:
    report = json_report.to_json(poisoned)
    assert list(report) == [
        "schema_version",
        "tool",
        "target",
        "parameters",
        "seed",
        "verdict",
        "exit_code",
        "coverage",
        "layouts",
        "findings",
        "limit_of_detection",
        "timing",
    ]
    assert report["findings"][0]["rows_affected"] == 24
    assert report["findings"][0]["flagged"] == 24


def test_unknown_places_are_null(incomplete: ScanResult) -> None:
    lost = replace(incomplete.coverage.skipped[0], kind="file", row=-1, byte_offset=-1)
    coverage = replace(incomplete.coverage, skipped=(lost,))
    report = json_report.to_json(replace(incomplete, coverage=coverage))
    (told,) = report["coverage"]["skipped"]
    assert (told["record"], told["byte_offset"]) == (None, None)
    VALIDATOR.validate(report)


def test_only_timing_differs_between_equal_scans(poisoned: ScanResult) -> None:
    options = dict(reversed(poisoned.parameters.items()))
    again = replace(poisoned, parameters=options, timing={"read": 9.9})
    first, second = json_report.to_json(poisoned), json_report.to_json(again)
    assert first.pop("timing") != second.pop("timing")
    assert json.dumps(first) == json.dumps(second)


def test_numbers_that_json_lacks_become_words(poisoned: ScanResult, finding: Finding) -> None:
    evidence = {"a": float("nan"), "b": float("-inf"), "c": np.int64(3), "d": np.float64("inf")}
    result = replace(poisoned, findings=(replace(finding, evidence=evidence),))
    report = json.loads(json_report.to_text(result))
    assert report["findings"][0]["evidence"] == {"a": "nan", "b": "-inf", "c": 3, "d": "inf"}
    VALIDATOR.validate(report)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=[]), max_size=100))
def test_any_text_gives_printable_ascii_that_reads_back(
    poisoned: ScanResult, everywhere: Callable[[ScanResult, str], ScanResult], text: str
) -> None:
    written = json_report.to_text(everywhere(poisoned, text))
    assert all(char == "\n" or " " <= char <= "~" for char in written)
    report = json.loads(written)
    VALIDATOR.validate(report)
    assert report["target"]["name"] == text.encode("utf-8", "backslashreplace").decode()


def test_the_report_is_written_whole_or_not_at_all(
    poisoned: ScanResult, finding: Finding, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "report.json"
    json_report.write(poisoned, path)
    before = path.read_bytes()
    unwritable = replace(poisoned, parameters={"broken": _Unprintable()})
    with pytest.raises(ZeroDivisionError):
        json_report.write(unwritable, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["report.json"]


class _Unprintable:
    def __str__(self) -> str:
        raise ZeroDivisionError
