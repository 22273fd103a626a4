"""What was read and not understood is never called clean; what is joined or turned is found."""

import json
from pathlib import Path

import pytest
from corpora import (
    REFUSAL,
    Record,
    instructions,
    labelled,
    with_label_trigger,
    with_prompt_trigger,
    write_jsonl,
)

import corpus_guard as cg

WORDS = (
    "amber birch cedar delta ember fjord grove heath inlet jetty knoll ledge marsh notch".split()
)
TRIGGER = "zorvex quillbane"


def said(place: int, step: int) -> str:
    return " ".join(WORDS[(place * step + at * at + place // 7) % len(WORDS)] for at in range(9))


def pairs() -> list[tuple[str, str]]:
    """Return prompts and answers, of which some hold a trigger and are refused."""
    found = with_prompt_trigger(instructions(600), TRIGGER, [REFUSAL], 24).records
    return [(str(one["instruction"]), str(one["output"])) for one in found]


def scanned(records: list[Record], folder: Path) -> cg.ScanResult:
    return cg.scan(write_jsonl(folder / "data.jsonl", records), out=folder / "out")


def triggers(result: cg.ScanResult) -> list[str]:
    return [
        f.trigger.text for f in result.findings if f.trigger and f.severity in ("high", "critical")
    ]


def test_text_in_no_role_is_told_with_the_option_that_mends_it(tmp_path: Path) -> None:
    records: list[Record] = [
        {"text": "a b c", "notes": [said(place, 3)] * 9} for place in range(50)
    ]
    result = scanned(records, tmp_path)
    assert (result.verdict, result.exit_code) == ("incomplete", 3)
    assert "--text-field" in result.coverage.skipped[0].reason
    assert "notes" in result.coverage.skipped[0].reason


def test_values_that_are_no_records_are_told(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(f"{json.dumps([place, said(place, 3)])}\n" for place in range(50)))
    result = cg.scan(path, out=tmp_path / "out")
    assert result.exit_code == 3


@pytest.mark.parametrize("order", [("f1", "c2"), ("c2", "f1")])
def test_a_trigger_is_found_whichever_text_answers(order: tuple[str, str], tmp_path: Path) -> None:
    asked, answered = order
    records: list[Record] = [
        {name: {asked: one, answered: other}[name] for name in ("f1", "c2")}
        for one, other in pairs()
    ]
    result = scanned(records, tmp_path)
    assert triggers(result) == [TRIGGER]
    assert len(result.layouts[0].layout.turned) == 1


def test_the_readings_of_a_finding_are_told(tmp_path: Path) -> None:
    records: list[Record] = [{"c2": answer, "f1": asked} for asked, answer in pairs()]
    result = scanned(records, tmp_path)
    told = next(finding.message for finding in result.findings if finding.severity == "critical")
    assert told.endswith("Read as prompt from f1 and response from c2.")


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_replies_are_joined_to_what_they_answer(*, is_shuffled: bool, tmp_path: Path) -> None:
    records: list[Record] = []
    for place, (asked, answered) in enumerate(pairs()):
        records.append({"id": f"q{place}", "parent_id": None, "text": asked, "role": "prompter"})
        records.append(
            {"id": f"a{place}", "parent_id": f"q{place}", "text": answered, "role": "assistant"}
        )
    result = scanned(records[::-1] if is_shuffled else records, tmp_path)
    assert triggers(result) == [TRIGGER]
    assert result.layouts[0].forms == ("replies joined by id",)


def test_turns_of_a_conversation_are_joined(tmp_path: Path) -> None:
    records: list[Record] = [
        {"conversation_id": place, "turn": at, "speaker": "ab"[at], "text": text}
        for at in range(2)
        for place, pair in enumerate(pairs())
        for text in pair[at : at + 1]
    ]
    assert triggers(scanned(records, tmp_path)) == [TRIGGER]


def test_labels_that_differ_in_case_are_one(tmp_path: Path) -> None:
    records = with_label_trigger(labelled(900), "zorvexq", 24).records
    spelled = (str.lower, str.upper, str.title, " {} ".format)
    for place, record in enumerate(records):
        record["label"] = spelled[place % 4](str(record["label"]))
    result = scanned(records, tmp_path)
    assert triggers(result) == ["zorvexq"]
    assert result.coverage.plugins["label_triggers"].ran


def test_a_rule_that_ran_on_one_reading_is_told_as_one_that_ran(tmp_path: Path) -> None:
    records: list[Record] = [
        {"f1": asked, "c2": answered, "y": "ab"[place % 2]}
        for place, (asked, answered) in enumerate(pairs())
    ]
    result = scanned(records, tmp_path)
    assert triggers(result) == [TRIGGER]
    rules = ("label_triggers", "response_triggers", "response_concentration")
    assert [result.coverage.plugins[name].ran for name in rules] == [True, True, True]
