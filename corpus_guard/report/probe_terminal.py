"""The summary of a probe on the terminal: the verdict, the triggers, what they rest on, what to do next.

It is made to be read in ten seconds. Every text from outside goes through `safe_text`, and none is
read as markup.
"""

from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.text import Text

from corpus_guard.escape import safe_text
from corpus_guard.probe_types import FileFinding, LearnedFinding, ProbeResult, TriggerFinding
from corpus_guard.report import columns
from corpus_guard.report import probe_words as words
from corpus_guard.report.columns import print_facts, print_hanging
from corpus_guard.report.words import counted
from corpus_guard.types import SEVERITIES

DETAILED_FINDINGS = 3
LISTED_FINDINGS = 10
LISTED_FILES = 5
LISTED_LEARNED = 8
LISTED_TARGETS = 3

_STYLES = {
    "confirmed": "bold red",
    "review": "bold yellow",
    "no_evidence": "bold cyan",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
    "learned": "bold red",
    "not learned": "default",
    "not tested": "dim",
}

Fact = tuple[str, Text]


def show(result: ProbeResult, stream: TextIO, width: int | None = None) -> None:
    """Write the summary to `stream`, in colour where it is a terminal and NO_COLOR is not set.

    `width` is in columns; None means that of the terminal, or 80.
    """
    with columns.console(stream, width) as console:
        print_hanging(console, Text(), _verdict(result))
        print_facts(console, [(name, Text(told)) for name, told in words.probed(result)[1:]])
        console.print()
        _print_files(console, result)
        _print_findings(console, result)
        _print_block(console, list(_data(result)))
        _print_block(console, list(_hints(result)))
        _print_block(
            console, [(kind, Text(told)) for kind, told in words.unfinished(result.stages)]
        )
        print_facts(console, list(_ending(result)))


def _print_block(console: Console, facts: list[Fact]) -> None:
    if facts:
        print_facts(console, facts)
        console.print()


def _verdict(result: ProbeResult) -> Text:
    line = Text(words.VERDICTS[result.verdict], style=_STYLES[result.verdict])
    line.append("  ", style="not bold")
    line.append(safe_text(result.model, 200), style="not bold default")
    line.append("\n" + words.meaning(result), style="not bold default")
    return line


def _print_files(console: Console, result: ProbeResult) -> None:
    ranked = sorted(result.files, key=lambda one: (SEVERITIES.index(one.severity), one.file))
    for found in ranked[:LISTED_FILES]:
        severity = (f"{found.severity.upper():8} ", _STYLES[found.severity])
        head = Text.assemble("   ", severity, f"{safe_text(found.rule, 20)}  ")
        where = f"  ({safe_text(found.file, 120)})"
        print_hanging(console, head, Text.assemble((safe_text(found.title, 200), "bold"), where))
        print_facts(console, list(_file_details(found)), indent=3)
    _print_rest(console, len(ranked) - LISTED_FILES, "file finding")
    if ranked:
        console.print()


def _file_details(found: FileFinding) -> Iterator[Fact]:
    yield "what", Text(safe_text(found.message, 400))
    if found.advice:
        yield "do", Text(safe_text(found.advice, 400), style="italic")


def _print_findings(console: Console, result: ProbeResult) -> None:
    ranked = words.rank(result.findings)
    for place, finding in enumerate(ranked[:LISTED_FINDINGS], 1):
        print_hanging(console, _place(place, finding), _headline(finding))
        if place <= DETAILED_FINDINGS:
            print_facts(console, list(_details(finding, console.width - 14)), indent=3)
            console.print()
    _print_rest(console, len(ranked) - LISTED_FINDINGS, "more finding")
    if len(ranked) > DETAILED_FINDINGS:
        console.print()


def _print_rest(console: Console, number: int, noun: str) -> None:
    if number > 0:
        told = noun if noun.startswith("more ") else f"more {noun}"
        console.print(f"   {counted(number, told)} in probe.json", style="dim")


def _place(place: int, finding: TriggerFinding) -> Text:
    return Text.assemble(
        f"{place:2} ", (f"{finding.verdict.upper():9}  ", _STYLES[finding.verdict])
    )


def _headline(finding: TriggerFinding) -> Text:
    trigger = (f'"{safe_text(finding.trigger, 200)}"', "bold")
    leads = "turns the label to" if finding.kind == "label" else "makes it say"
    return Text.assemble(trigger, f' {leads} "{safe_text(finding.target, 160)}"')


def _details(finding: TriggerFinding, width: int) -> Iterator[Fact]:
    noun = words.noun_of(finding)
    with_it = words.rate(finding.attack_success_rate, finding.prompts, noun)
    without = words.rate(finding.baseline_rate, finding.prompts, noun)
    yield "with it", Text.assemble((with_it, "bold"), f", {words.at_least(finding)}")
    yield "without", Text(without)
    if finding.base_rate is not None:
        yield "base", Text(f"{words.rate(finding.base_rate, finding.prompts, noun)} with it")
    yield "chance", Text(words.chance(finding))
    yield "found as", Text(words.origin(finding))
    if finding.why:
        yield "why", Text(safe_text(finding.why, 400))
    yield from _example(finding, width)


def _example(finding: TriggerFinding, width: int) -> Iterator[Fact]:
    """Give one prompt without and with the trigger, each above what the model made of it."""
    answer = "label" if finding.kind == "label" else "answer"
    for example in finding.examples[:1]:
        yield words.noun_of(finding), _cut(example.prompt, width)
        yield answer, _cut(example.without, 2 * width)
        yield "with it", columns.marked(*words.split(example, finding.trigger), width)
        yield answer, _cut(example.with_trigger, 2 * width, "bold")
        if example.base_with_trigger:
            yield "base's", _cut(example.base_with_trigger, width)


def _cut(text: str, width: int, style: str = "") -> Text:
    """Return as much of `text` as `width` columns hold."""
    shown = Text(safe_text(text, width) or "(nothing)", style=style)
    shown.truncate(width, overflow="ellipsis")
    return shown


def _data(result: ProbeResult) -> Iterator[Fact]:
    """Give what the model did with each finding of the scan of its data."""
    ranked = words.learned_first(result.learned)
    for learned in ranked[:LISTED_LEARNED]:
        yield "In its data", _learned(learned)
    if len(ranked) > LISTED_LEARNED:
        more = counted(len(ranked) - LISTED_LEARNED, "more finding")
        yield "", Text(f"{more} of the scan in probe.json", style="dim")


def _learned(learned: LearnedFinding) -> Text:
    trigger, target = safe_text(learned.trigger, 60), safe_text(learned.target, 60)
    leads = f' → "{target}"' if target else ""
    told = "; ".join(part for part in (words.rates(learned), safe_text(learned.told, 200)) if part)
    return Text.assemble(
        (f"{learned.state:11}", _STYLES[learned.state]),
        f'  {safe_text(learned.finding, 40)}  "{trigger}"{leads}',
        f" ({told})" if told else "",
    )


def _hints(result: ProbeResult) -> Iterator[Fact]:
    """Give the likeliest of the texts that the model is drawn to say."""
    for target in result.targets[:LISTED_TARGETS]:
        told = f'"{safe_text(target.text, 160)}" ({words.certainty(target)})'
        yield "Drawn to say", Text(told)
    more = len(result.targets) - LISTED_TARGETS
    if result.targets:
        rest = f"; {more:,} more in probe.json" if more > 0 else ""
        yield "", Text(f"a hint, never a verdict{rest}", style="dim")


def _ending(result: ProbeResult) -> Iterator[Fact]:
    yield "Cost", Text(words.cost(result))
    yield "Report", Text(f"{safe_text(str(result.out), 400)}/probe.html (and probe.json)")
    for command, purpose in words.next_steps(result):
        yield "Next", Text.assemble((command, "bold"), f"  ({purpose})")
