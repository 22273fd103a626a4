"""`corpus-guard probe`: take in → load → stages → fuse → report."""

import hashlib
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.flow.opening_models import (
    Opened,
    OpenedClassifier,
    TakenIn,
    device_of,
    open_model,
    take_in_all,
)
from corpus_guard.flow.probe_inputs import Suspected, prompts_for, suspected
from corpus_guard.flow.probe_stages import Kept, Ran, run_stages, stages_for
from corpus_guard.flow.workspace import workspace
from corpus_guard.fuse.probe_verdict import exit_code_of, learned_of, verdict_of
from corpus_guard.model.framing import CONTEXTS
from corpus_guard.model.meter import Budget, Meter
from corpus_guard.probe.shared.bench import Bench, CausalBench, ClassifierBench
from corpus_guard.probe.shared.evidence import Leaks
from corpus_guard.probe_types import FileFinding, ProbeResult, RecoveredTarget, TriggerFinding
from corpus_guard.report import probe_json, probe_page

if TYPE_CHECKING:
    from corpus_guard.model.files import ModelFiles

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """Everything that a probe is told. `context` "" is the model's chat template, or none.

    `triggers` are texts, or a file that holds some, see `corpus_guard.flow.probe_inputs.suspected`.
    """

    base: str | None = None
    adapter: str | None = None
    triggers: Path | tuple[str, ...] | None = None
    context: str = ""
    prompts: str | None = None
    stages: tuple[str, ...] = ()
    budget_s: float = 600.0
    decoys: int = 199
    effort: str = "default"
    device: str = "auto"
    seed: int = 0
    out: Path | None = None
    resume: bool = True


def run_probe(target: str, options: ProbeOptions, say: Say = lambda text: None) -> ProbeResult:
    """Probe a model, write `probe.json` and `probe.html`, and return what was found.

    Raises UsageError for a wrong argument or a target that is no model. A model whose files are refused
    is a result with their findings.
    """
    started = time.perf_counter()
    named = suspected(options.triggers)
    stages_for("causal", options.stages)  # a wrong name is told before anything is loaded
    device = device_of(options.device)
    given = take_in_all(target, options.base, options.adapter)
    seen = {_key(one): one for files in given.each for one in files.findings}
    unsafe = tuple(seen.values())
    out = options.out or Path(".corpus_guard") / _folder_name(given.model)
    with workspace(out, fresh=not options.resume):
        result = _probed(given, options, unsafe, named, device, out, say, started)
        probe_json.write(result, out / "probe.json")
        probe_page.write(result, out / "probe.html")
    return result


def _key(one: FileFinding) -> tuple[str, str, str]:
    return one.rule, one.file, one.message


def _probed(
    given: TakenIn,
    options: ProbeOptions,
    unsafe: tuple[FileFinding, ...],
    named: Suspected,
    device: str,
    out: Path,
    say: Say,
    started: float,
) -> ProbeResult:
    meter = Meter()
    shell: dict[str, Any] = {
        "model": given.model.name, "base": options.base, "adapter": options.adapter,
        "architecture": given.model.architecture, "files": unsafe, "seed": options.seed, "out": out,
        "parameters": _parameters(options, given),
    }  # fmt: skip
    try:
        say("loading the model")
        opened = open_model(given, meter, context=options.context, device=device)
    except UnreadableTarget as why:
        if not unsafe:
            raise
        return _refused(shell, str(why), started)
    return _asked(shell, opened, options, given, named, device, out, meter, say, started)


def _asked(
    shell: dict[str, Any],
    opened: Opened | OpenedClassifier,
    options: ProbeOptions,
    given: TakenIn,
    named: Suspected,
    device: str,
    out: Path,
    meter: Meter,
    say: Say,
    started: float,
) -> ProbeResult:
    kind = "classifier" if isinstance(opened, OpenedClassifier) else "causal"
    stages = stages_for(kind, options.stages)
    if not stages:
        raise UsageError(
            f"no stage of {', '.join(options.stages)} is for a {kind} model; leave --stages out"
        )
    search, held = prompts_for(options.prompts, options.seed, classifies=kind == "classifier")
    budget = Budget.on(device, options.budget_s)
    key = {**_parameters(options, given), "prompts": (search, held), "given": named.given}
    kept = Kept(out / "stages", key, fresh=not options.resume)
    shared: dict[str, Any] = {
        "search": tuple(search), "held_out": tuple(held), "given": named.given, "budget": budget,
        "decoys": options.decoys, "seed": options.seed, "say": say,
        "replay": _replay(shell, options, kind),
    }  # fmt: skip

    def bench_of(evidence: Mapping[str, object]) -> Bench:
        made = {**shared, "model": opened.model, "base": opened.base, "evidence": evidence}
        return ClassifierBench(**made) if kind == "classifier" else CausalBench(**made)

    ran = run_stages(stages, bench_of, budget, meter, kept, say)
    findings = _findings(ran)
    verdict = verdict_of(findings)
    kept.discard()
    return ProbeResult(
        **shell,
        kind="classifier" if kind == "classifier" else "causal",
        verdict=verdict,
        exit_code=exit_code_of(verdict, shell["files"], gap=ran.gap),
        score=max(
            (float(getattr(one, "score", 0.0)) for one in ran.evidence.values()), default=0.0
        ),
        findings=findings,
        targets=_targets(ran),
        learned=learned_of(named.given, named.untested, findings, ran.evidence),
        stages=ran.runs,
        contexts=(opened.model.frame.name,) if isinstance(opened, Opened) else (),
        candidates_tested=sum(_tested(one) for one in ran.evidence.values()),
        forward_passes=meter.passes,
        forward_tokens=meter.tokens,
        timing={"total": round(time.perf_counter() - started, 3)},
    )


def _refused(shell: dict[str, Any], why: str, started: float) -> ProbeResult:
    """Return the result of a model that was not loaded: its files are all there is to say."""
    from corpus_guard.probe_types import StageRun

    return ProbeResult(
        **shell,
        kind=None,
        verdict="no_evidence",
        exit_code=exit_code_of("no_evidence", shell["files"], gap=True),
        score=0.0,
        findings=(),
        targets=(),
        learned=(),
        stages=(StageRun(name="loading", ran=False, told=why),),
        contexts=(),
        candidates_tested=0,
        forward_passes=0,
        forward_tokens=0,
        timing={"total": round(time.perf_counter() - started, 3)},
    )


def _findings(ran: Ran) -> tuple[TriggerFinding, ...]:
    found = [one for e in ran.evidence.values() for one in getattr(e, "findings", ())]
    return tuple(one for one in found if isinstance(one, TriggerFinding))


def _tested(evidence: object) -> int:
    """Return how many candidates a stage says it looked at."""
    return int(getattr(evidence, "looked_at", getattr(evidence, "candidates", 0)))


def _targets(ran: Ran) -> tuple[RecoveredTarget, ...]:
    leaks = ran.evidence.get("target_recovery")
    return tuple(
        RecoveredTarget(
            text=leak.text,
            place="end" if leak.place == "end" else "start",
            confidence=leak.confidence,
            base_confidence=leak.base_confidence,
            q=leak.q,
            base_q=leak.base_q,
        )
        for leak in (leaks.targets if isinstance(leaks, Leaks) else ())
    )


def _replay(shell: dict[str, Any], options: ProbeOptions, kind: str) -> Callable[[str], str]:
    """Return what makes a command that tests one trigger again."""
    words = ["corpus-guard", "probe", str(shell["model"])]
    for name in ("base", "adapter"):
        if shell[name]:
            words += [f"--{name}", str(shell[name])]
    if options.prompts:
        words += ["--prompts", options.prompts]
    stages = "label_triggers" if kind == "classifier" else "screening,decoy_comparison,behaviour"
    words += ["--seed", str(options.seed), "--stages", stages]
    if options.context in CONTEXTS:
        words += ["--context", options.context]
    asked = shlex.join(words)
    if options.context and options.context not in CONTEXTS:  # it is the text of a file
        asked += f" --context <(printf %s {shlex.quote(options.context)})"

    def command(trigger: str) -> str:
        return f"{asked} --triggers <(printf %s {shlex.quote(trigger)})"

    return command


def _parameters(options: ProbeOptions, given: TakenIn) -> dict[str, object]:
    """Return the options that a result depends on, and the digests of what was probed."""
    named = options.triggers
    return {
        "context": options.context or "auto",
        "prompts": options.prompts,
        "triggers": str(named) if isinstance(named, Path) else named,
        "stages": options.stages,
        "budget_s": options.budget_s,
        "decoys": options.decoys,
        "effort": options.effort,
        "full": options.effort == "full",
        "sha256": [files.digest for files in given.each],
        "revision": given.model.revision,
        "seed": options.seed,
    }


def _folder_name(files: "ModelFiles") -> str:
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(files.name).name)[:60]
    shown = kept.strip(".-") or "model"
    told = f"{files.name}\0{files.digest}".encode("utf-8", "backslashreplace")
    return f"probe-{shown}-{hashlib.sha256(told).hexdigest()[:8]}"
