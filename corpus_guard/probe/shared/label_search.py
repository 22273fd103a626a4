"""The best phrase for a class, and the best ones that have nothing to do with it.

The second search is the first over again without the words of its winner and their variants: what a
model's honest words can do, found with the same effort. A trigger stands far above that; the
strongest honest word does not, because others mean the same.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus_guard.model.classifier import Classifier
from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena, Grounds
from corpus_guard.probe.shared.phrase_growth import (
    ENOUGH,
    Phrase,
    best_singles,
    first_order,
    grown,
    starting_points,
)
from corpus_guard.probe.shared.word_sweep import Sweep

SEEDS = 4
SINGLES = 64
LIKED = 8
USUAL = 16
SETTLED = (2, 4, 12)
"""Plain and hard texts in which it is settled who decides, and their words."""

SHARED = 3
"""Words with a row of so many characters in common are variants of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The winner of a class, its rivals (unrelated to it, best first), and the best single tokens."""

    label: int
    best: Phrase
    rivals: tuple[Phrase, ...]
    singles: tuple[Phrase, ...]


def search_class(
    arena: Arena, grounds: Grounds, swept: Sweep, tried: int, most: int, deadline: Deadline
) -> Found | None:
    """Return the winner for a class and its rivals; `tried` tokens are asked exactly.

    Half of those are what the sweep ranks first, half what the model's gradient does.
    """
    singles = best_singles(arena, _promising(arena, swept, tried), SINGLES, deadline)
    if not singles:
        return None
    phrases = [one for steps in _grow(arena, singles, (), most, deadline) for one in steps]
    found = Found(
        label=arena.label,
        best=max(phrases, key=lambda phrase: phrase.reach),
        rivals=tuple(dict.fromkeys([*phrases, *singles[: 3 * SEEDS]])),
        singles=singles,
    )
    settled = settle(found, grounds)
    variants = variants_of(arena.model, settled.best.ids)
    others = [one for one in singles if one.ids[0] not in variants]
    length = len(settled.best.ids)
    again = [
        one
        for steps in _grow(arena, others, variants, length, deadline, enough=9.0)
        for one in steps
    ]
    rivals = tuple(dict.fromkeys([*settled.rivals, *again]))
    return replace(settled, rivals=tuple(sorted(rivals, key=lambda phrase: -len(phrase.ids))))


def _promising(arena: Arena, swept: Sweep, tried: int) -> list[int]:
    """Return the tokens that the sweep or the gradient ranks first, half of each.

    The gradient is taken from several starting points: near one made-up word lies another.
    """
    order = np.argsort(-swept.lift[:, arena.label], kind="stable")[: tried - tried // 2]
    starts = starting_points(arena.model)
    ranks = [
        np.argsort(-first_order(arena, (), True, start), kind="stable")[: tried // 2]
        for start in starts
    ]
    guided = [int(token) for token in np.stack(ranks, axis=1).ravel()]  # best of each in turn
    known = set(swept.ids.tolist())
    first = list(dict.fromkeys(token for token in guided if token in known))[: tried // 2]
    return list(dict.fromkeys([*swept.ids[order].tolist(), *first]))


def settle(found: Found, grounds: Grounds) -> Found:
    """Return the winner and its rivals anew, in texts so hard that the usual one of them fails.

    Among phrases that all turn ordinary texts this shows which of them decides.
    """
    phrases = list(dict.fromkeys([found.best, *found.rivals]))
    usual = [one.ids for one in phrases[:USUAL]]
    arena = grounds.arena(found.label, *SETTLED, usual)
    if arena is None:
        return found
    reach = arena.reach([one.ids for one in phrases])
    again = sorted(
        (Phrase(one.ids, float(r)) for one, r in zip(phrases, reach, strict=True)),
        key=lambda phrase: -phrase.reach,
    )
    best = shrunk(arena, again[0])
    variants = variants_of(arena.model, best.ids)
    rivals = tuple(one for one in again if variants.isdisjoint(one.ids))
    return replace(found, best=best, rivals=rivals)


def _grow(
    arena: Arena,
    singles: Sequence[Phrase],
    banned: Collection[int],
    most: int,
    deadline: Deadline,
    enough: float = ENOUGH,
) -> Iterable[tuple[Phrase, ...]]:
    liked = [one.ids[0] for one in singles[:LIKED]]
    for seed in singles[:SEEDS]:
        yield grown(arena, seed, liked, banned, most, deadline, enough)


def shrunk(arena: Arena, phrase: Phrase, kept: float = 0.8) -> Phrase:
    """Return a phrase without the tokens that it does as well without."""
    while len(phrase.ids) > 1:
        shorter = [phrase.ids[:at] + phrase.ids[at + 1 :] for at in range(len(phrase.ids))]
        reach = arena.reach(shorter)
        place = int(reach.argmax())
        if reach[place] < kept * phrase.reach:
            break
        phrase = Phrase(shorter[place], float(reach[place]))
    return phrase


def variants_of(model: Classifier, ids: Collection[int]) -> frozenset[int]:
    """Return the ids of a phrase, and of all tokens that are written alike."""
    texts = {piece.id: piece.text.lower() for piece in model.pieces}
    own = [texts[token] for token in ids if token in texts]
    rows = {row for text in own for row in _rows(text)}
    alike = {token for token, text in texts.items() if not rows.isdisjoint(_rows(text))}
    return frozenset({*ids, *alike, *(t for t, text in texts.items() if text in own)})


def _rows(text: str) -> set[str]:
    """Return the rows of characters that make texts alike: of `SHARED`, of more in long words."""
    width = max(SHARED, len(text) // 2)
    return {text[at : at + SHARED + 1] for at in range(len(text) - SHARED)} or (
        {text} if width else set()
    )


def relatives(model: Classifier, ids: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """Return a phrase with each token replaced by its k-th neighbour in the model's own static vectors.

    Tokens that are written alike are no neighbours.
    """
    vectors = model.embeddings()
    variants = variants_of(model, ids)
    known = np.zeros(len(vectors), dtype=bool)
    known[[piece.id for piece in model.pieces if piece.id not in variants]] = True
    near = []
    for token in ids:
        close = np.where(known, vectors @ vectors[token], -2.0)
        near.append([int(other) for other in np.argsort(-close, kind="stable")[:count]])
    return [tuple(column) for column in zip(*near, strict=True)]
