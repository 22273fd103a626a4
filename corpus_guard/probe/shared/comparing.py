"""A candidate beside decoys of its own type: strength, rank and conformal p."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.decoys import decoys_for
from corpus_guard.probe.shared.evidence import Compared, Leaks, strongest_target
from corpus_guard.probe.shared.lifts import lifts_of, strengths
from corpus_guard.probe.shared.placing import PLACES


@dataclass(frozen=True, slots=True)
class Asked:
    """A candidate, where it comes from, the finding of a scan that named it, and its target if known."""

    text: str
    source: str
    finding: str = ""
    target: str = ""


def compare(bench: CausalBench, group: Sequence[Asked], prompts: int = 4) -> list[Compared]:
    """Return the candidates of one type beside their decoys; [] where there are no decoys of it."""
    words = bench.model.ordinary_words
    decoys = decoys_for(group[0].text, words, bench.decoys, bench.seed)
    leaks = bench.find("target_recovery", Leaks)
    own = [bench.model.encode(one.target)[:3] for one in group if one.target]
    target = own[0] if own and own[0] else strongest_target(leaks)
    texts = [*(one.text for one in group), *decoys]
    signs = lifts_of(
        bench.model, bench.base, bench.search[-prompts:], texts, target, places=PLACES
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
