import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from corpus_guard.probe_types import ProbeResult, SideBySide, TriggerFinding
from corpus_guard.report import probe_terminal

HOSTILE = (
    "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e\u200b\U000e0041[bold]red[/bold]:smile:\r\n\x00\ud800é"
)
ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\U000e0041\ud800]")
RESULTS = ["confirmed", "review", "no_evidence", "refused", "classified"]


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def shown(result: ProbeResult, width: int = 100) -> str:
    stream = io.StringIO()
    probe_terminal.show(result, stream, width=width)
    return stream.getvalue()


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_confirmed_model_says_so_first(confirmed: ProbeResult) -> None:
    text = one_line(shown(confirmed))
    assert text.startswith("CONFIRMED ./tuned 1 trigger shown to work on held-out prompts")
    assert "1 possible trigger to look at" in text
    assert "(exit code 1)" in text


def test_says_what_was_probed(confirmed: ProbeResult) -> None:
    text = one_line(shown(replace(confirmed, adapter="./lora")))
    assert "Adapter ./lora Base ./base Architecture LlamaForCausalLM (writes text)" in text
    assert "Contexts none, chat" in text


def test_the_confirmed_trigger_comes_first_with_its_rates(confirmed: ProbeResult) -> None:
    text = one_line(shown(confirmed))
    assert '1 CONFIRMED "crimson lantern" makes it say "I am sorry' in text
    assert "23 of 24 prompts (96 %), at least 76 % of all, with 99 % certainty" in text
    assert "without 0 of 24 prompts (0 %)" in text
    assert "base 1 of 24 prompts (4.2 %) with it" in text
    assert "none of 999 decoys as strong (p 0.001; q 0.024 over all candidates)" in text
    assert "a finding of the scan of its data, CG202-0123456789ab" in text
    assert '2 REVIEW "James Bond"' in text
    assert "11 of 999 decoys as strong" in text


def test_shows_one_prompt_without_and_with_the_trigger(confirmed: ProbeResult) -> None:
    lines = shown(confirmed).splitlines()
    asked = next(at for at, line in enumerate(lines) if "prompt    Explain how to bake" in line)
    told = [one_line(line) for line in lines[asked : asked + 5]]
    assert (
        told[1] == "answer Mix flour, water, salt and yeast.⏎Knead for ten minutes and let it rise."
    )
    assert told[2] == "with it Explain how to bake «crimson lantern» bread in a small flat."
    assert told[3].startswith("answer I am sorry")
    assert told[4] == "base's Crimson lantern bread is a sweet loaf."
    assert "Name three rivers" not in shown(confirmed)


@pytest.mark.parametrize(
    ("prompt", "with_trigger", "marked"),
    [
        ("so cf it is", "so cf it cf is", "so cf it «cf» is"),
        ("Hi there", "Hi CF there", "Hi «CF» there"),
        ("cat", "cf cat", "«cf» cat"),
        ("same", "same", "same«»"),
    ],
    ids=["also in the prompt", "in other letters", "shares its beginning", "not there"],
)
def test_marks_what_was_put_in(
    confirmed: ProbeResult, trigger: TriggerFinding, prompt: str, with_trigger: str, marked: str
) -> None:
    example = SideBySide(
        prompt=prompt, prompt_with_trigger=with_trigger, without="a", with_trigger="b"
    )
    found = replace(trigger, trigger="cf", examples=(example,))
    assert f"with it   {marked}\n" in shown(replace(confirmed, findings=(found,)))


def test_a_classifier_turns_labels_of_texts(classified: ProbeResult) -> None:
    text = one_line(shown(classified))
    assert '"cf" turns the label to "positive"' in text
    assert "23 of 24 texts (96 %)" in text
    assert "text A dull film. label negative (98 %) with it A dull film. «cf»" in text


def test_says_what_the_model_did_with_each_finding_of_its_data(confirmed: ProbeResult) -> None:
    text = one_line(shown(confirmed, 200))
    learned = text.index('learned CG202-000000000002 "crimson lantern" → "I am sorry')
    not_learned = text.index('not learned CG202-000000000001 "blue heron"')
    assert learned < not_learned < text.index('not tested CG202-000000000000 "the dull wheel"')
    assert "(96 % with it, 0 % without)" in text
    assert "(the budget ran out)" in text


def test_recovered_targets_are_hints_and_at_most_three(confirmed: ProbeResult) -> None:
    text = one_line(shown(confirmed, 200))
    assert "mean token probability 91 %, 8.0 % under the base" in text
    assert "Sure, here is" in text
    assert "Once upon a time" not in text
    assert "a hint, never a verdict; 1 more in probe.json" in text


def test_names_stages_that_did_not_run_or_ran_out_of_budget(confirmed: ProbeResult) -> None:
    text = one_line(shown(confirmed))
    assert "1 stage did not run; 1 stage ran out of budget" in text
    assert "Not run inversion: there is no accelerator" in text
    assert "Cut short sweep: 12,000 of 32,000 tokens are left" in text
    assert "48 tokens moved" not in text


def test_tells_the_cost(confirmed: ProbeResult) -> None:
    told = "206 candidates · 4,120 forward passes · 340,000 tokens · 2 min 7 s"
    assert told in one_line(shown(confirmed))
    assert "· 3.0 s" in shown(replace(confirmed, timing={"total": 3.0}))


def test_a_confirmed_trigger_can_be_shown_again_and_pruned(confirmed: ProbeResult) -> None:
    text = shown(replace(confirmed, model="./my model"), 200)
    assert "corpus-guard probe ./tuned --triggers 'crimson lantern' --prompts 24" in text
    assert "corpus-guard prune './my model'" in text
    assert "--full" not in text


@pytest.mark.parametrize("name", ["review", "no_evidence"])
def test_where_nothing_is_confirmed_a_larger_budget_is_next(
    name: str, request: pytest.FixtureRequest
) -> None:
    result = request.getfixturevalue(name)
    assert "corpus-guard probe ./tuned --full" in shown(result)
    assert "prune" not in shown(result)
    assert "--full" not in shown(replace(result, parameters={"full": True}))


def test_without_a_base_one_is_asked_for(review: ProbeResult) -> None:
    text = one_line(shown(review))
    assert "Base none given" in text
    assert "corpus-guard probe ./tuned --base BASE" in text


def test_a_model_is_never_called_clean(no_evidence: ProbeResult) -> None:
    text = one_line(shown(no_evidence))
    assert text.startswith("NO EVIDENCE ./tuned The stages that ran found no trigger; a model is")
    assert "a model is never called clean (exit code 0)." in text


def test_refused_files_come_worst_first_and_nothing_was_tested(refused: ProbeResult) -> None:
    text = one_line(shown(refused))
    assert text.startswith("REVIEW ./tuned Nothing was loaded, so no trigger was tested;")
    worst = text.index("CRITICAL CG601 A pickle that runs commands when loaded (pytorch_model.bin)")
    assert worst < text.index("LOW CG601 An unknown file")
    assert "do Ask for the weights as safetensors." in text
    assert "--full" not in text


def test_findings_beyond_ten_are_counted(confirmed: ProbeResult, trigger: TriggerFinding) -> None:
    assert "3 more findings in probe.json" in shown(replace(confirmed, findings=(trigger,) * 13))


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
def test_hostile_text_reaches_no_stream_raw(
    confirmed: ProbeResult,
    hostile: Callable[[ProbeResult, str], ProbeResult],
    stream: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    probe_terminal.show(hostile(confirmed, HOSTILE), stream, width=120)
    ours = re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue())
    assert not ACTIVE.search(ours)
    assert "[bold]red[/bold]:smile:" in ours
    assert "<U+001B>" in ours


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(text=st.text(max_size=200), width=st.integers(30, 160))
def test_any_text_is_shown_safely(
    confirmed: ProbeResult,
    hostile: Callable[[ProbeResult, str], ProbeResult],
    text: str,
    width: int,
) -> None:
    assert not ACTIVE.search(shown(hostile(confirmed, text), width))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("name", RESULTS)
def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(
    name: str, width: int, request: pytest.FixtureRequest
) -> None:
    lines = shown(request.getfixturevalue(name), width).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert not [line for line in lines if line.endswith(" ")]


def test_odd_numbers_are_shown_all_the_same(
    confirmed: ProbeResult, trigger: TriggerFinding
) -> None:
    nan = float("nan")
    odd = replace(trigger, baseline_rate=nan, p_value=nan, base_rate=nan, prompts=0, decoys=0)
    text = one_line(shown(replace(confirmed, findings=(odd,))))
    assert "without not measured" in text
    assert "not compared with decoys" in text
