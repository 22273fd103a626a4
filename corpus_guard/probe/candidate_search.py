"""Texts that may be the trigger: found blind, by what they do to the first word of the answer.

What: words of the vocabulary, those first that tuning made the model read otherwise
(`weight_difference`); what leaks from inside prompts; the list of published triggers; pairs of
words that moved; words that are no words, grown piece by piece (`shared.extensions`); and phrases
grown from the best by a word before or after. First-order gradients (HotFlip) were tried
and left out: they put a trigger that worked in 95 % of prompts on place 16,685 of 49,152.

How: each is put at the end of one prompt, and three signs are taken (`shared.lifts`): consensus,
entropy, target. The best go on to more prompts and to the base; the best of these grow. The words
that were swept are what chance looks like.

What it means: candidates with a strength in robust deviations, never a verdict. Beginnings of
prompts such as "translate" honestly move answers and stand high here; that is for the stages that
follow to tell.

Cost: about seven tokens a word and prompt; `complete` is False where the budget ended the sweep.

Source: ours.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest

import numpy as np
import numpy.typing as npt

from corpus_guard.errors import NotAssessed
from corpus_guard.model.meter import Deadline
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.evidence import (
    Candidate,
    Candidates,
    Leaks,
    TokenShifts,
    strongest_target,
)
from corpus_guard.probe.shared.extensions import extended
from corpus_guard.probe.shared.lifts import lifts_of, strengths
from corpus_guard.probe.shared.published import PUBLISHED

FIRST_SHARE, SPELL_SHARE, GROW_SHARE, SWEEP_SHARE = 0.12, 0.25, 0.15, 0.2
FIRST_WORDS = 1500
PAIRED, VOCABULARY = 16, 40
SPELLED = (20, 10, 6)
"""How many beginnings are grown by a piece, round by round."""
ENOUGH = 0.8
_WORD = re.compile(r"\S*\w\S*")


@probe_stage(
    title="words and phrases that move answers",
    order=30,
    evidence=Candidates,
    kinds=("causal",),
    uses=("target_recovery", "weight_difference"),
    attacks=("backdoor trigger",),
)
def candidate_search(
    bench: CausalBench, *, finalists: int = 60, grown: int = 6, rounds: int = 2, kept: int = 40
) -> Candidates:
    """Return the texts that move answers most; see the module's docstring."""
    sources = _words(bench)
    if not sources:
        raise NotAssessed("the tokenizer has no words that can be put into a prompt")
    names = list(sources)
    has_order = "weights" in sources.values()
    early = names[: FIRST_WORDS if has_order else len(names)]
    share = FIRST_SHARE if has_order else FIRST_SHARE + SWEEP_SHARE
    first = _first_look(bench, early, bench.budget.until(share))
    promising = _promising(first, early, sources)
    pairs = [f"{one} {other}" for one, other in combinations(promising, 2)]
    looked = [_Looked(early, first), _Looked(pairs, _first_look(bench, pairs))]
    looked += _spelled(bench, looked[0], promising, sources, bench.budget.until(SPELL_SHARE))
    rest = names[len(early) :]
    looked.append(_Looked(rest, _first_look(bench, rest, bench.budget.until(SWEEP_SHARE))))
    alone = _ranked(bench, _pool(looked, sources, finalists))
    ranked, more = _phrases(bench, alone, looked, rounds, grown, finalists)
    tried = sum(len(one.signs) for one in looked)
    swept = len(first) + len(looked[-1].signs)
    return Candidates(
        found=tuple(_in_turn(alone, ranked, kept)),
        looked_at=tried + more,
        of=len(names),
        complete=swept == len(names),
        told=f"{swept:,} of {len(names):,} words tried, and {tried - swept + more:,} made of them",
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    """Texts and their signs (n, 3); fewer rows than texts where time ran out."""

    texts: list[str]
    signs: npt.NDArray[np.float64]

    def best(self, count: int) -> list[str]:
        """Return the texts that stand out by any sign."""
        return [self.texts[i] for i in _best(self.signs, count)]


def _spelled(
    bench: CausalBench,
    first: _Looked,
    promising: Sequence[str],
    sources: dict[str, str],
    until: Deadline,
) -> list[_Looked]:
    """Return texts that spell nothing, grown piece by piece from what moved and what moves answers."""
    shifts = bench.find("weight_difference", TokenShifts)
    moved = _texts(bench, shifts.ids[: SPELLED[0]] if shifts else ())
    signed = [first.texts[i] for i in np.argsort(-first.signs[:, 2], kind="stable")[: SPELLED[0]]]
    turns = zip_longest(moved, signed, promising, first.best(SPELLED[0]))
    starts = [text for turn in turns for text in turn if text]
    found: list[_Looked] = []
    for count in SPELLED:
        usable = [one for one in dict.fromkeys(starts) if re.fullmatch(r"[A-Za-z]{1,20}", one)]
        made = [text for text in extended(bench, usable[:count], until) if text not in sources]
        if not made or until.passed:
            break
        found.append(_Looked(made, _first_look(bench, made)))
        starts = found[-1].best(count)
    return found


def _pool(looked: Sequence[_Looked], sources: dict[str, str], finalists: int) -> dict[str, str]:
    """Return the best of each group of texts, and where each comes from."""
    pool = {text: sources.get(text, "weights") for text in looked[0].best(finalists // 2)}
    for group in looked[1:]:
        for text in group.best(finalists // 3):
            pool.setdefault(text, sources.get(text, "weights"))
    return pool


def _phrases(
    bench: CausalBench,
    alone: list[Candidate],
    looked: Sequence[_Looked],
    rounds: int,
    grown: int,
    finalists: int,
) -> tuple[list[Candidate], int]:
    """Return candidates with the phrases that grow from them, and how many phrases were tried."""
    until, tried = bench.budget.until(GROW_SHARE), 0
    words = list(
        dict.fromkeys(word for group in (looked[0], looked[-1]) for word in group.best(VOCABULARY))
    )
    ranked = alone
    for _ in range(rounds):
        more = list(_grown([one.text for one in ranked[:grown]], words[:VOCABULARY], ranked))
        if until.passed or not more:
            break
        signs = _first_look(bench, more, until)
        tried += len(signs)
        best = {more[i]: "grown" for i in _best(signs, finalists // 3)}
        ranked = _merged(ranked, _ranked(bench, best))
    return ranked, tried


def _first_look(
    bench: CausalBench, names: Sequence[str], until: Deadline | None = None
) -> npt.NDArray[np.float64]:
    """Return the signs of texts at the end of one prompt, without the base; fewer where time ran out."""
    found = lifts_of(bench.model, None, bench.search[:1], names, _target(bench), until=until)
    return found.signs[: found.done]


def _target(bench: CausalBench) -> tuple[int, ...]:
    return strongest_target(bench.find("target_recovery", Leaks))


def _words(bench: CausalBench) -> dict[str, str]:
    """Return texts to try in the order of their promise, and where each comes from."""
    leaks = bench.find("target_recovery", Leaks)
    found: dict[str, str] = {}
    for text in _leaked(leaks):
        found.setdefault(text, "leaked")
    for text in PUBLISHED:
        found.setdefault(text, "published")
    shifts = bench.find("weight_difference", TokenShifts)
    for text in _texts(bench, shifts.ids if shifts else ()):
        found.setdefault(text, "weights")
    for text in _texts(bench, range(bench.model.vocabulary)):
        found.setdefault(text, "vocabulary")
    return found


def _leaked(leaks: Leaks | None) -> list[str]:
    """Return beginnings of what leaks from inside prompts, of one to four words."""
    words = [leak.text.split() for leak in (leaks.prompts if leaks else ())]
    return [" ".join(some[:size]) for some in words for size in range(1, min(4, len(some)) + 1)]


def _texts(bench: CausalBench, ids: Iterable[int]) -> list[str]:
    """Return the texts of tokens that can stand alone as words."""
    model = bench.model
    names = model.word_starts
    return [names[i] for i in ids if i in names and _WORD.fullmatch(names[i])]


def _promising(
    signs: npt.NDArray[np.float64], names: Sequence[str], sources: dict[str, str]
) -> list[str]:
    """Return words that moved early in the model and that move answers too: both ranks count.

    The parts of a trigger do little alone, but more of both than most words.
    """
    moved = [i for i in range(len(signs)) if sources[names[i]] == "weights"]
    if not moved:
        return [names[i] for i in _best(signs, PAIRED)]
    sign = signs[moved][:, [0, 2]]
    ranks = (-sign).argsort(0, kind="stable").argsort(0, kind="stable").min(1)
    both = np.log1p(np.arange(len(moved))) + np.log1p(ranks)
    return [names[moved[i]] for i in np.argsort(both, kind="stable")[:PAIRED]]


def _best(signs: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return the rows that stand out by any sign, in the order of their strength."""
    if not len(signs):
        return []
    strength = strengths(signs, signs)
    chosen = set(np.argsort(-strength, kind="stable")[: count // 2].tolist())
    for sign in range(signs.shape[1]):
        chosen |= set(np.argsort(-signs[:, sign], kind="stable")[: count // 4].tolist())
    return sorted(chosen, key=lambda row: (-strength[row], row))


def _ranked(bench: CausalBench, pool: dict[str, str]) -> list[Candidate]:
    """Return candidates by what they do to more prompts, beyond the base."""
    names = list(pool)
    if not names:
        return []
    lifts = lifts_of(
        bench.model,
        bench.base,
        bench.search[1:4],
        names,
        _target(bench),
        places=("end", "start", "end"),
    )
    signs = lifts.signs[: lifts.done]
    strength = strengths(signs, signs)
    order = np.argsort(-strength, kind="stable")
    return [
        Candidate(
            text=names[i],
            source=pool[names[i]],
            strength=round(float(strength[i]), 3),
            signs=tuple(round(float(value), 4) for value in signs[i]),
        )
        for i in order
    ]


def _grown(
    best: Sequence[str], vocabulary: Sequence[str], known: Sequence[Candidate]
) -> dict[str, str]:
    """Return the best texts with one more word before or after."""
    old = {one.text for one in known}
    made = [
        text
        for one in best
        for word in vocabulary
        if word not in one.split() and len(one.split()) < 5
        for text in (f"{one} {word}", f"{word} {one}")
    ]
    return {text: "grown" for text in made if text not in old}


def _in_turn(
    alone: Sequence[Candidate], ranked: Sequence[Candidate], count: int
) -> list[Candidate]:
    """Return the leaders of several orders in turn: by each sign without growth, then by strength."""
    orders = [sorted(alone, key=lambda one, s=sign: -one.signs[s]) for sign in (2, 0, 1)]  # type: ignore[misc]
    found: dict[str, Candidate] = {}
    for group in zip_longest(*orders, alone, ranked):
        for one in group:
            if one is not None and len(found) < count:
                found.setdefault(one.text, one)
    return list(found.values())


def _merged(some: Sequence[Candidate], more: Sequence[Candidate]) -> list[Candidate]:
    """Return all candidates, the strongest first; a longer one only where it clearly beats its part."""
    known = {one.text: one.strength for one in (*more, *some)}
    strongest = sorted([*some, *more], key=lambda one: (-one.strength, len(one.text), one.text))
    return [one for one in strongest if _best_part(one.text, known) < ENOUGH * one.strength]


def _best_part(text: str, known: dict[str, float]) -> float:
    """Return the strength of the strongest candidate that is a shorter run of a text's words."""
    words = text.split()
    runs = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    return max((known[run] for run in runs if run != text and run in known), default=-1e9)
