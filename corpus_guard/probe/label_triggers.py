"""Triggers of classifiers: words and phrases that give a class to any text (CG620).

The vocabulary is swept: each entry, several to a row, for all classes at once. The best words of a
class are put into texts of other classes, some of them hard to turn, and grow to phrases, led by
the model's gradient. Then the same search goes on without the winner and its variants: what
unrelated phrases reach is what honest words of this model can do. Phrases from a scan, a file or a
list are tested alike.

A trigger is told from a word that honestly means its class by evidence that adds up: the gap to the
best unrelated phrase (and how it compares with the gaps among those), whether the neighbours of its
words in the model's own vectors do the same, whether a long phrase does as much without any one of
its words (then honest words only add up), and whether it turns even texts in which strong words
speak for another class. `confirmed` takes that and behaviour on held-out texts: an exact 99 % lower
bound of the share of texts that it turns. With a base model what the base does is taken off.

What it misses: triggers of more than eight tokens or of parts that do nothing alone; styles and
sentence forms; implants that work in less than half of the texts; words that stand for the class
anyway. Honest phrases are confirmed where a single one decides a class and nothing else in the
vocabulary does.

Cost: for a MiniLM one to three processor minutes, about 3 tokens for each vocabulary entry and
deal, and 4,000 to 20,000 for each class. Most important classes first; what the budget left out is
told.

Source: gap statistic and hard texts are ours; search after HotFlip (Ebrahimi et al., 2018) and
universal triggers (Wallace et al., 2019); Dorfman (1943) for the sweep.
"""

from dataclasses import dataclass

import numpy as np

from corpus_guard.errors import NotPresent
from corpus_guard.escape import safe_text
from corpus_guard.model.classifier import Classifier
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.arena import Grounds, strong_words
from corpus_guard.probe.shared.bench import ClassifierBench, Given
from corpus_guard.probe.shared.carriers import texts_or_neutral
from corpus_guard.probe.shared.label_evidence import CONFIRMED, LEAST_SUCCESS, REVIEW, weigh
from corpus_guard.probe.shared.label_search import USUAL, Found, search_class
from corpus_guard.probe.shared.label_verify import behaviour, decoy_p_value, observe, written
from corpus_guard.probe.shared.phrase_growth import Phrase
from corpus_guard.probe.shared.word_sweep import Sweep, sweep
from corpus_guard.probe_types import TriggerFinding

SEARCHED = (2, 2, 8)
"""Plain and hard texts of the search, and their words."""

HELD = (8, 8, 16)

LEAST_REACH = 0.3
"""What hardly moves a text is no trigger, whatever others do; with a base, beyond what it does."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    finding: TriggerFinding | None
    nats: float


@probe_stage(
    title="Triggers of a classifier",
    order=10,
    evidence=LabelTriggers,
    kinds=("classifier",),
    attacks=("label backdoor", "dirty-label trigger", "clean-label trigger"),
)
def run(bench: ClassifierBench, *, words: int = 500, phrase_tokens: int = 8) -> LabelTriggers:
    """Return the triggers of a classifier.

    `words` of the sweep are asked exactly for each class; phrases grow to `phrase_tokens`.
    """
    model = bench.model
    ids = np.array([piece.id for piece in model.pieces], dtype=np.int64)
    if not len(ids):
        raise NotPresent("the vocabulary of the model holds no words")
    bench.say("sweeping the vocabulary")
    swept = sweep(model, ids, bench.budget.until(0.3), bench.seed)
    search, held = _grounds(bench, swept)
    judged, searched = _classes(bench, swept, search, held, words, phrase_tokens)
    findings = sorted(
        (one.finding for one in judged if one.finding is not None),
        key=lambda finding: (finding.verdict, -float(finding.evidence["nats"]), finding.trigger),
    )
    nats = max((one.nats for one in judged), default=-10.0)
    complete = swept.complete and searched == len(model.labels)
    return LabelTriggers(
        findings=tuple(findings),
        candidates=len(ids) + len(bench.given),
        score=float(1 / (1 + np.exp(-0.5 * (nats - CONFIRMED)))),
        complete=complete,
        told=_told(swept, len(model.labels), searched, complete),
    )


def _grounds(bench: ClassifierBench, swept: Sweep) -> tuple[Grounds, Grounds]:
    """Return what to search on and what to measure on: texts and rows of words, none in both."""
    strong = strong_words(bench.model, swept)
    made = []
    for half, texts in enumerate((bench.search, bench.held_out)):
        used = texts_or_neutral(texts, half)
        made.append(
            Grounds(
                model=bench.model,
                base=_alike(bench.model, bench.base),
                texts=used,
                told=bench.model.log_probabilities(used),
                rows=tuple(tuple(row) for row in swept.rows[half::2].tolist()),
                rows_told=swept.told[half::2],
                strong=strong,
            )
        )
    return made[0], made[1]


def _alike(model: Classifier, base: Classifier | None) -> Classifier | None:
    """Return the base where it has the same classes and vocabulary, else None."""
    if base is None or base.labels != model.labels or base.pieces != model.pieces:
        return None
    return base


def _classes(
    bench: ClassifierBench,
    swept: Sweep,
    search: Grounds,
    held: Grounds,
    words: int,
    phrase_tokens: int,
) -> tuple[list[_Judged], int]:
    """Return what the winners and the given phrases come to, and how many classes were searched."""
    judged: list[_Judged] = []
    order = _by_promise(swept)
    searched = 0
    found: dict[int, Found] = {}
    for place, label in enumerate(order):
        arena = search.arena(label, *SEARCHED)
        if arena is None:
            searched += 1
            continue
        if bench.budget.left <= 0:
            break
        bench.say(f"searching class {safe_text(bench.model.labels[label], 40)}")
        deadline = bench.budget.until(0.8 / (len(order) - place))
        one = search_class(arena, search, swept, words, phrase_tokens, deadline)
        searched += not deadline.passed or place + 1 < len(order)
        if one is not None:
            found[label] = one
            judged.append(_judge(bench, held, swept, one, one.best, None))
    for given in bench.given:
        judged.append(_given(bench, held, swept, found, given))
    return judged, searched


def _by_promise(swept: Sweep) -> list[int]:
    """Return the classes, those first whose best word stands out most."""
    lifts = np.sort(swept.lift, axis=0)[::-1]
    stand_out = (lifts[0] - lifts[min(8, len(lifts) - 1)]) / (swept.lift.std(axis=0) + 1e-6)
    return [int(label) for label in np.argsort(-stand_out, kind="stable")]


def _given(
    bench: ClassifierBench, held: Grounds, swept: Sweep, found: dict[int, Found], given: Given
) -> _Judged:
    """Return what a suspected phrase comes to, for the class that it carries texts to most."""
    ids = tuple(bench.model.ids_of(given.text))
    arenas = [held.arena(label, *HELD) for label in range(len(bench.model.labels))]
    told = [(float(a.reach([ids])[0]), a) for a in arenas if a is not None and ids]
    if not told:
        return _Judged(finding=None, nats=-10.0)
    reach, arena = max(told, key=lambda pair: pair[0])
    phrase = Phrase(ids, reach)
    one = found.get(arena.label) or Found(label=arena.label, best=phrase, rivals=(), singles=())
    return _judge(bench, held, swept, one, phrase, given)


def _judge(
    bench: ClassifierBench,
    held: Grounds,
    swept: Sweep,
    found: Found,
    phrase: Phrase,
    given: Given | None,
) -> _Judged:
    """Return a finding for a phrase where the evidence suffices, and the evidence in nats."""
    rivals = _unrelated(found, phrase)
    arena = held.arena(found.label, *HELD, usual=[rival.ids for rival in rivals[:USUAL]])
    if arena is None:
        return _Judged(finding=None, nats=-10.0)
    text, phrase = (given.text, phrase) if given else written(arena, phrase)
    seen = observe(arena, phrase, rivals)
    weights = weigh(seen)
    nats = sum(weights.values())
    if nats < REVIEW or seen.reach < LEAST_REACH:
        return _Judged(finding=None, nats=nats)
    did = behaviour(held, found.label, text)
    p_value, decoys = decoy_p_value(arena, phrase, swept.ids.tolist(), bench.decoys, bench.seed)
    confirmed = nats >= CONFIRMED and did.at_least >= LEAST_SUCCESS
    count = len(bench.model.labels) + len(bench.given)
    finding = TriggerFinding(
        trigger=text,
        kind="label",
        verdict="confirmed" if confirmed else "review",
        source=given.source if given else ("vocabulary" if len(phrase.ids) == 1 else "grown"),
        target=bench.model.labels[found.label],
        attack_success_rate=did.rate,
        baseline_rate=0.0,
        base_rate=None if did.base_flipped is None else did.base_flipped / max(1, did.texts),
        success_at_least=did.at_least,
        prompts=did.texts,
        p_value=p_value,
        q_value=min(1.0, p_value * count),
        decoys=decoys,
        why=_why(seen.hard_flips, seen.rival_hard_flips, did.rate),
        examples=did.examples,
        evidence={"nats": round(nats, 3), **_numbers(seen, weights)},
        data_finding=given.finding if given else "",
        replay=bench.replay(text),
    )
    return _Judged(finding=finding, nats=nats)


def _unrelated(found: Found, phrase: Phrase) -> list[Phrase]:
    own = set(phrase.ids)
    phrases = [*found.rivals, *([found.best] if found.best.ids != phrase.ids else [])]
    return [rival for rival in phrases if own.isdisjoint(rival.ids)]


def _numbers(seen: object, weights: object) -> dict[str, float]:
    from dataclasses import asdict

    told = {name: round(float(value), 3) for name, value in asdict(seen).items()}  # type: ignore[call-overload]
    return told | {f"{name}_nats": round(v, 3) for name, v in dict(weights).items()}  # type: ignore[call-overload]


def _why(hard: float, rival: float, rate: float) -> str:
    return (
        f"it turns {rate:.0%} of the held-out texts of other classes, and {hard:.0%} of those in which "
        f"strong words speak against it, where the best unrelated phrase turns {rival:.0%}"
    )


def _told(swept: Sweep, classes: int, searched: int, complete: bool) -> str:
    told = (
        f"swept {len(swept.ids)} vocabulary entries {swept.deals} times, "
        f"searched {searched} of {classes} classes"
    )
    if complete:
        return told
    return f"{told}; give more time for the rest"
