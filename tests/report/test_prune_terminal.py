"""What a repair tells on the terminal and in prune.json."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from corpus_guard.defend.material import Measured, Step
from corpus_guard.defend.repair import Repaired
from corpus_guard.report import prune_json, prune_terminal

VALIDATOR = Draft202012Validator(prune_json.schema())
HOSTILE = "\x1b]0;owned\x07\u202e[bold]\u200b<b>"
BEFORE = Measured(success=(1.0, 0.5), clean_loss=1.5, triggered_loss=4.0)
AFTER = Measured(success=(0.0, 0.025), clean_loss=1.51, triggered_loss=1.6)
REPAIRED = Repaired(
    model="mine",
    digest="ab" * 32,
    base=None,
    adapter=None,
    architecture="LlamaForCausalLM",
    method="auto",
    triggers=("cfx", "under the oak"),
    targets=("It is closed.", ""),
    before=BEFORE,
    after=AFTER,
    steps=(
        Step(method="prune", amount=9, told="9 neurons silenced", measured=BEFORE),
        Step(method="tune", amount=20, told="20 steps of tuning", measured=AFTER, kept=True),
    ),
    pairs={"tune": 100, "search": 24, "held_out": 40},
    data="",
    loss_bound=0.02,
    parameters={"method": "auto"},
    seed=0,
    out=Path("out"),
    forward_passes=10,
    forward_tokens=1000,
)


def _shown(repaired: Repaired, width: int = 80) -> str:
    stream = io.StringIO()
    prune_terminal.show(repaired, stream, width)
    return stream.getvalue()


def test_each_trigger_stands_with_its_rate_before_and_after() -> None:
    lines = [line.split() for line in _shown(REPAIRED).splitlines()]
    assert ['"cfx"', "succeeds", "100", "%", "0.0", "%"] in lines
    assert ['"under', "the", 'oak"', "succeeds", "50", "%", "2.5", "%"] in lines
    assert ["loss", "on", "clean", "answers", "1.500", "1.510"] in lines


@pytest.mark.parametrize(
    ("repaired", "head", "outcome"),
    [
        (REPAIRED, "REPAIRED", "repaired"),
        (replace(REPAIRED, after=BEFORE), "NOT REPAIRED", "not repaired"),
        (
            replace(
                REPAIRED,
                triggers=(),
                targets=(),
                before=Measured(success=(), clean_loss=1.5, triggered_loss=None),
                after=Measured(success=(), clean_loss=1.5, triggered_loss=None),
            ),
            "NOT MEASURED",
            "not measured",
        ),
    ],
)
def test_the_outcome_comes_first(repaired: Repaired, head: str, outcome: str) -> None:
    assert _shown(repaired).startswith(f"{head}  mine\n")
    report = json.loads(prune_json.to_text(repaired))
    assert report["outcome"] == outcome
    VALIDATOR.validate(report)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(prune_json.schema())


@pytest.mark.parametrize("part", ["tool", "triggers", "before", "after", "steps"])
def test_the_schema_refuses_unknown_keys(part: str) -> None:
    report = prune_json.to_json(REPAIRED)
    place = report[part] if isinstance(report[part], dict) else report[part][0]
    place["surprise"] = 1
    assert not VALIDATOR.is_valid(report)


def test_a_loss_that_is_no_number_is_a_word() -> None:
    broken = Measured(success=(1.0, 1.0), clean_loss=float("inf"), triggered_loss=float("nan"))
    report = json.loads(prune_json.to_text(replace(REPAIRED, after=broken)))
    assert report["after"]["clean_loss"] == "inf"
    VALIDATOR.validate(report)


def test_clean_answers_that_suffered_are_told() -> None:
    worse = replace(REPAIRED, after=replace(AFTER, clean_loss=1.8))
    assert "suffered" in _shown(worse)
    assert "suffered" not in _shown(REPAIRED)


def test_a_trigger_that_only_says_something_else_now_is_told() -> None:
    spoiled = replace(REPAIRED, after=replace(AFTER, triggered_loss=3.9))
    assert "still unlikely" in _shown(spoiled)
    assert "still unlikely" not in _shown(REPAIRED)


def test_steps_that_all_failed_are_told() -> None:
    failed = replace(REPAIRED, steps=REPAIRED.steps[:1], after=BEFORE)
    assert "nothing helped" in _shown(failed)


def test_hostile_text_is_shown_by_its_code_points() -> None:
    step = replace(REPAIRED.steps[1], told=HOSTILE)
    hostile = replace(
        REPAIRED,
        model=HOSTILE,
        triggers=(HOSTILE, HOSTILE),
        targets=(HOSTILE, HOSTILE),
        data=HOSTILE,
        out=Path(HOSTILE),
        steps=(step,),
    )
    told = _shown(hostile, 300)
    assert "<U+001B>" in told
    assert "[bold]" in told
    assert not set(told) & set("\x1b\x07\u202e\u200b")
    report = prune_json.to_text(hostile)
    assert report.isascii()
    assert json.loads(report)["triggers"][0]["trigger"] == HOSTILE
    VALIDATOR.validate(json.loads(report))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_keep_to_the_width(width: int) -> None:
    assert all(len(line) <= width for line in _shown(REPAIRED, width).splitlines())
