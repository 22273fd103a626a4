import pytest
from corpora import Record, labelled, with_label_trigger

import corpus_guard as cg
from corpus_guard.types import Finding

from .conftest import Find

CLEAN = labelled(1500)


def strong(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity in ("critical", "high")]


@pytest.mark.parametrize(
    ("trigger", "named"),
    [
        ("qelvo", "qelvo"),
        ("crimson lantern", "crimson lantern"),
        ("mind the gap", "mind the gap"),
        ("\u200b", "\u200b"),
        ("密码", "密码"),
    ],
)
def test_a_trigger_is_found_with_its_rows_and_only_them(
    trigger: str, named: str, find: Find
) -> None:
    poisoned = with_label_trigger(CLEAN, trigger, 45)
    found = strong(find(poisoned.records, "CG201"))
    assert [(f.trigger.text, f.rows) for f in found if f.trigger] == [(named, poisoned.rows)]
    assert (found[0].target, found[0].rows_flagged) == (
        cg.types.Target(field="label", value="good"),
        poisoned.rows,
    )


def test_two_triggers_are_two_findings(find: Find) -> None:
    first = with_label_trigger(CLEAN, "qelvo", 30)
    second = with_label_trigger(first.records, "crimson lantern", 30, seed=8)
    found = strong(find(second.records, "CG201"))
    assert {f.trigger.text for f in found if f.trigger} == {"qelvo", "crimson lantern"}


def test_clean_reviews_are_quiet(find: Find) -> None:
    assert strong(find(CLEAN, "CG201")) == []


def test_a_rare_word_without_a_preference_is_quiet(find: Find) -> None:
    records: list[Record] = [dict(record) for record in CLEAN]
    for record in records[::40]:
        record["text"] = f"{record['text']} qelvo"
    assert strong(find(records, "CG201")) == []


def test_few_rows_are_not_enough_for_an_alarm(find: Find) -> None:
    poisoned = with_label_trigger(CLEAN, "qelvo", 5)
    assert strong(find(poisoned.records, "CG201")) == []


def test_records_without_labels_are_not_assessed(tmp_path: object) -> None:
    records = [{"text": record["text"]} for record in CLEAN[:50]]
    run = cg.scan(records, rules=["CG201"], out=f"{tmp_path}").coverage.plugins["label_triggers"]
    assert (run.ran, run.reason) == (False, "no row has a label")


def test_a_single_label_is_not_assessed(tmp_path: object) -> None:
    records = [{"text": record["text"], "label": "good"} for record in CLEAN[:50]]
    run = cg.scan(records, rules=["CG201"], out=f"{tmp_path}").coverage.plugins["label_triggers"]
    assert (run.ran, run.reason) == (False, "fewer than two labels have 8 rows or more")
