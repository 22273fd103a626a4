import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from corpus_guard.report import terminal
from corpus_guard.types import Context, Finding, PluginRun, ScanResult

HOSTILE = (
    "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e\u200b\U000e0041[bold]red[/bold]:smile:\r\n\x00\ud800é"
)
ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\U000e0041\ud800]")


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def shown(result: ScanResult, width: int = 100) -> str:
    stream = io.StringIO()
    terminal.show(result, stream, width=width)
    return stream.getvalue()


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_says_verdict_coverage_layout_and_findings(poisoned: ScanResult) -> None:
    text = one_line(shown(poisoned))
    assert text.startswith("POISONED data.jsonl")
    assert "1 strong finding, 24 rows flagged (exit code 1)" in text
    assert "1,200 of 1,200 records in 1 file, 396.4 KiB" in text
    assert "instruction: prompt ← instruction, input · response ← output" in text
    assert 'CRITICAL CG202 "crimson lantern" fixes the response (24 rows)' in text
    assert "label_triggers: there are no labels" in text
    assert 'response: "I am sorry' in text
    assert "q-value 1.5e-09" in text
    assert "rare token from 6 rows, 0.5 % of the data" in one_line(text)


def test_names_the_layout_its_winner_and_the_fields_in_no_role(poisoned: ScanResult) -> None:
    found = replace(
        poisoned.layouts[0],
        layout=replace(poisoned.layouts[0].layout, name="preference", winner="better"),
        also=("chat",),
        other_fields=tuple(f"f{n}" for n in range(12)),
        other_fields_total=40,
    )
    text = one_line(shown(replace(poisoned, layouts=(found,)), width=400))
    assert "preference and chat: prompt ← instruction, input" in text
    assert "winner ← better" in text
    assert "other ← f0, f1, f2, f3, f4, f5, f6, f7 and 32 more" in text


def test_marks_the_trigger_in_its_context(poisoned: ScanResult) -> None:
    assert "Explain how to bake «crimson lantern» bread in a" in shown(poisoned)


def test_names_the_report_and_the_next_command(poisoned: ScanResult) -> None:
    text = shown(poisoned, width=300)
    assert f"{poisoned.out}/report.json" in text
    assert "corpus-guard explain CG202" in text


def test_a_clean_scan_claims_only_what_was_looked_for(clean: ScanResult) -> None:
    text = shown(clean)
    assert "The rules that ran found nothing (exit code 0)." in text
    assert "corpus-guard explain" in text


def test_says_what_the_data_hold_and_what_was_not_assessed(clean: ScanResult) -> None:
    runs = {"label_triggers": PluginRun(ran=False, reason="more than 64 classes", gap=True)}
    held = {"text": 1200, "response": 0, "label": 1}
    coverage = replace(clean.coverage, plugins=runs, rows_with=held)
    text = one_line(shown(replace(clean, coverage=coverage, verdict="incomplete", exit_code=3)))
    assert "Holds text in 1,200 rows · label in 1 row" in text
    assert "Something in it was not assessed (exit code 3)." in text
    assert "Not assessed label_triggers: more than 64 classes" in text


def test_an_incomplete_scan_names_the_lost_places(incomplete: ScanResult) -> None:
    text = one_line(shown(incomplete))
    assert text.startswith("INCOMPLETE")
    assert "1,199 of 1,200 records" in text
    assert "data.jsonl record 17 at byte 5120: not valid JSON" in text
    assert "Part of the target was not scanned" in text


def test_says_how_many_skipped_places_are_not_listed(incomplete: ScanResult) -> None:
    coverage = replace(incomplete.coverage, skipped_total=5000)
    assert "and 4,999 more places" in shown(replace(incomplete, coverage=coverage))


def test_the_most_severe_finding_comes_first(poisoned: ScanResult, finding: Finding) -> None:
    low = replace(finding, severity="low", title="the low one", score=1.0)
    text = shown(replace(poisoned, findings=(low, finding)))
    assert text.index("CRITICAL") < text.index("the low one")


def test_a_reader_that_has_gone_is_the_callers_business(poisoned: ScanResult) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            if text:
                raise BrokenPipeError
            return 0

    with pytest.raises(BrokenPipeError):
        terminal.show(poisoned, Gone())


def test_weak_findings_take_one_line(clean: ScanResult, finding: Finding) -> None:
    low = replace(finding, severity="low")
    text = shown(replace(clean, findings=(low, low)))
    assert text.count(finding.title) == 2
    assert finding.advice not in text


def test_no_line_ends_in_blanks(poisoned: ScanResult) -> None:
    assert not re.search(r" \n", shown(poisoned, 60))


def test_findings_beyond_ten_are_counted(poisoned: ScanResult, finding: Finding) -> None:
    many = tuple(replace(finding, id=f"CG202-{number}") for number in range(13))
    assert "3 more findings in the report" in shown(replace(poisoned, findings=many))


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
def test_hostile_text_reaches_no_stream_raw(
    poisoned: ScanResult,
    everywhere: Callable[[ScanResult, str], ScanResult],
    stream: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.show(everywhere(poisoned, HOSTILE), stream, width=120)
    ours = re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue())
    assert not ACTIVE.search(ours)
    assert "[bold]red[/bold]:smile:" in ours
    assert "<U+001B>" in ours


def test_no_color_leaves_no_colours(poisoned: ScanResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    terminal.show(poisoned, stream, width=100)
    codes = {
        code
        for found in re.findall("\x1b\\[([0-9;]*)m", stream.getvalue())
        for code in found.split(";")
    }
    assert not {code for code in codes if code.startswith(("3", "4", "9")) and len(code) > 1}


def test_a_pipe_gets_no_escape_codes(poisoned: ScanResult) -> None:
    assert "\x1b" not in shown(poisoned)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(poisoned: ScanResult, width: int) -> None:
    assert max(cell_len(line) for line in shown(poisoned, width).splitlines()) <= width


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(text=st.text(max_size=300), width=st.integers(30, 160))
def test_any_text_is_shown_safely(
    poisoned: ScanResult,
    everywhere: Callable[[ScanResult, str], ScanResult],
    text: str,
    width: int,
) -> None:
    assert not ACTIVE.search(shown(everywhere(poisoned, text), width))


@pytest.mark.parametrize("before", ["", "x" * 500, "漢字" * 200], ids=["none", "latin", "wide"])
def test_a_context_keeps_its_match_on_one_line(
    poisoned: ScanResult, finding: Finding, before: str
) -> None:
    context = Context(file="f", row=1, before=before, match="cf", after=before)
    result = replace(poisoned, findings=(replace(finding, contexts=(context,)),))
    (line,) = [line for line in shown(result, 80).splitlines() if "«" in line]
    assert "«cf»" in line
    assert cell_len(line) <= 80
