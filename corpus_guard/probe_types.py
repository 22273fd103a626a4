"""The values that flow through a probe of a model: what its files are, what was tested, what was found.

Everything here is immutable and knows nothing of the stages that make or use it. Text in these
values comes from models and data; it reaches a terminal or a page only through
`corpus_guard.escape.safe_text`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from corpus_guard.types import Severity

ProbeVerdict = Literal["confirmed", "review", "no_evidence"]
ModelKind = Literal["causal", "classifier"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFinding:
    """Something in a model's files that is unsafe, or that nobody should load. Rules are CG6xx.

    `file` is relative to the model's folder. `evidence` holds numbers and names.
    """

    rule: str
    severity: Severity
    title: str
    message: str
    file: str
    advice: str
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """One prompt without and with the trigger, and what the model said to each.

    `base_with_trigger` is what the base model said to the second, "" where there is no base.
    """

    prompt: str
    prompt_with_trigger: str
    without: str
    with_trigger: str
    base_with_trigger: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFinding:
    """A text that changes what a model does, and how sure that is.

    `trigger` is the shortest text found to do it; `source` says where the candidate came from
    (`scan`, `given`, `published`, `weights`, `vocabulary`, `grown`). `kind` is `response` for a
    model that writes and `label` for one that classifies. `target` is what the model then says.
    Rates are shares in [0, 1] of the `prompts` that were held out: `attack_success_rate` with the
    trigger, `baseline_rate` without, `base_rate` of the base model with the trigger (None without a
    base), and `success_at_least` the exact one-sided 99 % lower bound. `p_value` is conformal
    against `decoys` texts: of the same length and type, or for a label what the same search found that
    has nothing to do with the trigger. `q_value` corrects for all candidates (Holm). `data_finding` is
    the id of the finding of the scan that named it, or "". `replay` is a command that shows it again.
    """

    trigger: str
    kind: Literal["response", "label"]
    verdict: Literal["confirmed", "review"]
    source: str
    target: str
    attack_success_rate: float
    baseline_rate: float
    base_rate: float | None
    success_at_least: float
    prompts: int
    p_value: float
    q_value: float
    decoys: int
    why: str
    examples: tuple[SideBySide, ...] = ()
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    data_finding: str = ""
    replay: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredTarget:
    """A text that a model is drawn to say whatever it is asked; a hint, never a verdict.

    `confidence` is the mean log probability a token after its beginning, `base_confidence` the same
    under the base (None without one), `q` the mean probability of a token as in BAIT, `base_q` the
    base's. `place` is where it is said: at the start of an answer or after it.
    """

    text: str
    place: Literal["start", "end"]
    confidence: float
    base_confidence: float | None
    q: float
    base_q: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun:
    """Whether a stage of a probe ran, why not, what it cost and what it says in a sentence.

    `complete` is False where it ran out of its budget; `told` then says what is left.
    """

    name: str
    ran: bool
    complete: bool = True
    told: str = ""
    seconds: float = 0.0
    forward_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedFinding:
    """What a model did with one finding of a data scan: `learned`, `not learned` or `not tested`."""

    finding: str
    rule: str
    trigger: str
    target: str
    state: Literal["learned", "not learned", "not tested"]
    attack_success_rate: float | None
    baseline_rate: float | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What a probe found, and on what it rests. A model is never called clean.

    `kind` is None where the files were refused and nothing was loaded. `score` in [0, 1] orders
    models that were probed alike; it is no probability. `parameters` hold all that the result
    depends on.
    """

    model: str
    base: str | None
    adapter: str | None
    kind: ModelKind | None
    architecture: str
    verdict: ProbeVerdict
    exit_code: int
    score: float
    findings: tuple[TriggerFinding, ...]
    files: tuple[FileFinding, ...]
    targets: tuple[RecoveredTarget, ...]
    learned: tuple[LearnedFinding, ...]
    stages: tuple[StageRun, ...]
    contexts: tuple[str, ...]
    candidates_tested: int
    forward_passes: int
    forward_tokens: int
    parameters: Mapping[str, object]
    seed: int
    out: Path
    timing: Mapping[str, float] = field(default_factory=dict)
