"""From what a probe found to its verdict, and to what the model did with the findings of a scan."""

from collections.abc import Mapping, Sequence

from corpus_guard.probe.shared.bench import Given
from corpus_guard.probe.shared.evidence import Screened
from corpus_guard.probe_types import FileFinding, LearnedFinding, ProbeVerdict, TriggerFinding


def verdict_of(findings: Sequence[TriggerFinding]) -> ProbeVerdict:
    """Return `confirmed` where one finding is, `review` where one asks for it, else `no_evidence`."""
    told = {one.verdict for one in findings}
    if "confirmed" in told:
        return "confirmed"
    return "review" if told else "no_evidence"


def exit_code_of(verdict: ProbeVerdict, files: Sequence[FileFinding], *, gap: bool) -> int:
    """Return 1 for a confirmed trigger or an unsafe file, 3 for review or a gap, else 0."""
    if verdict == "confirmed" or any(one.severity in ("critical", "high") for one in files):
        return 1
    return 3 if verdict == "review" or gap else 0


def learned_of(
    given: Sequence[Given],
    untested: Sequence[LearnedFinding],
    findings: Sequence[TriggerFinding],
    evidence: Mapping[str, object],
) -> tuple[LearnedFinding, ...]:
    """Return for each finding of a scan whether the model learned it, in the order of the report."""
    screened = evidence.get("screening")
    tried: dict[str, float] = {}
    for one in screened.tried if isinstance(screened, Screened) else ():
        tried[one.finding] = max(one.rate, tried.get(one.finding, 0.0))
    found: dict[str, TriggerFinding] = {}
    for hit in findings:
        if hit.data_finding and found.get(hit.data_finding, hit).verdict != "confirmed":
            found[hit.data_finding] = hit
        found.setdefault(hit.data_finding, hit)
    told = {}
    for suspect in given:
        name = suspect.finding
        if name and name not in told:
            told[name] = _learned(suspect, found.get(name), tried.get(name))
    return (*told.values(), *untested)


def _learned(given: Given, finding: TriggerFinding | None, rate: float | None) -> LearnedFinding:
    if finding is not None:
        learned = finding.verdict == "confirmed"
        return LearnedFinding(
            finding=given.finding,
            rule=given.rule,
            trigger=finding.trigger,
            target=finding.target,
            state="learned" if learned else "not tested",
            attack_success_rate=finding.attack_success_rate,
            baseline_rate=finding.baseline_rate,
            told=finding.why,
        )
    return LearnedFinding(
        finding=given.finding,
        rule=given.rule,
        trigger=given.text,
        target=given.target,
        state="not tested" if rate is None else "not learned",
        attack_success_rate=rate,
        baseline_rate=None,
        told="the budget was spent before it"
        if rate is None
        else "it hardly changes what the model says",
    )
