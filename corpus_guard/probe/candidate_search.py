"""Texts that may be the trigger: found blind, by what they do to the first word of the answer.

What: words of the vocabulary, those first that tuning made the model read otherwise
(`weight_difference`); what leaks from inside prompts; the list of published triggers; pairs of
words that moved; words that are no words, made of a beginning that moved and of letters; and
phrases grown from the best by a word before or after. First-order gradients (HotFlip) were tried
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
from corpus_guard.probe.shared.lifts import lifts_of, strengths
from corpus_guard.probe.shared.published import PUBLISHED

SWEEP_SHARE, GROW_SHARE = 0.3, 0.4
PAIRED, STARTS, ENDS, VOCABULARY = 16, 6, 150, 40
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
    first = _first_look(bench, names, bench.budget.until(SWEEP_SHARE))
    best = [names[i] for i in _best(first, finalists)]
    until = bench.budget.until(GROW_SHARE)
    made = _made_of(bench, _promising(first, names, sources), sources)
    second = _first_look(bench, list(made), until)
    pool = {name: sources[name] for name in best}
    made_names = list(made)
    pool.update({made_names[i]: made[made_names[i]] for i in _best(second, finalists // 2)})
    ranked = alone = _ranked(bench, pool)
    for _ in range(rounds):
        more = _grown([one.text for one in ranked[:grown]], best[:VOCABULARY], ranked)
        if until.passed or not more:
            break
        more_names = list(more)
        kept_more = [
            more_names[i] for i in _best(_first_look(bench, more_names, until), finalists // 3)
        ]
        ranked = _merged(ranked, _ranked(bench, {name: "grown" for name in kept_more}))
    tried = len(first)
    return Candidates(
        found=tuple(_in_turn(alone, ranked, kept)),
        looked_at=tried + len(second),
        of=len(names),
        complete=tried == len(names),
        told=f"{tried:,} of {len(names):,} words and phrases tried",
    )


def _first_look(
    bench: CausalBench, names: Sequence[str], until: Deadline
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


def _made_of(bench: CausalBench, words: Sequence[str], sources: dict[str, str]) -> dict[str, str]:
    """Return words that spell nothing, made of promising beginnings and letters, and pairs of words."""
    model = bench.model
    starts = [word for word in words if re.fullmatch(r"\w{1,8}", word)][:STARTS]
    others = (model.decode([i]) for i in range(model.vocabulary) if i not in model.word_starts)
    ends = [piece for piece in others if re.fullmatch(r"[a-z]{1,2}", piece)][:ENDS]
    found = {f"{one}{end}": "weights" for one in starts for end in ends}
    found.update({f"{one} {other}": "weights" for one, other in combinations(words, 2)})
    return {text: source for text, source in found.items() if text not in sources}


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
