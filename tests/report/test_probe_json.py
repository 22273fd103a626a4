import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from corpus_guard.probe_types import ProbeResult, StageRun, TriggerFinding
from corpus_guard.report import probe_json

VALIDATOR = Draft202012Validator(probe_json.schema())
RESULTS = ["confirmed", "review", "no_evidence", "refused", "classified"]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(probe_json.schema())


@pytest.mark.parametrize("name", RESULTS)
def test_reports_keep_to_the_schema(name: str, request: pytest.FixtureRequest) -> None:
    VALIDATOR.validate(json.loads(probe_json.to_text(request.getfixturevalue(name))))


@pytest.mark.parametrize(
    "part", ["findings", "targets", "learned", "coverage", "tool"], ids=lambda part: part
)
def test_the_schema_refuses_unknown_keys(confirmed: ProbeResult, part: str) -> None:
    report = probe_json.to_json(confirmed)
    place = report[part] if isinstance(report[part], dict) else report[part][0]
    place["surprise"] = 1
    assert not VALIDATOR.is_valid(report)


def test_the_schema_knows_no_clean_model(no_evidence: ProbeResult) -> None:
    report = probe_json.to_json(no_evidence) | {"verdict": "clean"}
    assert not VALIDATOR.is_valid(report)


def test_the_keys_of_the_contract_stand_at_the_top(confirmed: ProbeResult) -> None:
    report = probe_json.to_json(confirmed)
    contract = {"model", "base", "verdict", "coverage", "findings", "candidates_tested"}
    assert contract | {"forward_passes", "timing"} <= report.keys()
    finding = {"trigger", "kind", "attack_success_rate", "baseline_rate", "p_value", "q_value"}
    assert finding | {"target", "examples"} <= report["findings"][0].keys()


def test_nothing_of_a_result_is_left_out(confirmed: ProbeResult) -> None:
    report = probe_json.to_json(confirmed)
    told = report.keys() | report["coverage"].keys()
    assert {field.name for field in fields(ProbeResult)} - told == {"out"}
    for values, told in (
        (confirmed.findings[0], report["findings"][0]),
        (confirmed.targets[0], report["targets"][0]),
        (confirmed.learned[0], report["learned"][0]),
        (confirmed.findings[0].examples[0], report["findings"][0]["examples"][0]),
    ):
        assert {field.name for field in fields(values)} == told.keys()


def test_unknown_rates_are_null(review: ProbeResult) -> None:
    report = probe_json.to_json(review)
    assert report["base"] is None
    assert report["findings"][0]["base_rate"] is None
    assert report["findings"][0]["data_finding"] is None


def test_only_timing_differs_between_equal_probes(confirmed: ProbeResult) -> None:
    slower = tuple(replace(stage, seconds=stage.seconds + 9) for stage in confirmed.stages)
    options = dict(reversed(confirmed.parameters.items()))
    again = replace(confirmed, parameters=options, stages=slower, timing={"load": 9.9})
    first, second = probe_json.to_json(confirmed), probe_json.to_json(again)
    assert first.pop("timing") != second.pop("timing")
    assert json.dumps(first) == json.dumps(second)


def test_the_seconds_of_stages_that_ran_stand_with_the_timing(confirmed: ProbeResult) -> None:
    stages = (*confirmed.stages, StageRun(name="load", ran=True, seconds=7.0))
    timing = probe_json.to_json(replace(confirmed, stages=stages))["timing"]
    assert timing["load"] == 2.0
    assert timing["verify"] == 61.1
    assert "inversion" not in timing


def test_numbers_that_json_lacks_become_words(
    confirmed: ProbeResult, trigger: TriggerFinding
) -> None:
    evidence = {"a": float("nan"), "b": float("-inf"), "c": np.int64(3), "d": np.float32(0.5)}
    target = replace(confirmed.targets[0], confidence=float("-inf"))
    found = replace(trigger, evidence=evidence)
    report = json.loads(
        probe_json.to_text(replace(confirmed, findings=(found,), targets=(target,)))
    )
    assert report["findings"][0]["evidence"] == {"a": "nan", "b": "-inf", "c": 3, "d": 0.5}
    assert report["targets"][0]["confidence"] == "-inf"
    VALIDATOR.validate(report)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(text=st.text(alphabet=st.characters(exclude_categories=[]), max_size=100))
def test_any_text_gives_printable_ascii_that_reads_back(
    confirmed: ProbeResult, hostile: Callable[[ProbeResult, str], ProbeResult], text: str
) -> None:
    written = probe_json.to_text(hostile(confirmed, text))
    assert all(char == "\n" or " " <= char <= "~" for char in written)
    report = json.loads(written)
    VALIDATOR.validate(report)
    assert report["model"] == text.encode("utf-8", "backslashreplace").decode()


def test_the_report_is_written_whole_or_not_at_all(confirmed: ProbeResult, tmp_path: Path) -> None:
    path = tmp_path / "new" / "probe.json"
    probe_json.write(confirmed, path)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        probe_json.write(replace(confirmed, parameters={"broken": _Unprintable()}), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["probe.json"]


class _Unprintable:
    def __str__(self) -> str:
        raise ZeroDivisionError
