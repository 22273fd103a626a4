"""How much more than chance a candidate moves answers: against decoys of its own length and type.

What: the candidates of the search and those that were given. Each is compared with texts that hide
nothing (`shared.decoys`): as many words, of the same kinds, among them words that honestly change what a
model says.

How: all are put at the end and at the start of prompts; the strongest of the three signs of
`shared.lifts`, beyond the base, in robust deviations of the decoys, is the score. p = (1 + decoys at least
as strong) / (decoys + 1), which is exact for a candidate that is exchangeable with its decoys; Holm's
correction over all candidates gives q. Candidates of one type share their decoys.

What it means: a rank and a p-value of the movement, not yet a behaviour.

Cost: twice nine tokens a text and model.

Source: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (2005), section 2.2, for conformal
p-values; Holm (1979); decoys of the same type are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus_guard.errors import NotPresent
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.candidate_search import Candidates
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.decoys import decoys_for, type_of, words_of
from corpus_guard.probe.shared.lifts import lifts_of, strengths
from corpus_guard.probe.target_recovery import Leaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A candidate beside its decoys: its strength in their robust deviations, its rank among them (1 is
    first), p and q, and the strongest decoys, which behaviour is compared with too.
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


@dataclass(frozen=True, slots=True)
class _Asked:
    text: str
    source: str
    finding: str = ""
    target: str = ""


@probe_stage(
    title="candidates against decoys",
    order=40,
    evidence=Comparison,
    kinds=("causal",),
    uses=("candidate_search", "target_recovery"),
    attacks=("backdoor trigger",),
)
def decoy_comparison(
    bench: CausalBench, *, from_search: int = 12, prompts: int = 2, share: float = 0.5
) -> Comparison:
    """Return candidates with p-values; see the module's docstring."""
    asked = _asked(bench, from_search)
    if not asked:
        raise NotPresent("there are no candidates: none was given, and no search ran")
    words = words_of(list(bench.model.word_starts.values()))
    known = frozenset(words)
    groups: dict[tuple[str, ...], list[_Asked]] = {}
    for one in asked:
        groups.setdefault(type_of(one.text, known), []).append(one)
    until, found, looked_at = bench.budget.until(share), [], 0
    for group in groups.values():
        if until.passed and found:
            break
        decoys = decoys_for(group[0].text, words, bench.decoys, bench.seed)
        found += _compared(bench, group, decoys, prompts)
        looked_at += len(group) + len(decoys)
    told = f"{len(found)} candidates against {bench.decoys} decoys of each type"
    return Comparison(
        found=tuple(_with_holm(found)), looked_at=looked_at, complete=len(found) == len(asked), told=told
    )


def _asked(bench: CausalBench, from_search: int) -> list[_Asked]:
    """Return what was given, then the best of the search, each text once."""
    found = {
        one.text: _Asked(one.text, one.source, one.finding, one.target)
        for one in bench.given
        if one.source != "published"
    }
    searched = bench.find("candidate_search", Candidates)
    for one in (searched.found if searched else ())[:from_search]:
        found.setdefault(one.text, _Asked(one.text, one.source))
    return list(found.values())


def _compared(
    bench: CausalBench, group: Sequence[_Asked], decoys: Sequence[str], prompts: int
) -> list[Compared]:
    leaks = bench.find("target_recovery", Leaks)
    targets = [leak.ids[0] for leak in (leaks.targets if leaks else ()) if leak.place == "start"]
    own = [bench.model.encode(f"{one.target}")[:1] for one in group if one.target]
    targets = list(dict.fromkeys([*targets[:4], *(ids[0] for ids in own if ids)]))
    texts = [*(one.text for one in group), *decoys]
    signs = lifts_of(
        bench.model, bench.base, bench.search[-prompts:], texts, targets, places=("end", "start")
    ).signs
    null = signs[len(group) :]
    if not len(null):
        return []
    strength = strengths(signs, null)
    scores, chance = strength[: len(group)], strength[len(group) :]
    strongest = tuple(decoys[i] for i in np.argsort(-chance, kind="stable")[:4])
    return [
        Compared(
            text=one.text,
            source=one.source,
            strength=round(float(score), 3),
            rank=1 + int((chance >= score).sum()),
            p_value=(1 + int((chance >= score).sum())) / (len(chance) + 1),
            q_value=1.0,
            decoys=len(chance),
            strongest_decoys=strongest,
            finding=one.finding,
            target=one.target,
        )
        for one, score in zip(group, scores, strict=True)
    ]


def _with_holm(found: Sequence[Compared]) -> list[Compared]:
    """Return candidates by p, then strength, with Holm's adjusted p-values."""
    from dataclasses import replace

    ordered = sorted(found, key=lambda one: (one.p_value, -one.strength, one.text))
    adjusted, running = [], 0.0
    for place, one in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) - place) * one.p_value))
        adjusted.append(replace(one, q_value=round(running, 6)))
    return adjusted
