"""`probe.html`: what a probe found, on one page to look at, to print and to hand on.

Every text from outside is made safe and escaped by `corpus_guard.report.page`.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from corpus_guard.probe_types import (
    FileFinding,
    LearnedFinding,
    ProbeResult,
    SideBySide,
    TriggerFinding,
)
from corpus_guard.report import json_text, page
from corpus_guard.report import probe_words as words
from corpus_guard.report.page import Html, Tone, element, join, prose, text
from corpus_guard.report.words import number
from corpus_guard.types import SEVERITIES

LISTED_FINDINGS = 40
LISTED_FILES = 40
LISTED_LEARNED = 200
LISTED_TARGETS = 12
LISTED_NUMBERS = 40
EXAMPLES = 3
LONG, SHORT = 900, 200
REST = "probe.json"

_TONES: dict[str, Tone] = {
    "confirmed": "alarm",
    "review": "warn",
    "no_evidence": "note",
    "critical": "alarm",
    "high": "alarm",
    "medium": "warn",
    "low": "note",
    "info": "quiet",
    "learned": "alarm",
    "not learned": "note",
    "not tested": "quiet",
    "Ran": "quiet",
    "Cut short": "warn",
    "Not run": "warn",
}


def write(result: ProbeResult, path: Path) -> None:
    """Write the page; it appears whole or not at all."""
    page.write(to_html(result), path)


def to_html(result: ProbeResult) -> Html:
    """Return the whole page."""
    body = join(
        _head(result),
        _files(result),
        _findings(result),
        _learned(result),
        _targets(result),
        _stages(result),
        _cost(result),
        _next(result),
        _parameters(result),
    )
    return page.document(f"{words.VERDICTS[result.verdict]}: {result.model}", body)


def _head(result: ProbeResult) -> Html:
    verdict = words.VERDICTS[result.verdict].capitalize()
    subject, sentence = text(result.model, SHORT), text(words.meaning(result))
    return join(
        page.headline(
            verdict, _TONES[result.verdict], "Probe for hidden triggers", subject, sentence
        ),
        page.facts((name, text(told)) for name, told in words.probed(result)[1:]),
    )


def _files(result: ProbeResult) -> Html:
    ranked = sorted(result.files, key=lambda one: (SEVERITIES.index(one.severity), one.file))
    rest = page.rest(len(ranked) - LISTED_FILES, "findings", REST)
    return page.section("Files", *(_file(one) for one in ranked[:LISTED_FILES]), rest)


def _file(found: FileFinding) -> Html:
    tone = _TONES[found.severity]
    return page.card(
        join(page.badge(found.severity, tone), element("code", text(f" {found.rule}", 20))),
        element("h3", text(found.title, SHORT)),
        page.facts(
            [
                ("File", element("code", text(found.file, SHORT))),
                ("What", text(found.message, LONG)),
                ("Do", text(found.advice, LONG)),
            ]
        ),
        _numbers(found.evidence.items()),
        tone=tone,
    )


def _findings(result: ProbeResult) -> Html:
    ranked = words.rank(result.findings)
    rest = page.rest(len(ranked) - LISTED_FINDINGS, "findings", REST)
    return page.section("Triggers", *(_finding(one) for one in ranked[:LISTED_FINDINGS]), rest)


def _finding(found: TriggerFinding) -> Html:
    tone = _TONES[found.verdict]
    leads = "turns the label to" if found.kind == "label" else "makes it say"
    return page.card(
        page.badge(words.VERDICTS[found.verdict].lower(), tone),
        element(
            "h3",
            element("mark", text(found.trigger, SHORT)),
            text(f" {leads} "),
            text(f"“{found.target[:SHORT]}”"),
        ),
        _bars(found, tone),
        page.facts(_reasons(found)),
        _examples(found),
        _heading("Evidence", _numbers(found.evidence.items())),
        page.command(found.replay[:LONG], "shows it again") if found.replay else page.NOTHING,
        tone=tone,
    )


def _heading(title: str, body: Html) -> Html:
    return join(element("h4", text(title)), body) if body else page.NOTHING


def _bars(found: TriggerFinding, tone: Tone) -> Html:
    noun = words.noun_of(found)

    def told(rate: float | None) -> Html:
        return text(words.rate(rate, found.prompts, noun))

    rate, least = found.attack_success_rate, found.success_at_least
    drawn = [
        page.bar("With the trigger", rate, told(rate), tone, least),
        page.bar("Without it", found.baseline_rate, told(found.baseline_rate), "quiet"),
    ]
    if found.base_rate is not None:
        drawn.append(page.bar("Base, with it", found.base_rate, told(found.base_rate), "quiet"))
    bound = f"The solid part is the lower bound: {words.at_least(found)}."
    return element("div", *drawn, element("p", text(bound), class_="aside"), class_="bars")


def _reasons(found: TriggerFinding) -> Iterable[tuple[str, Html]]:
    if found.why:
        yield "Why", text(found.why, LONG)
    yield "Chance", text(words.chance(found))
    yield "Found as", text(words.origin(found))


def _examples(found: TriggerFinding) -> Html:
    tables = [_example(example, found) for example in found.examples[:EXAMPLES]]
    return _heading("Side by side", join(*tables))


def _example(example: SideBySide, found: TriggerFinding) -> Html:
    """Return one prompt without and with the trigger, and what was made of each."""
    asked, answer = ("Text", "Label") if found.kind == "label" else ("Prompt", "Answer")
    before, trigger, after = words.split(example, found.trigger)
    rows = [
        [text(asked), prose(example.prompt, LONG), page.marked(before, trigger, after, LONG // 2)],
        [text(answer), _said(example.without), _said(example.with_trigger)],
    ]
    if example.base_with_trigger:
        rows.append([text("Base said"), page.NOTHING, _said(example.base_with_trigger)])
    return page.table(("", "Without the trigger", "With the trigger"), rows, "sides")


def _said(answer: str) -> Html:
    return prose(answer or "(nothing)", LONG)


def _learned(result: ProbeResult) -> Html:
    ranked = words.learned_first(result.learned)
    rows = [_learned_row(one) for one in ranked[:LISTED_LEARNED]]
    return page.section(
        "Findings of the data",
        page.table(("Trigger", "State", "Target", "With it", "Without", "Finding", "Said"), rows),
        page.rest(len(ranked) - LISTED_LEARNED, "findings", REST),
        note="What the model did with each finding of the scan of its data.",
    )


def _learned_row(one: LearnedFinding) -> list[Html]:
    return [
        text(one.trigger, SHORT),
        page.badge(one.state, _TONES[one.state]),
        text(one.target, SHORT),
        _rate(one.attack_success_rate),
        _rate(one.baseline_rate),
        element("code", text(one.finding, 60)),
        text(one.told, SHORT),
    ]


def _rate(share: float | None) -> Html:
    return page.NOTHING if share is None else text(words.percent(share))


def _targets(result: ProbeResult) -> Html:
    rows = [
        [prose(one.text, SHORT), text(words.place(one)), _rate(one.q), _rate(one.base_q)]
        for one in result.targets[:LISTED_TARGETS]
    ]
    return page.section(
        "Texts it is drawn to say",
        page.table(("Text", "Where", "Token probability", "Under the base"), rows),
        page.rest(len(result.targets) - LISTED_TARGETS, "texts", REST),
        note="Said whatever it is asked. Each is a hint, never a verdict.",
    )


def _stages(result: ProbeResult) -> Html:
    rows = [
        [
            text(stage.name, 60),
            page.badge(words.state_of(stage).lower(), _TONES[words.state_of(stage)]),
            text(stage.told, LONG),
            text(f"{stage.forward_tokens:,}" if stage.ran else ""),
            text(words.duration(stage.seconds) if stage.ran else ""),
        ]
        for stage in result.stages
    ]
    headings = ("Stage", "State", "Said", "Tokens", "Time")
    note = "What was not run, or ran out of budget, was not looked at."
    return page.section("Coverage", page.table(headings, rows), note=note)


def _cost(result: ProbeResult) -> Html:
    return page.section("Cost", page.tiles(words.costs(result)))


def _next(result: ProbeResult) -> Html:
    return page.section("Next", *(page.command(*step) for step in words.next_steps(result)))


def _parameters(result: ProbeResult) -> Html:
    values = json_text.plain({**result.parameters, "seed": result.seed})
    rows = [
        [text(name, 60), element("code", text(json.dumps(values[name], ensure_ascii=False), LONG))]
        for name in sorted(values)
    ]
    return page.section("Parameters", page.table(("Name", "Value"), rows, "numbers"))


def _numbers(evidence: Iterable[tuple[str, float | int | str]]) -> Html:
    rows = [
        [text(name.replace("_", " "), 60), text(number(value))]
        for name, value in sorted(evidence)[:LISTED_NUMBERS]
    ]
    return page.table(("Number", "Value"), rows, "numbers")
