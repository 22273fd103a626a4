"""The best phrase for a class, and the best ones that have nothing to do with it.

The second search is the first over again without the words of its winner and their variants: what a
model's honest words can do, found with the same effort. A trigger stands far above that; the strongest
honest word does not, because others mean the same.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from corpus_guard.model.classifier import Classifier
from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena
from corpus_guard.probe.shared.phrase_growth import Phrase, best_singles, grown
from corpus_guard.probe.shared.word_sweep import Sweep

SEEDS = 4
SINGLES = 64
LIKED = 8
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
    arena: Arena, swept: Sweep, tried: int, most: int, deadline: Deadline
) -> Found | None:
    """Return the winner for a class and its rivals; `tried` words of the sweep are asked exactly."""
    order = np.argsort(-swept.lift[:, arena.label], kind="stable")[:tried]
    singles = best_singles(arena, [int(token) for token in swept.ids[order]], SINGLES, deadline)
    if not singles:
        return None
    best = _winner(arena, singles, (), most, deadline)
    variants = variants_of(arena.model, best.ids)
    others = [one for one in singles if one.ids[0] not in variants]
    rivals = list(others[: 3 * SEEDS])
    for steps in _grow(arena, others, variants, len(best.ids), deadline):
        rivals += steps[1:]
    rivals.sort(key=lambda phrase: -phrase.reach)
    return Found(label=arena.label, best=best, rivals=tuple(rivals), singles=singles)


def _winner(
    arena: Arena,
    singles: Sequence[Phrase],
    banned: Collection[int],
    most: int,
    deadline: Deadline,
) -> Phrase:
    """Return the phrase of most reach, as short as it can be."""
    phrases = [steps[-1] for steps in _grow(arena, singles, banned, most, deadline)]
    return shrunk(arena, max(phrases or singles[:1], key=lambda phrase: phrase.reach))


def _grow(
    arena: Arena,
    singles: Sequence[Phrase],
    banned: Collection[int],
    most: int,
    deadline: Deadline,
) -> Iterable[tuple[Phrase, ...]]:
    liked = [one.ids[0] for one in singles[:LIKED]]
    for seed in singles[:SEEDS]:
        yield grown(arena, seed, liked, banned, most, deadline)


def shrunk(arena: Arena, phrase: Phrase, kept: float = 0.9) -> Phrase:
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
