"""The summary on the terminal: the verdict, what it rests on, the findings, and what to do next.

It is made to be read in ten seconds. Every text from outside goes through `safe_text`, and none is
read as markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TextIO

from rich.console import Console
from rich.text import Text

from corpus_guard.escape import safe_text
from corpus_guard.report import columns
from corpus_guard.report.columns import print_facts, print_hanging
from corpus_guard.report.words import counted, share, size, statistics, weighing
from corpus_guard.types import (
    SEVERITIES,
    Cap,
    Context,
    Coverage,
    FileLayout,
    Finding,
    LimitOfDetection,
    PluginRun,
    RowSet,
    ScanResult,
    Unread,
)

DETAILED_FINDINGS = 5
LISTED_FINDINGS = 10
LISTED_PLACES = 5
LISTED_LAYOUTS = 5
LISTED_FIELDS = 8
LISTED_FORMS = 3
CONTEXTS = 2
DETAILED_SEVERITIES = ("critical", "high", "medium")

_STYLES = {
    "clean": "bold green",
    "suspicious": "bold yellow",
    "poisoned": "bold red",
    "incomplete": "bold magenta",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


def show(result: ScanResult, stream: TextIO, width: int | None = None) -> None:
    """Write the summary to `stream`, in colour where it is a terminal and NO_COLOR is not set.

    `width` is in columns; None means that of the terminal, or 80.
    """
    with columns.console(stream, width) as console:
        _print_result(console, result)


def _print_result(console: Console, result: ScanResult) -> None:
    console.print(_verdict(result))
    print_facts(console, _basis(result))
    console.print()
    ranked = rank(result.findings)
    for place, finding in enumerate(ranked[:LISTED_FINDINGS], 1):
        print_hanging(console, _place(place, finding), _headline(finding))
        if place <= DETAILED_FINDINGS and finding.severity in DETAILED_SEVERITIES:
            print_facts(console, _details(finding, console.width - 14), indent=3)
            console.print()
    if len(ranked) > LISTED_FINDINGS:
        more = counted(len(ranked) - LISTED_FINDINGS, "more finding")
        console.print(f"   {more} in the report", style="dim")
    if ranked and ranked[-1].severity not in DETAILED_SEVERITIES:
        console.print()
    print_facts(console, _next_steps(result, ranked))


def rank(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, the most severe first, then by score, then by id."""
    return sorted(
        findings,
        key=lambda finding: (SEVERITIES.index(finding.severity), -finding.score, finding.id),
    )


def _verdict(result: ScanResult) -> Text:
    line = Text(result.verdict.upper(), style=_STYLES[result.verdict])
    line.append("  ", style="not bold")
    line.append(safe_text(result.target, 200), style="not bold default")
    line.append("\n" + _meaning(result), style="not bold default")
    return line


def _meaning(result: ScanResult) -> str:
    flagged = reduce(or_, (finding.rows_flagged for finding in result.findings), RowSet())
    strong = sum(finding.severity in ("critical", "high") for finding in result.findings)
    weak = len(result.findings) - strong
    parts = []
    if strong:
        parts.append(f"{counted(strong, 'strong finding')}, {counted(len(flagged), 'row')} flagged")
    if weak:
        parts.append(counted(weak, "weak finding") + " to look at")
    if result.coverage.skipped_total:
        parts.append("part of the target was not scanned")
    if any(run.failed for run in result.coverage.plugins.values()):
        parts.append("a rule broke down")
    if any(run.gap for run in result.coverage.plugins.values()):
        parts.append("something in it was not assessed")
    told = "; ".join(parts) or "the rules that ran found nothing"
    return f"{told[0].upper()}{told[1:]} (exit code {result.exit_code})."


def _basis(result: ScanResult) -> list[tuple[str, Text]]:
    coverage = result.coverage
    facts = [("Scanned", Text(_scanned(coverage)))]
    if result.resolved_revision is not None:
        facts.append(("Revision", Text(safe_text(result.resolved_revision, 200))))
    if coverage.rows_with:
        facts.append(("Holds", Text(_held(coverage.rows_with))))
    facts += [("Not scanned", place) for place in _skipped(coverage)]
    if coverage.passed_over:
        facts.append(("Passed over", Text(_passed_over(coverage.passed_over))))
    facts += [("Layout", Text(_layout(layout))) for layout in result.layouts[:LISTED_LAYOUTS]]
    if len(result.layouts) > LISTED_LAYOUTS:
        facts.append(("", Text(f"{counted(len(result.layouts) - LISTED_LAYOUTS, 'more layout')}")))
    facts += [
        (kind, Text(f"{safe_text(name, 60)}: {safe_text(run.reason, 160)}"))
        for kind in ("Broke down", "Not assessed", "Not run")
        for name, run in sorted(coverage.plugins.items())
        if kind == _kind_of(run)
    ]
    facts += [("Bounds", Text(_cap(cap))) for cap in coverage.caps[:LISTED_PLACES]]
    facts += [("Would find", Text(_limit(limit))) for limit in result.limit_of_detection]
    return facts


def _kind_of(run: PluginRun) -> str:
    if run.ran:
        return "Run"
    return "Broke down" if run.failed else "Not assessed" if run.gap else "Not run"


def _held(rows_with: Mapping[str, int]) -> str:
    """Return how many rows have what; nothing is said of what none has."""
    told = [f"{role} in {counted(rows, 'row')}" for role, rows in rows_with.items() if rows]
    return " · ".join(told) or "no text, prompt, response or label"


def _cap(cap: Cap) -> str:
    left = f"{cap.left_out:,} left out"
    return f"{safe_text(cap.plugin, 60)}: {cap.limit:,} {safe_text(cap.what, 120)}, {left}"


def _scanned(coverage: Coverage) -> str:
    share_read = f"{coverage.records_scanned:,} of {counted(coverage.records_total, 'record')}"
    weight = size(coverage.bytes_scanned)
    if coverage.bytes_scanned != coverage.bytes_total:
        weight += f" of {size(coverage.bytes_total)}"
    told = f"{share_read} in {counted(coverage.files, 'file')}, {weight}"
    lost = [
        f"{amount:,} {how}"
        for amount, how in (
            (coverage.records_partial, "only in part"),
            (coverage.records_skipped, "not at all"),
        )
        if amount
    ]
    return f"{told}; {' and '.join(lost)}" if lost else told


def _passed_over(names: Sequence[str]) -> str:
    told = ", ".join(safe_text(name, 60) for name in names[:LISTED_PLACES])
    more = len(names) - LISTED_PLACES
    return f"{told}{f' and {more:,} more' if more > 0 else ''} (no data)"


def _skipped(coverage: Coverage) -> list[Text]:
    places = [Text(_lost(unread)) for unread in coverage.skipped[:LISTED_PLACES]]
    rest = coverage.skipped_total - len(places)
    if rest > 0:
        places.append(Text(f"and {counted(rest, 'more place')}, the first of them in report.json"))
    return places


def _lost(unread: Unread) -> str:
    where = safe_text(unread.file, 120)
    if unread.row >= 0:
        where += f" record {unread.row}"
    if unread.byte_offset >= 0:
        where += f" at byte {unread.byte_offset}"
    how = " (in part)" if unread.kind == "partial" else ""
    return f"{where}{how}: {safe_text(unread.reason, 160)}"


def _layout(found: FileLayout) -> str:
    fields = dict(found.layout.roles)
    if found.layout.winner:
        fields["winner"] = (found.layout.winner,)
    roles = " · ".join(
        f"{safe_text(role, 40)} ← {', '.join(safe_text(name, 40) for name in names)}"
        for role, names in sorted(fields.items())
    )
    files = f"{counted(found.files, 'file')} like " if found.files > 1 else ""
    where = f"{files}{safe_text(found.example, 80)}"
    name = " and ".join(
        safe_text(name, 60) for name in (found.layout.name or found.layout.kind, *found.also[:3])
    )
    kind = safe_text(found.format, 20)
    if found.encoding != "utf-8":
        kind += f", {safe_text(found.encoding, 20)}"
    if found.forms:
        kind += (
            f", unfolded: {', '.join(safe_text(form, 40) for form in found.forms[:LISTED_FORMS])}"
        )
    return f"{name}: {roles}{_others(found)}{_turned(found)}  ({where}, {kind})"


def _turned(found: FileLayout) -> str:
    """Return how else the records were read, and how to settle it."""
    ways = [
        " ".join(
            f"{role} ← {', '.join(safe_text(n, 40) for n in fields)}"
            for role, fields in sorted(one.items())
        )
        for one in found.layout.turned
    ]
    if not ways:
        return ""
    options = (
        "--label-field"
        if all("label" in one for one in found.layout.turned)
        else ("--prompt-field and --response-field, or --text-field")
    )
    return f" · not sure, so also read as {'; '.join(ways)} (settle it with {options})"


def _others(found: FileLayout) -> str:
    """Return the fields in no role, the first few by name."""
    if not found.other_fields:
        return ""
    shown = found.other_fields[:LISTED_FIELDS]
    names = ", ".join(safe_text(name, 40) for name in shown)
    more = found.other_fields_total - len(shown)
    told = f" (of {found.told_by:,} records looked at)" if found.told_by else ""
    return f" · other ← {names}" + (f" and {more:,} more" if more > 0 else "") + told


def _limit(limit: LimitOfDetection) -> str:
    rows = f"{counted(limit.rows, 'row')}, {share(limit.poison_rate)} of the data"
    return f"{safe_text(limit.attack, 60)} from {rows}, {share(limit.power)} of the time"


def _place(place: int, finding: Finding) -> Text:
    severity = (f"{finding.severity.upper():8} ", _STYLES[finding.severity])
    return Text.assemble(f"{place:2} ", severity, f"{safe_text(finding.rule, 20)}  ")


def _headline(finding: Finding) -> Text:
    rows = f"  ({counted(len(finding.rows), 'row')})"
    return Text.assemble((safe_text(finding.title, 200), "bold"), rows)


def _details(finding: Finding, width: int) -> list[tuple[str, Text]]:
    facts = [("what", Text(safe_text(finding.message, 600)))]
    if finding.trigger:
        shown = f'"{safe_text(finding.trigger.text, 200)}"'
        facts.append(("trigger", Text(f"{shown} ({safe_text(finding.trigger.kind, 40)})")))
    if finding.target:
        value = safe_text(finding.target.value, 200)
        facts.append(("leads to", Text(f'{safe_text(finding.target.field, 60)}: "{value}"')))
    facts.append(("rows", Text(_rows(finding))))
    facts.append(("numbers", Text(" · ".join(statistics(finding.evidence, finding.q_value)))))
    if weighed := weighing(finding.evidence):
        facts.append(("weighed", Text(weighed)))
    for context in finding.contexts[:CONTEXTS]:
        facts.append((f"row {context.row}", _context(context, width)))
    facts.append(("likely", Text(safe_text(finding.attack, 100))))
    facts.append(("do", Text(safe_text(finding.advice, 400), style="italic")))
    return facts


def _rows(finding: Finding) -> str:
    sample = finding.rows_sample[:4]
    one_file = len({place.file for place in sample}) == 1
    named = ", ".join(
        f"{place.row}" if one_file else f"{safe_text(place.file, 60)} {place.row}"
        for place in sample
    )
    where = f" of {safe_text(sample[0].file, 80)}" if sample and one_file else ""
    ending = ", …" if len(finding.rows) > len(sample) else ""
    flagged = len(finding.rows_flagged)
    told = "all" if flagged == len(finding.rows) else f"{flagged:,}" if flagged else "none"
    told = f"{len(finding.rows):,}, {told} flagged"
    return f"{told}: {named}{ending}{where}" if sample else told


def _context(context: Context, width: int) -> Text:
    return columns.marked(context.before, context.match, context.after, width)


def _next_steps(result: ScanResult, ranked: Sequence[Finding]) -> list[tuple[str, Text]]:
    folder = safe_text(str(result.out), 400)
    facts = [("Report", Text(f"{folder}/report.json (each row's score is in rows.parquet)"))]
    if ranked:
        rule = safe_text(ranked[0].rule, 20)
        facts.append(("Next", Text(f"corpus-guard explain {rule}", style="bold")))
    else:
        command = Text.assemble(("corpus-guard explain", "bold"), "  (what was looked for)")
        facts.append(("Next", command))
    return facts
