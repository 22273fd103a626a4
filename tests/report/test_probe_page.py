import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus_guard.probe_types import ProbeResult, SideBySide, TriggerFinding
from corpus_guard.report import page, probe_page

HOSTILE = (
    "<script>alert(1)</script>\"' onload='x' --><img src=x onerror=alert(2)></td></style>&lt;b&gt;"
    "\x1b[31m\x9b2J\u202e\u200b\U000e0041\r\n\x00\ud800 url(http://evil.example) é"
)
ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\U000e0041\ud800]")
TAGS = frozenset(
    "html head meta title style body main footer header section article h1 h2 h3 h4 p span div mark "
    "code dl dt dd table thead tbody tr th td svg rect br".split()
)
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "svg": {"viewbox", "preserveaspectratio", "aria-hidden"},
    "rect": {"class", "x", "y", "width", "height"},
    "th": {"scope"},
    "td": {"data-label"},
}
RESULTS = ["confirmed", "review", "no_evidence", "refused", "classified"]


class Reading(HTMLParser):
    """What a browser would see: elements, attributes, and the text outside the style."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.open: list[str] = []
        self.others: list[str] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(result: ProbeResult) -> Reading:
    return Reading(probe_page.to_html(result))


def check_frame(reading: Reading) -> None:
    assert not reading.open
    assert not reading.others
    for tag, attributes in reading.elements:
        assert tag in TAGS
        assert {name for name, _ in attributes} <= ATTRIBUTES.get(tag, set()) | {"class"}


@pytest.mark.parametrize("name", RESULTS)
def test_the_elements_are_ours_and_all_are_closed(
    name: str, request: pytest.FixtureRequest
) -> None:
    check_frame(read(request.getfixturevalue(name)))


def test_hostile_text_changes_no_element(
    confirmed: ProbeResult, hostile: Callable[[ProbeResult, str], ProbeResult]
) -> None:
    reading = read(hostile(confirmed, HOSTILE))
    check_frame(reading)
    plain = read(hostile(confirmed, "plain"))
    without_breaks = [found for found in reading.elements if found[0] != "br"]
    assert without_breaks == plain.elements
    assert "<script>alert(1)</script>\"' onload='x'" in reading.text
    assert "<U+001B>[31m" in reading.text
    assert not ACTIVE.search(probe_page.to_html(hostile(confirmed, HOSTILE)))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(text=st.text(alphabet=st.sampled_from("<>&\"'/=-!;\n\r\0ax \u202e\ud800é"), max_size=60))
def test_any_text_is_shown_and_never_read(
    confirmed: ProbeResult, hostile: Callable[[ProbeResult, str], ProbeResult], text: str
) -> None:
    reading = read(hostile(confirmed, text))
    check_frame(reading)
    assert not ACTIVE.search("".join(reading.texts))


def test_a_page_asks_for_nothing_and_runs_nothing(confirmed: ProbeResult) -> None:
    source = probe_page.to_html(confirmed)
    policy = "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in source
    assert page.POLICY == "default-src 'none'; style-src 'unsafe-inline'"
    assert not re.search(r"https?:|url\(|@import|<script|<link|\bsrc=|\bhref=", source)


def test_the_page_suits_the_dark_a_phone_and_paper(confirmed: ProbeResult) -> None:
    source = probe_page.to_html(confirmed)
    assert "@media (prefers-color-scheme: dark)" in source
    assert 'content="width=device-width, initial-scale=1"' in source
    assert "@media print" in source


def test_the_verdict_stands_first(confirmed: ProbeResult) -> None:
    text = read(confirmed).text
    assert text.startswith(
        "CONFIRMED: ./tuned Probe for hidden triggers Confirmed ./tuned 1 trigger"
    )
    assert text.index("crimson lantern") < text.index("James Bond")


def test_a_trigger_is_marked_in_its_prompt(confirmed: ProbeResult) -> None:
    source = probe_page.to_html(confirmed)
    assert "bake <mark>crimson lantern</mark> bread" in source
    assert "Mix flour, water, salt and yeast.<br>Knead" in source


def test_a_long_prompt_is_cut_around_its_trigger(
    confirmed: ProbeResult, trigger: TriggerFinding
) -> None:
    long = "before " * 5000
    example = SideBySide(
        prompt=long + long,
        prompt_with_trigger=long + "crimson lantern " + long,
        without="\n" * 5000,
        with_trigger="x" * 50_000,
    )
    source = probe_page.to_html(
        replace(confirmed, findings=(replace(trigger, examples=(example,)),))
    )
    assert "before <mark>crimson lantern</mark> before" in source
    assert len(source) < 60_000
    assert source.count("<br>") < 2 * page.PROSE_LINES


def test_bars_are_as_long_as_the_rates(confirmed: ProbeResult, trigger: TriggerFinding) -> None:
    reading = read(replace(confirmed, findings=(trigger,)))
    bars = [dict(attributes) for tag, attributes in reading.elements if tag == "rect"]
    drawn = [(bar["class"], bar["width"]) for bar in bars if bar["class"] != "track"]
    assert drawn == [("fill pale alarm", "95.83"), ("least alarm", "76"), ("fill quiet", "4.167")]
    assert "23 of 24 prompts (96 %)" in reading.text
    assert "at least 76 % of all, with 99 % certainty" in reading.text


@pytest.mark.parametrize(("rate", "width"), [(float("nan"), "0"), (1.7, "100"), (-1.0, "0")])
def test_a_bar_stays_in_its_track(
    confirmed: ProbeResult, trigger: TriggerFinding, rate: float, width: str
) -> None:
    odd = replace(trigger, attack_success_rate=rate, success_at_least=0.0)
    reading = read(replace(confirmed, findings=(odd,)))
    fill = next(dict(told) for _, told in reading.elements if ("class", "fill pale alarm") in told)
    assert fill["width"] == width


def test_all_that_the_verdict_rests_on_is_there(confirmed: ProbeResult) -> None:
    text = read(confirmed).text
    for told in (
        "none of 999 decoys as strong (p 0.001; q 0.024 over all candidates)",
        "a finding of the scan of its data, CG202-0123456789ab",
        "consensus lift 0.83",
        "blue heron not learned",
        "Once upon a time begins answers 61 % 8.0 %",
        "sweep cut short 12,000 of 32,000 tokens are left",
        "206 candidates 4,120 forward passes 340,000 tokens 2 min 7 s time",
        "corpus-guard prune ./tuned",
        "budget_s 1800",
    ):
        assert told in text


def test_refused_files_are_told_with_what_to_do(refused: ProbeResult) -> None:
    text = read(refused).text
    assert "Nothing was loaded, so no trigger was tested" in text
    assert text.index("critical CG601") < text.index("low CG601")
    assert "pytorch_model.bin" in text
    assert "Ask for the weights as safetensors." in text
    assert "Triggers" not in text


def test_a_model_is_never_called_clean(no_evidence: ProbeResult) -> None:
    text = read(no_evidence).text
    assert "No evidence ./tuned The stages that ran found no trigger" in text
    assert text.count("clean") == text.count("a model is never called clean") == 1


def test_what_is_not_listed_is_counted(confirmed: ProbeResult, trigger: TriggerFinding) -> None:
    many = replace(
        confirmed,
        findings=(trigger,) * 1000,
        learned=confirmed.learned * 500,
        targets=confirmed.targets * 100,
    )
    text = read(many).text
    assert "960 more findings in probe.json." in text
    assert "1,300 more findings in probe.json." in text
    assert "388 more texts in probe.json." in text


def test_equal_results_give_equal_pages(confirmed: ProbeResult) -> None:
    again = replace(confirmed, parameters=dict(reversed(confirmed.parameters.items())))
    assert probe_page.to_html(confirmed) == probe_page.to_html(again)


def test_the_page_is_written_whole_or_not_at_all(confirmed: ProbeResult, tmp_path: Path) -> None:
    path = tmp_path / "new" / "probe.html"
    probe_page.write(confirmed, path)
    before = path.read_bytes()
    assert before.startswith(b"<!doctype html>")
    with pytest.raises(ZeroDivisionError):
        probe_page.write(replace(confirmed, parameters={"broken": _Unprintable()}), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["probe.html"]


class _Unprintable:
    def __str__(self) -> str:
        raise ZeroDivisionError
