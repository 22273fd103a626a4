"""What could stand in the place of a word of a phrase, and do as much.

An honest word has others that mean the same; whatever a phrase honestly says can be said with other
words. A trigger has nothing beside it but its own spelling. So for every token of a phrase the best
other one is searched for, with the model's gradient and the words next to it, spelled otherwise.
"""

from collections.abc import Collection, Sequence

import numpy as np

from corpus_guard.model.classifier import Classifier
from corpus_guard.probe.shared.arena import Arena
from corpus_guard.probe.shared.phrase_growth import (
    Ids,
    best_of,
    blank_of,
    first_order,
    nearest,
    vocabulary_mask,
)

SHARED = 4
"""Words with so many letters in a row in common are variants of each other."""

STEM = 3
"""Words that begin with a word of so many letters are variants of it."""

GUIDED = 48
NEAR = 16
KEPT = 4
"""Of the substitutes of a token, so many are tried on held-out texts."""


def variants_of(model: Classifier, ids: Collection[int]) -> frozenset[int]:
    """Return the ids of a phrase, and of all tokens that are written alike."""
    texts = {piece.id: piece.text.lower() for piece in model.pieces}
    own = {texts[token] for token in ids if token in texts}
    rows = {text[at : at + SHARED] for text in own for at in range(len(text) - SHARED + 1)}
    stems = tuple(text for text in own if len(text) >= STEM)
    alike = {
        token
        for token, text in texts.items()
        if text in own or text.startswith(stems) or any(row in text for row in rows)
    }
    return frozenset({*ids, *alike})


def substitutes(arena: Arena, ids: Ids, liked: Sequence[int]) -> list[list[Ids]]:
    """Return for each token the phrases with another in its place that do most, the best first."""
    allowed = vocabulary_mask(arena.model)
    allowed[list(variants_of(arena.model, ids))] = False
    blank = blank_of(arena.model)
    blanked = [(*ids[:at], blank, *ids[at + 1 :]) for at in range(len(ids))]
    asked = [(row, at) for at in range(len(ids)) for row in (ids, blanked[at])]
    rises = first_order(arena, asked)
    rises[:, ~allowed] = -np.inf
    vectors = arena.model.embeddings()
    found = []
    for at, token in enumerate(ids):
        others = [
            *best_of(rises[2 * at], GUIDED),
            *best_of(rises[2 * at + 1], GUIDED),
            *nearest(vectors, token, allowed, NEAR),
            *(other for other in liked if allowed[other]),
        ]
        tries = [(*ids[:at], other, *ids[at + 1 :]) for other in dict.fromkeys(others)]
        reach = arena.reach(tries)
        found.append([tries[place] for place in np.argsort(-reach, kind="stable")[:KEPT]])
    return found
