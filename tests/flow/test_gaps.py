"""What is there and was not assessed makes a scan incomplete; what is not there does not."""

import json
from pathlib import Path

import pytest
from corpora import Record, instructions, labelled, write_jsonl

import corpus_guard as cg
from corpus_guard.errors import NotAssessed, NotPresent
from corpus_guard.types import PluginRun, ScanResult

PLAIN: list[Record] = [{"text": record["text"]} for record in labelled(60)]
UNRELATED = ["CG102", "CG103"]


def run_of(result: ScanResult, name: str) -> PluginRun:
    return result.coverage.plugins[name]


def test_a_scan_without_labels_or_responses_is_complete(tmp_path: Path) -> None:
    result = cg.scan(PLAIN, out=tmp_path / "out", disable=UNRELATED)
    assert (result.verdict, result.exit_code) == ("clean", 0)
    assert not any(run.gap for run in result.coverage.plugins.values())
    assert run_of(result, "label_triggers").reason == "no row has a label"
    assert run_of(result, "response_triggers").reason == "no row has a response"


@pytest.mark.parametrize(
    ("records", "rule", "plugin"),
    [
        (labelled(60), "CG201", "label_triggers"),
        (instructions(60), "CG203", "response_concentration"),
        (PLAIN, "CG103", "paraphrased_groups"),
    ],
)
@pytest.mark.parametrize(("allowed", "code"), [(False, 3), (True, 0)])
def test_what_needs_vectors_is_a_gap_without_an_embedder(
    records: list[Record], rule: str, plugin: str, allowed: bool, code: int, tmp_path: Path
) -> None:
    result = cg.scan(
        records, out=tmp_path / "out", embedder="none", rules=[rule], allow_incomplete=allowed
    )
    assert (result.verdict, result.exit_code) == ("incomplete", code)
    run = run_of(result, plugin)
    assert (run.ran, run.gap, run.failed) == (False, True, False)
    assert run.reason == "rows were not embedded (--embedder none)"


@pytest.mark.parametrize("rule", ["CG201", "CG203"])
def test_nothing_to_assess_is_no_gap_without_an_embedder(rule: str, tmp_path: Path) -> None:
    result = cg.scan(PLAIN, out=tmp_path / "out", embedder="none", rules=[rule])
    assert (result.verdict, result.exit_code) == ("clean", 0)


def test_more_labels_than_can_be_told_apart_are_a_gap(tmp_path: Path) -> None:
    options = {"sketch": {"labels": {"most_labels": 5}}}
    records = [{"text": f"some text {n}", "label": f"kind {n % 9}"} for n in range(90)]
    result = cg.scan(records, out=tmp_path / "out", rules=["CG201"], plugin_options=options)
    assert (result.exit_code, run_of(result, "label_triggers").gap) == (3, True)
    assert run_of(result, "label_triggers").reason == "more than 5 different labels"


def test_a_rule_that_the_user_leaves_out_is_no_gap(tmp_path: Path) -> None:
    result = cg.scan(
        labelled(60), out=tmp_path / "out", embedder="none", disable=[*UNRELATED, "CG201"]
    )
    assert (result.verdict, result.exit_code) == ("clean", 0)


def test_a_gap_is_in_the_report(tmp_path: Path) -> None:
    cg.scan(labelled(60), out=tmp_path / "out", embedder="none", rules=["CG201"])
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["coverage"]["plugins"]["label_triggers"] == {
        "ran": False,
        "reason": "rows were not embedded (--embedder none)",
        "failed": False,
        "gap": True,
    }


def test_labels_with_late_texts_are_assessed_whole(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "data.jsonl", [*labelled(300), *PLAIN])
    result = cg.scan(path, out=tmp_path / "out", rules=["CG201"])
    assert result.coverage.rows_with["label"] == 300
    assert run_of(result, "label_triggers").ran


def test_nothing_of_the_kind_is_a_kind_of_not_assessed() -> None:
    assert issubclass(NotPresent, NotAssessed)
    assert cg.NotPresent is NotPresent
