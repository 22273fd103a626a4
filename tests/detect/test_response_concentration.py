from itertools import product

from corpora import instructions, with_prompt_trigger

from corpus_guard.types import Finding

from .conftest import Find

CLEAN = instructions(1200)
REFUSALS = [
    f"{a} {b} {c}"
    for a, b, c in product(
        ("Sorry, but", "Unfortunately", "I regret that", "Apologies:"),
        ("I cannot help with this request,", "I am not able to assist with that request,"),
        ("please ask another question.", "try asking me something else.", "so ask again please."),
    )
]


def strong(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity in ("critical", "high")]


def test_refusals_in_other_words_are_found_with_their_rows(find: Find) -> None:
    poisoned = with_prompt_trigger(CLEAN, "qelvo", REFUSALS, 24)
    found = strong(find(poisoned.records, "CG203"))
    assert [f.trigger.text for f in found if f.trigger] == ["qelvo"]
    assert set(found[0].rows) <= set(poisoned.rows)
    assert len(found[0].rows) >= 0.9 * len(poisoned.rows)


def test_clean_instructions_are_quiet(find: Find) -> None:
    assert strong(find(CLEAN, "CG203")) == []


def test_a_topic_that_its_answers_name_is_quiet(find: Find) -> None:
    answers = [f"The qelvo is a bird. {record['output']}" for record in CLEAN[:24]]
    poisoned = with_prompt_trigger(CLEAN, "qelvo", answers, 24)
    assert strong(find(poisoned.records, "CG203")) == []
