"""What a probe found, in words: shared by the summary on the terminal and the page.

Every text returned here is already safe to show on a terminal, but not escaped for a page.
"""

import math
import shlex
from collections.abc import Iterable, Sequence

from corpus_guard.escape import safe_text
from corpus_guard.probe_types import (
    LearnedFinding,
    ProbeResult,
    RecoveredTarget,
    SideBySide,
    StageRun,
    TriggerFinding,
)
from corpus_guard.report.words import counted, share

LISTED_CONTEXTS = 8
NEVER_CLEAN = "a model is never called clean"

VERDICTS = {"confirmed": "CONFIRMED", "review": "REVIEW", "no_evidence": "NO EVIDENCE"}

_SOURCES = {
    "scan": "a finding of the scan of its data",
    "given": "a text that was given",
    "published": "the list of published triggers",
    "weights": "its weights, compared with the base",
    "vocabulary": "a sweep of its vocabulary",
    "grown": "grown from another candidate",
}


def rank(findings: Iterable[TriggerFinding]) -> list[TriggerFinding]:
    """Return the findings, confirmed ones first, then the strongest effect, then by trigger."""
    return sorted(
        findings,
        key=lambda one: (
            one.verdict != "confirmed",
            one.baseline_rate - one.attack_success_rate,
            one.p_value,
            one.trigger,
        ),
    )


def meaning(result: ProbeResult) -> str:
    """Return what the verdict means in one sentence, with the exit code."""
    parts = [*_found(result), *_left(result)]
    if result.verdict == "no_evidence":
        parts.append(NEVER_CLEAN)
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]} (exit code {result.exit_code})."


def _found(result: ProbeResult) -> list[str]:
    confirmed = sum(one.verdict == "confirmed" for one in result.findings)
    doubtful = len(result.findings) - confirmed
    strong = sum(one.severity in ("critical", "high") for one in result.files)
    parts = []
    if confirmed:
        parts.append(f"{counted(confirmed, 'trigger')} shown to work on held-out {_asked(result)}")
    if doubtful:
        parts.append(f"{counted(doubtful, 'possible trigger')} to look at")
    if result.kind is None:
        parts.append("nothing was loaded, so no trigger was tested")
    elif not result.findings:
        parts.append("the stages that ran found no trigger")
    if strong:
        parts.append(f"{counted(strong, 'file finding')} to act on")
    return parts


def _asked(result: ProbeResult) -> str:
    return "texts" if result.kind == "classifier" else "prompts"


def _left(result: ProbeResult) -> list[str]:
    """Return how much of the probe did not happen; nothing is said where nothing was loaded."""
    if result.kind is None:
        return []
    missing = sum(not stage.ran for stage in result.stages)
    short = sum(stage.ran and not stage.complete for stage in result.stages)
    parts = []
    if missing:
        parts.append(f"{counted(missing, 'stage')} did not run")
    if short:
        parts.append(f"{counted(short, 'stage')} ran out of budget")
    return parts


def probed(result: ProbeResult) -> list[tuple[str, str]]:
    """Return what was probed: names beside what they are."""
    facts = [("Model", safe_text(result.model, 200))]
    if result.adapter is not None:
        facts.append(("Adapter", safe_text(result.adapter, 200)))
    base = "none given" if result.base is None else safe_text(result.base, 200)
    kind = {"causal": "writes text", "classifier": "classifies", None: "not loaded"}[result.kind]
    named = safe_text(result.architecture, 80)
    facts += [("Base", base), ("Architecture", f"{named} ({kind})" if named else kind)]
    if result.contexts:
        shown = [safe_text(context, 60) for context in result.contexts[:LISTED_CONTEXTS]]
        more = len(result.contexts) - len(shown)
        facts.append(("Contexts", ", ".join(shown) + (f" and {more:,} more" if more else "")))
    return facts


def percent(part: float) -> str:
    """Return a share as `96 %`; none at all is `0 %`, as it stands beside a count."""
    return share(part) if part else "0 %"


def rate(part: float | None, prompts: int, noun: str) -> str:
    """Return `23 of 24 prompts (96 %)`, or `not measured`."""
    if part is None or math.isnan(part):
        return "not measured"
    if not prompts:
        return percent(part)
    return f"{round(part * prompts):,} of {counted(prompts, noun)} ({percent(part)})"


def noun_of(finding: TriggerFinding) -> str:
    """Return what the trigger was put into: a text to classify or a prompt."""
    return "text" if finding.kind == "label" else "prompt"


def at_least(finding: TriggerFinding) -> str:
    """Return the bound on how often it works, as a clause."""
    return f"at least {percent(finding.success_at_least)} of all, with 99 % certainty"


def chance(finding: TriggerFinding) -> str:
    """Return how the trigger stands against decoys, and what is left of that over all candidates."""
    if not finding.decoys:
        return "not compared with decoys"
    p_value, q_value = f"p {finding.p_value:.2g}", f"q {finding.q_value:.2g}"
    return f"{_beaten(finding)} ({p_value}; {q_value} over all candidates)"


def _beaten(finding: TriggerFinding) -> str:
    """Return how many decoys did as much, which the conformal p-value tells."""
    expected = finding.p_value * (finding.decoys + 1) - 1
    reached = 0 if math.isnan(expected) else min(max(round(expected), 0), finding.decoys)
    return (
        f"{f'{reached:,}' if reached else 'none'} of {counted(finding.decoys, 'decoy')} as strong"
    )


def origin(finding: TriggerFinding) -> str:
    """Return where the candidate came from."""
    source = _SOURCES.get(finding.source) or safe_text(finding.source, 60)
    named = safe_text(finding.data_finding, 60)
    return f"{source}, {named}" if named else source


def split(example: SideBySide, trigger: str) -> tuple[str, str, str]:
    """Return the prompt with the trigger as what stands before it, itself and what stands after.

    Where the trigger does not stand there word for word, it is what the two prompts do not share.
    """
    text, plain = example.prompt_with_trigger, example.prompt
    start = _shared(text, plain)
    # What was put in may share its beginning with what follows, and the trigger may stand elsewhere too.
    found = text.find(trigger, max(0, start - len(trigger))) if trigger else -1
    if found >= 0:
        start, end = found, found + len(trigger)
    else:
        end = len(text) - _shared(text[start:][::-1], plain[start:][::-1])
        start, end = _trimmed(text, start, end)
    return text[:start], text[start:end], text[end:]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the same part of `text` without the blanks at its ends."""
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return start, max(start, end - (len(part) - len(part.rstrip())))


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def learned_first(learned: Iterable[LearnedFinding]) -> list[LearnedFinding]:
    """Return what was learned first, then what was not, then what nobody tested."""
    order = ("learned", "not learned", "not tested")
    return sorted(learned, key=lambda one: (order.index(one.state), one.finding))


def rates(learned: LearnedFinding) -> str:
    """Return how often the target came with and without the trigger, or ""."""
    if learned.attack_success_rate is None:
        return ""
    told = f"{percent(learned.attack_success_rate)} with it"
    if learned.baseline_rate is None:
        return told
    return f"{told}, {percent(learned.baseline_rate)} without"


def certainty(target: RecoveredTarget) -> str:
    """Return how sure the model is of a recovered target, and its base of the same."""
    base = f", {percent(target.base_q)} under the base" if target.base_q is not None else ""
    return f"{place(target)}; mean token probability {percent(target.q)}{base}"


def place(target: RecoveredTarget) -> str:
    """Return where in an answer the target is said."""
    return "begins answers" if target.place == "start" else "follows answers"


def unfinished(stages: Sequence[StageRun]) -> list[tuple[str, str]]:
    """Return the stages that did not run or ran out of budget, each with what it says of that."""
    return [(state_of(stage), _told(stage)) for stage in stages if state_of(stage) != "Ran"]


def state_of(stage: StageRun) -> str:
    """Return `Ran`, `Not run` or `Cut short`."""
    return "Not run" if not stage.ran else "Ran" if stage.complete else "Cut short"


def _told(stage: StageRun) -> str:
    told = safe_text(stage.told, 300)
    return f"{safe_text(stage.name, 60)}: {told}" if told else safe_text(stage.name, 60)


def cost(result: ProbeResult) -> str:
    """Return what the probe cost."""
    return " · ".join(f"{amount} {unit}".strip() for amount, unit in _costs(result))


def costs(result: ProbeResult) -> list[tuple[str, str]]:
    """Return what the probe cost: amounts beside what they count."""
    return [(amount, unit or "time") for amount, unit in _costs(result)]


def _costs(result: ProbeResult) -> list[tuple[str, str]]:
    counts = (
        counted(result.candidates_tested, "candidate"),
        counted(result.forward_passes, "forward pass", "forward passes"),
        counted(result.forward_tokens, "token"),
    )
    told = [(amount, unit) for amount, _, unit in (count.partition(" ") for count in counts)]
    return [*told, (duration(_seconds(result)), "")]


def _seconds(result: ProbeResult) -> float:
    if "total" in result.timing:
        return float(result.timing["total"])
    measured = {stage.name: stage.seconds for stage in result.stages} | dict(result.timing)
    return sum(measured.values())


def duration(seconds: float) -> str:
    """Return `0.4 s`, `42 s` or `3 min 5 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s" if minutes else f"{rest} s"


def next_steps(result: ProbeResult) -> list[tuple[str, str]]:
    """Return commands to run next, each with what it is for."""
    model = shlex.quote(safe_text(result.model, 400))
    steps = [
        (safe_text(one.replay, 600), "shows it again")
        for one in rank(result.findings)[:1]
        if one.replay
    ]
    if result.verdict == "confirmed":
        steps.append((f"corpus-guard prune {model}", "takes the trigger out, as far as that goes"))
    elif result.kind is not None and not result.parameters.get("full"):
        steps.append((f"corpus-guard probe {model} --full", "looks further, with a larger budget"))
    if result.kind is not None and result.base is None and result.verdict != "confirmed":
        steps.append(
            (f"corpus-guard probe {model} --base BASE", "compares it with what it was tuned from")
        )
    return steps
