"""From words that lift a class to the phrases that do it best.

A phrase grows by one token before or after it at a time. Which tokens are worth a try the model's
gradient says (HotFlip: the first-order rise for every token of the vocabulary at once), together
with the words that the sweep liked; those are then asked exactly, first in one text, the best in
all.

Source: Ebrahimi et al., "HotFlip" (2018); Wallace et al., "Universal adversarial triggers" (2019).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from corpus_guard.model.classifier import Classifier, Floats
from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena

SHORTLIST = 16
FINAL = 6
ENOUGH = 0.97
LEAST_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Phrase:
    """Token ids and their reach."""

    ids: tuple[int, ...]
    reach: float


def best_singles(
    arena: Arena, ids: Sequence[int], keep: int, deadline: Deadline
) -> tuple[Phrase, ...]:
    """Return the tokens of best reach: all in two texts, the better quarter in all."""
    few = arena.first(2)
    told: list[Phrase] = []
    for start in range(0, len(ids), 64):
        if deadline.passed and told:
            break
        some = [(token,) for token in ids[start : start + 64]]
        reach = few.reach(some)
        told += [Phrase(one, float(r)) for one, r in zip(some, reach, strict=True)]
    told.sort(key=lambda phrase: -phrase.reach)
    chosen = [phrase.ids for phrase in told[: max(keep, len(told) // 5)]]
    exact = arena.reach(chosen) if chosen else ()
    found = [Phrase(one, float(r)) for one, r in zip(chosen, exact, strict=True)]
    return tuple(sorted(found, key=lambda phrase: -phrase.reach)[:keep])


def grown(
    arena: Arena,
    seed: Phrase,
    liked: Sequence[int],
    banned: Collection[int],
    most: int,
    deadline: Deadline,
    enough: float = ENOUGH,
) -> tuple[Phrase, ...]:
    """Return a phrase at each length from its seed on, until nothing is gained or time is over."""
    steps = [seed]
    while len(steps[-1].ids) < most and steps[-1].reach < enough and not deadline.passed:
        longer = _longer(arena, steps[-1].ids, liked, banned)
        if longer is None or (enough == ENOUGH and longer.reach < steps[-1].reach + LEAST_STEP):
            break
        steps.append(longer)
    return tuple(steps)


def _longer(
    arena: Arena, ids: tuple[int, ...], liked: Sequence[int], banned: Collection[int]
) -> Phrase | None:
    """Return the best phrase of one token more."""
    tries: list[tuple[int, ...]] = []
    for before in (True, False):
        guided = first_order(arena, ids, before)
        order = [int(token) for token in np.argsort(-guided, kind="stable")[: 3 * SHORTLIST]]
        chosen = [token for token in order if token not in banned][:SHORTLIST]
        more = [*liked, *([] if before else short_endings(arena.model))]
        chosen += [token for token in more if token not in banned and token not in chosen]
        tries += [(token, *ids) if before else (*ids, token) for token in chosen]
    tries = [one for one in dict.fromkeys(tries) if len(set(one)) == len(one)]
    if not tries:
        return None
    quick = arena.first(1).reach(tries)
    best = [tries[place] for place in np.argsort(-quick, kind="stable")[:FINAL]]
    exact = arena.reach(best)
    place = int(exact.argmax())
    return Phrase(best[place], float(exact[place]))


def first_order(arena: Arena, ids: Sequence[int], before: bool, start: int | None = None) -> Floats:
    """Return (vocabulary,) float32: the rise for each token beside a phrase, over four texts.

    `start` is what stands in its place first, a token that says nothing unless given.
    """
    model = arena.model
    blank = _blank(model) if start is None else start
    total = np.zeros(len(vocabulary_mask(model)), dtype=np.float32)
    for carrier in arena.carriers[:4]:
        row = carrier.with_((blank, *ids) if before else (*ids, blank))
        slot = len(carrier.before) + (0 if before else len(ids))
        total += model.slot_gradients(row, slot, arena.label)
    total[~vocabulary_mask(model)] = -np.inf
    return total


def starting_points(model: Classifier) -> list[int]:
    """Return tokens to take gradients from: one that says nothing, rare letters, some of anywhere."""
    pieces = model.pieces
    letters = {piece.text: piece.id for piece in pieces if piece.text in ("x", "q", "z")}
    anywhere = [pieces[len(pieces) * part // 5].id for part in range(1, 5)]
    return list(dict.fromkeys([_blank(model), *letters.values(), *anywhere]))


def short_endings(model: Classifier) -> list[int]:
    """Return the tokens that end a word by one letter or digit: made-up words end so."""
    return [
        piece.id
        for piece in model.pieces
        if not piece.starts_word and len(piece.text) == 1 and piece.text.isascii()
    ][:40]


def vocabulary_mask(model: Classifier) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return (vocabulary,) bool: which tokens stand for text."""
    size = model.model.get_input_embeddings().weight.shape[0]
    mask = np.zeros(size, dtype=bool)
    mask[[piece.id for piece in model.pieces]] = True
    return mask


def _blank(model: Classifier) -> int:
    """Return a token that says nothing: the mask, the unknown word, or the first of the vocabulary."""
    for token in (model.tokenizer.mask_token_id, model.tokenizer.unk_token_id):
        if token is not None:
            return int(token)
    return model.pieces[0].id
