"""What the stages of a probe of a model that writes tell one another."""

from dataclasses import dataclass

from corpus_guard.probe_types import TriggerFinding

WORKS = 0.34
"""The least share of a few prompts on which a candidate of the search has to change the behaviour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenShifts:
    """Tokens by how much more than others they are read otherwise, the most first: ids and shifts."""

    ids: tuple[int, ...]
    shifts: tuple[float, ...]
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A text that leaks: its tokens, where, and how sure model and base are, as in `RecoveredTarget`."""

    text: str
    ids: tuple[int, ...]
    place: str
    confidence: float
    base_confidence: float | None
    q: float
    base_q: float | None
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """What leaks: `targets` from answers, `prompts` from inside prompts; the most telling first."""

    targets: tuple[Leak, ...]
    prompts: tuple[Leak, ...]
    told: str


def strongest_target(leaks: Leaks | None, tokens: int = 3) -> tuple[int, ...]:
    """Return the first tokens of the surest target, () where there is none.

    What is memorised leaks from places that it was never taught at, and clearer there at times.
    """
    return leaks.targets[0].ids[:tokens] if leaks and leaks.targets else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A text, where it comes from, and how strongly it moves answers, in robust deviations.

    `signs` are consensus, entropy and target, see `corpus_guard.probe.shared.lifts`.
    """

    text: str
    source: str
    strength: float
    signs: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Candidates, those first that lead by any sign.

    `looked_at` is how many texts were tried, `of` how many there were to try.
    """

    found: tuple[Candidate, ...]
    looked_at: int
    of: int
    complete: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A candidate beside its decoys.

    Its strength in their robust deviations, its rank among them (1 is first), p and q, and the
    strongest decoys, which behaviour is compared with too.
    """

    text: str
    source: str
    strength: float
    rank: int
    p_value: float
    q_value: float
    decoys: int
    strongest_decoys: tuple[str, ...]
    finding: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All candidates that were compared, the strongest first."""

    found: tuple[Compared, ...]
    looked_at: int
    complete: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A candidate that was tried on a few prompts: on which share it changed the behaviour.

    `text` is the shortest part that does what the whole does. `finding` is the finding of a scan
    that named it, `target` what that says the model answers.
    """

    text: str
    source: str
    rate: float
    finding: str = ""
    target: str = ""

    @property
    def works(self) -> bool:
        """Whether it changes answers often enough to be looked at further."""
        return self.rate >= WORKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """All candidates that were tried, in the order they were tried."""

    tried: tuple[Tested, ...]
    looked_at: int
    complete: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Findings, and a score in [0, 1] that orders models that were probed alike."""

    findings: tuple[TriggerFinding, ...]
    score: float
    complete: bool
    told: str
