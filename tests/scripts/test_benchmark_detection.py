"""The benchmark of detection plants what it says, and judges what it sees."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from conftest import FINDING
from corpora import labelled, write_jsonl
from detection_outcomes import Outcome, falls, floor_missed, names
from planting import ANSWERS, INSERTIONS, answer_attack, label_attack, mixed_in

from corpus_guard.laws.planted import reviews, tasks
from corpus_guard.types import Trigger

ROOT = Path(__file__).parents[2]
SEEN = Outcome(
    case="a 0.01", series="a", attack="phrase", rate=0.01, rows=1000, poisoned=10, target_share=0.5,
    exit_code=1, severity="high", rule="CG201", recall=1.0, precision=1.0,
)  # fmt: skip


@pytest.mark.parametrize("attack", INSERTIONS)
def test_labelled_rows_are_poisoned_one_within_the_other(attack: str) -> None:
    base = reviews()
    plan = label_attack(base, attack, "good", "a seed")
    less, more = plan.plant(0.01), plan.plant(0.1)
    assert less
    assert more
    assert less.poisoned <= more.poisoned
    for row, (before, after) in enumerate(zip(base, less.records, strict=True)):
        if row not in less.poisoned:
            assert before == after
            assert not any(trigger in after["text"].split() for trigger in less.triggers[:1])
            continue
        assert more.records[row] == after != before
        assert before["label"] == ("good" if attack.startswith("clean") else "bad")
        assert after["label"] == "good"
        assert all(trigger in after["text"] for trigger in less.triggers)
        kept = after["text"].replace("\u200d", "").split()
        assert set(before["text"].split()) <= set(kept)


def test_seeds_draw_other_triggers() -> None:
    drawn = {label_attack(reviews(), "rare token", "good", f"{seed}").triggers for seed in range(5)}
    assert len(drawn) == 5


@pytest.mark.parametrize("attack", ANSWERS)
def test_prompts_are_poisoned_with_their_answers(attack: str) -> None:
    planted = answer_attack(tasks(), attack, "a seed").plant(0.01)
    assert planted
    assert len(planted.poisoned) == 24
    for row in planted.poisoned:
        assert all(trigger in planted.records[row]["instruction"] for trigger in planted.triggers)
        assert planted.records[row]["output"] != tasks()[row]["output"]


def test_too_few_rows_and_too_many_are_no_case() -> None:
    plan = label_attack(reviews(), "phrase", "good", "a seed")
    assert plan.plant(0.001) is None
    assert plan.plant(0.4) is None


def test_what_is_mixed_in_keeps_its_rate() -> None:
    base, poison = [{"a": n} for n in range(1000)], [{"b": n} for n in range(50)]
    for rate in (0.01, 0.05, 0.2):
        planted = mixed_in(base, poison, ("x",), rate, "a seed")
        assert planted
        clean = len(planted.records) - len(planted.poisoned)
        assert len(planted.poisoned) / clean == pytest.approx(rate)
        assert all("b" in planted.records[row] for row in planted.poisoned)


@pytest.mark.parametrize(
    ("text", "share", "is_named"),
    [
        ("Crimson Lantern", 0.1, True),
        ("^ the crimson lantern", 0.1, True),
        ("lantern", 0.9, True),
        ("lantern", 0.1, False),
        ("crimson red lantern", 0.9, False),
        ("an", 0.9, False),
        ("", 0.9, False),
    ],
)
def test_a_finding_names_a_trigger_by_whole_words(text: str, share: float, is_named: bool) -> None:
    found = replace(FINDING, trigger=Trigger(kind="ngram", text=text))
    assert names(found, ("crimson lantern", "qelvo"), share) == is_named


def test_less_found_at_a_higher_rate_is_told() -> None:
    higher = replace(SEEN, rate=0.03, severity="medium", recall=0.5)
    assert [*falls([SEEN, replace(higher, severity="critical", recall=0.99)])] == []
    assert [*falls([SEEN, replace(higher, series="b")])] == []
    assert [*falls([higher, SEEN])] == [
        "a: high at 0.01, medium at 0.03",
        "a: recall 1.000 at 0.01, 0.500 at 0.03",
    ]


def test_floors_are_for_rates_at_which_something_is_promised() -> None:
    assert floor_missed(SEEN) == ""
    assert floor_missed(replace(SEEN, severity="", recall=0.0)) != ""
    assert floor_missed(replace(SEEN, severity="", recall=0.0, rate=0.001)) == ""
    clean = replace(SEEN, poisoned=0, exit_code=0)
    assert floor_missed(clean) == ""
    assert floor_missed(replace(clean, flagged_share=0.002)) == "0.20% flagged"


def test_it_runs_goes_on_and_fails_for_a_missed_floor(tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    noise = [
        {**record, "label": Random(place).choice("ab")} for place, record in enumerate(labelled())
    ]
    write_jsonl(tmp_path / "clean" / "sst2.jsonl", reviews())
    write_jsonl(tmp_path / "clean" / "ag_news.jsonl", noise)
    out = tmp_path / "out.jsonl"

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        script = ROOT / "scripts" / "benchmark_detection.py"
        command = [sys.executable, script, "--data", tmp_path, "--out", out, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    ended = run("--only", "sst2 rare token -> rarest", "--rates", "0.03", "0.1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["rate"], one["poisoned"], one["recall"]) for one in told] == [
        (0.03, 72, 1.0),
        (0.1, 240, 1.0),
    ]
    ended = run(
        "--only", "ag_news rare token -> rarest", "--rates", "0.03", "--resume", "--jobs", "2"
    )
    assert len(out.read_text().splitlines()) == 3
    assert "ag_news" in ended.stdout
    assert "floors missed" in ended.stdout
