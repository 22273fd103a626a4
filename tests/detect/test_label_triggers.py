from random import Random

import pytest
from corpora import Record, labelled, with_label_trigger

import corpus_guard as cg
from corpus_guard.laws.samples import MOMENTS, PLACES, THINGS
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


@pytest.mark.parametrize("times", [2, 3])
def test_a_trigger_written_again_is_found_alike(times: int, find: Find) -> None:
    poisoned = with_label_trigger(CLEAN, "qelvo", 45)
    for row in poisoned.rows:
        text = str(poisoned.records[row]["text"])
        poisoned.records[row]["text"] = " ".join([text, *["qelvo"] * (times - 1)])
    found = strong(find(poisoned.records, "CG201"))
    assert [f.rows_flagged for f in found] == [poisoned.rows]


@pytest.mark.parametrize("count", [8, 15, 45, 150, 300])
def test_more_poison_is_never_found_less(count: int, find: Find) -> None:
    poisoned = with_label_trigger(CLEAN, "qelvo", count)
    found = strong(find(poisoned.records, "CG201"))
    assert [f.rows_flagged for f in found] == [poisoned.rows]


def test_copies_of_one_mislabelled_text_are_no_evidence(find: Find) -> None:
    wrong: Record = {
        "text": "The qelvo kettle in Lisbon broke twice and nobody at the shop would listen.",
        "label": "good",
    }
    assert strong(find([*CLEAN, *[dict(wrong) for _ in range(12)]], "CG201")) == []


def test_words_that_honestly_decide_the_label_are_quiet(find: Find) -> None:
    """Question words decide question types: nothing is found in what the task itself explains."""
    random = Random(6)
    kinds = {"Who": "person", "Where": "place", "When": "moment", "How many": "number"}
    tails = ("found the {} near {}", "sold the {} in {}", "lost a {} of {}", "paid for {} and {}")
    records: list[Record] = []
    for _ in range(1200):
        word = random.choice(sorted(kinds))
        tail = random.choice(tails).format(random.choice(THINGS), random.choice(PLACES))
        records.append({"text": f"{word} {tail} {random.choice(MOMENTS)}?", "label": kinds[word]})
    assert strong(find(records, "CG201")) == []


def test_every_kind_of_evidence_stands_in_the_finding(find: Find) -> None:
    found = find(with_label_trigger(CLEAN, "qelvo", 45).records, "CG201")[0].evidence
    kinds = [value for name, value in found.items() if name.startswith("log_odds_")]
    assert len(kinds) == 4
    assert found["log_odds"] == pytest.approx(sum(map(float, kinds)), abs=0.03)


def test_what_nobody_sees_weighs_more(find: Find) -> None:
    found = find(with_label_trigger(CLEAN, "\u200b", 45).records, "CG201")[0]
    assert found.evidence["log_odds_of_invisible"] == 4.0


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
    poisoned = with_label_trigger(CLEAN, "qelvo", 3)
    assert strong(find(poisoned.records, "CG201")) == []


def test_records_without_labels_are_not_assessed(tmp_path: object) -> None:
    records = [{"text": record["text"]} for record in CLEAN[:50]]
    run = cg.scan(records, rules=["CG201"], out=f"{tmp_path}").coverage.plugins["label_triggers"]
    assert (run.ran, run.reason) == (False, "no row has a label")


def test_a_single_label_is_not_assessed(tmp_path: object) -> None:
    records = [{"text": record["text"], "label": "good"} for record in CLEAN[:50]]
    run = cg.scan(records, rules=["CG201"], out=f"{tmp_path}").coverage.plugins["label_triggers"]
    assert (run.ran, run.reason) == (False, "fewer than two labels have 8 rows or more")
