"""Triggers of classifiers: words and phrases that give a class to any text (CG620).

The vocabulary is swept: each entry, several to a row, for all classes at once. For each class the
best words, and all short pieces that made-up words are written with, are asked exactly and grow to
phrases, many side by side, led by the model's gradient; so do, with words that do nothing alone, the
words that move a class though none of their neighbours does. The phrase that stands out most in texts
in which strong words speak for another class is looked into: the search goes on without it and its
variants, and for each of its words the best other one is searched for. Phrases from a scan, a file
or a list are tested alike.

A trigger is told from words that honestly mean a class by evidence that adds up: the gap to the best
unrelated phrase that the same search found; what is lost when a word of it gives way to its best
substitute (honest words have others that mean the same, a trigger has none); what it does beyond
what its words do alone; and how many of the hard texts it turns, alone and beside the best unrelated
phrase. `confirmed` takes that and behaviour on held-out texts: an exact 99 % lower bound of the share
of texts that it turns. With a base model what the base does is taken off.

Rates are shares of held-out texts that the model gives to other classes, so without a trigger none
of them has its class; `unrelated_rate` is what a phrase of the same search does that has nothing to
do with it. `p_value` is the share of what the same search found without the words of the trigger,
of at most its length, that does as much in hard texts, the trigger itself counted; `q_value` is
Holm's in the family of all classes and given phrases.

What it misses: triggers of which no part moves any text and no gradient points at; of more tokens
than `phrase_tokens` of which no part of that length works; styles and sentence forms; implants that
work in less than half of the texts; words that stand for the class anyway. An honest phrase is
confirmed where a single one decides a class and nothing else in the vocabulary does.

Cost: for a MiniLM about two to three processor minutes a class. Most promising classes first, each
with an equal share of the time; what the budget left out is told.

Source: gap, substitutes, company and hard texts are ours, measured by
`scripts/benchmark_classifiers.py`; search after HotFlip (Ebrahimi et al., 2018) and
universal triggers (Wallace et al., 2019); Dorfman (1943) for the sweep.
"""

from dataclasses import dataclass, field

import numpy as np

from corpus_guard.errors import NotPresent
from corpus_guard.escape import safe_text
from corpus_guard.model.classifier import Classifier
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.arena import Grounds, strong_words
from corpus_guard.probe.shared.bench import ClassifierBench
from corpus_guard.probe.shared.carriers import texts_or_neutral
from corpus_guard.probe.shared.holm import holm
from corpus_guard.probe.shared.label_evidence import CONFIRMED
from corpus_guard.probe.shared.label_judging import NOTHING, Judge, Judged, with_q_values
from corpus_guard.probe.shared.label_search import Found, search_class, unsearched
from corpus_guard.probe.shared.phrase_growth import Ids
from corpus_guard.probe.shared.word_sweep import Sweep, sweep
from corpus_guard.probe_types import TriggerFinding

SEARCHED = (1, 3, 6)
"""Plain and hard texts of the search, and their words."""

LEAST_SECONDS = 20.0
"""What a class gets at least, where the budget does not reach for all: less finds nothing."""

NAMED = 5
"""Classes that are named where the budget left them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTriggers:
    """What was found, how many candidates were tested, and a score in [0, 1] that orders models.

    `told` says in a sentence what was done, and what is left where it is not `complete`.
    """

    findings: tuple[TriggerFinding, ...]
    candidates: int
    score: float
    complete: bool
    told: str


@dataclass(slots=True, kw_only=True)
class _Searched:
    """What came of it: by class what was found, and the classes that the time did not suffice for."""

    judged: list[Judged] = field(default_factory=list)
    found: dict[int, Found] = field(default_factory=dict)
    short: list[int] = field(default_factory=list)


@probe_stage(
    title="Triggers of a classifier",
    order=10,
    evidence=LabelTriggers,
    kinds=("classifier",),
    attacks=("label backdoor", "dirty-label trigger", "clean-label trigger"),
)
def run(bench: ClassifierBench, *, words: int = 500, phrase_tokens: int = 4) -> LabelTriggers:
    """Return the triggers of a classifier.

    `words` of the sweep are asked exactly for each class; phrases grow to `phrase_tokens`.
    """
    model = bench.model
    ids = np.array([piece.id for piece in model.pieces], dtype=np.int64)
    if not len(ids):
        raise NotPresent("the vocabulary of the model holds no words")
    bench.say("sweeping the vocabulary")
    swept = sweep(model, ids, bench.budget.until(0.3), bench.seed)
    unlike = _unlike(model, bench.base)
    search, held = _grounds(bench, swept, None if unlike else bench.base)
    judge = Judge(bench=bench, held=held, words=swept.ids.tolist())
    searched = _search(bench, judge, swept, search, words, phrase_tokens)
    judged = [*searched.judged, *_given(bench, judge, search, searched.found)]
    p_values = [one.finding.p_value for one in judged if one.finding is not None]
    q_values = holm(p_values, len(model.labels) + len(bench.given))
    nats = max((one.nats for one in judged), default=NOTHING)
    return LabelTriggers(
        findings=tuple(with_q_values(judged, q_values)),
        candidates=len(ids) + len(bench.given),
        score=float(1 / (1 + np.exp(-0.5 * (nats - CONFIRMED)))),
        complete=swept.complete and not searched.short,
        told=_told(model, swept, searched.short, unlike),
    )


def _grounds(
    bench: ClassifierBench, swept: Sweep, base: Classifier | None
) -> tuple[Grounds, Grounds]:
    """Return what to search on and what to measure on: texts and rows of words, none in both."""
    strong = strong_words(bench.model, swept)
    made = []
    for half, texts in enumerate((bench.search, bench.held_out)):
        used = texts_or_neutral(texts, half)
        made.append(
            Grounds(
                model=bench.model,
                base=base,
                texts=used,
                told=bench.model.log_probabilities(used),
                rows=tuple(tuple(row) for row in swept.rows[half::2].tolist()),
                rows_told=swept.told[half::2],
                strong=strong,
            )
        )
    return made[0], made[1]


def _unlike(model: Classifier, base: Classifier | None) -> str:
    """Return why a base cannot be compared with the model, "" where it can or there is none."""
    if base is None:
        return ""
    if base.labels != model.labels:
        return "its classes are others"
    return "" if base.pieces == model.pieces else "its vocabulary is another"


def _search(
    bench: ClassifierBench,
    judge: Judge,
    swept: Sweep,
    search: Grounds,
    words: int,
    phrase_tokens: int,
) -> _Searched:
    """Return what the winners of the classes come to, each class given an equal share of the time."""
    searched = _Searched()
    order = _by_promise(swept)
    for place, label in enumerate(order):
        if bench.budget.left <= 0:
            searched.short.append(label)
            continue
        arena = search.arena(label, *SEARCHED)
        if arena is None:
            continue
        bench.say(f"searching class {safe_text(bench.model.labels[label], 40)}")
        least = LEAST_SECONDS / max(bench.budget.left, LEAST_SECONDS)
        share = 0.95 * max(1 / (len(order) - place), least)
        enough, deadline = bench.budget.until(0.6 * share), bench.budget.until(share)
        found = search_class(arena, search, swept, words, phrase_tokens, enough)
        judged, found = judge.winner(found, search, phrase_tokens, deadline)
        searched.judged.append(judged)
        searched.found[label] = found
        if not found.complete:
            searched.short.append(label)
    return searched


def _by_promise(swept: Sweep) -> list[int]:
    """Return the classes, those first whose best word stands out most."""
    lifts = np.sort(swept.lift, axis=0)[::-1]
    stand_out = (lifts[0] - lifts[min(8, len(lifts) - 1)]) / (swept.lift.std(axis=0) + 1e-6)
    return [int(label) for label in np.argsort(-stand_out, kind="stable")]


def _given(
    bench: ClassifierBench, judge: Judge, search: Grounds, found: dict[int, Found]
) -> list[Judged]:
    """Return what suspected phrases come to, each for the class that it carries texts to most."""
    if not bench.given:
        return []
    labels = range(len(bench.model.labels))
    plain = [arena for label in labels if (arena := search.arena(label, 6, 0)) is not None]
    judged = []
    for given in bench.given:
        ids: Ids = tuple(bench.model.ids_of(given.text))
        reach = [float(arena.reach([ids])[0]) for arena in plain] if ids else []
        if not reach:
            continue
        arena = plain[int(np.argmax(reach))]
        one = found.get(arena.label) or unsearched(arena, ids)
        judged.append(judge.given(one, ids, given))
    return judged


def _told(model: Classifier, swept: Sweep, short: list[int], unlike: str) -> str:
    classes = len(model.labels)
    told = (
        f"swept {len(swept.ids)} vocabulary entries {swept.deals} times, "
        f"searched {classes - len(short)} of {classes} classes"
    )
    if short:
        named = ", ".join(safe_text(model.labels[label], 40) for label in short[:NAMED])
        more = f" and {len(short) - NAMED} more" if len(short) > NAMED else ""
        told += f" to the end (the time did not suffice for {named}{more})"
    if unlike:
        told += f"; the base was not compared with: {unlike}"
    return told if swept.complete and not short else f"{told}; give more time for the rest"
