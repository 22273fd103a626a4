"""From tokens that hardly move a class to the phrases that move it most.

Phrases grow a token at a time, many side by side: from each length the best are kept, no token in
more than a few of them, and half of the places are for phrases of short pieces only, as made-up
words are. So a weak beginning, a piece of a made-up word or one word of a phrase, is still there
when its other part is tried beside it. What is worth a try in which place the model's gradient says
(HotFlip: the first-order rise for every token of the vocabulary at once); that is asked exactly,
first in one text, the best in all.

Source: Ebrahimi et al., "HotFlip" (2018); Wallace et al., "Universal adversarial triggers" (2019);
the places for short pieces are ours, measured by `scripts/benchmark_classifiers.py`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from corpus_guard.model.classifier import Classifier, Floats
from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena

SHORT = 2
"""Letters of a short piece, at most."""

TRIED = 16
"""Tokens that the gradient proposes for each place."""

LIKED = 16
ODD_AMONG = 160
NEIGHBOURS = 6
ODD = 6
"""Tokens of a class whose company is looked into."""

BROAD, BLANKS = 200, 12
KEPT = 8
EXACT = 4
"""Of the children of a phrase, so many on average are asked in all texts."""

WIDTHS, SAME_TOKEN = (24, 12, 8, 6), 3
"""How many phrases of one, two, three and more tokens grow, and how many of them may share a token."""

LEAST_STEP = 0.02
Mask = npt.NDArray[np.bool_]
Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Token ids and their reach; `text` is how it is written, "" where nobody wrote it down."""

    ids: Ids
    reach: float
    text: str = ""


@dataclass(slots=True)
class Climb:
    """What one search came by: every phrase that was asked in all texts, with its reach.

    `alone` is the reach of single tokens in the first text.
    """

    reach: dict[Ids, float] = field(default_factory=dict)
    alone: dict[int, float] = field(default_factory=dict)

    def ask(self, arena: Arena, phrases: Iterable[Ids]) -> None:
        """Ask phrases in all texts of an arena, those that were not asked yet."""
        fresh = [ids for ids in dict.fromkeys(phrases) if ids not in self.reach]
        if fresh:
            told = arena.reach(fresh)
            self.reach |= {ids: float(r) for ids, r in zip(fresh, told, strict=True)}

    def best(self, length: int = 0, but: Collection[int] = ()) -> list[Phrase]:
        """Return phrases of a length (0: of any), without some tokens, the best first."""
        kept = [
            Phrase(ids, reach)
            for ids, reach in self.reach.items()
            if length in (0, len(ids)) and not any(token in but for token in ids)
        ]
        return sorted(kept, key=lambda phrase: (-phrase.reach, phrase.ids))

    def surprise(self, ids: Ids) -> float:
        """Return what a phrase does beyond what its tokens do alone; 0 for one token.

        Honest words add up to less than their sum; the parts of a trigger do little alone.
        """
        alone = [self.reach.get((token,)) for token in ids]
        if len(ids) < 2 or None in alone:
            return 0.0
        return self.reach[ids] - sum(max(0.0, one) for one in alone if one is not None)

    def surprising(self, length: int, but: Collection[int] = ()) -> list[Phrase]:
        """Return phrases of a length, without some tokens, the most surprising first."""
        kept = [one for one in self.best(length, but) if self.surprise(one.ids) > 0]
        return sorted(kept, key=lambda one: -self.surprise(one.ids))


def best_singles(arena: Arena, ids: Sequence[int], deadline: Deadline) -> Climb:
    """Return the tokens of best reach: all in one hard and one plain text, the better part in all."""
    few = arena.some((0, len(arena.carriers) - 1))
    quick: dict[Ids, float] = {}
    for start in range(0, len(ids), 64):
        if deadline.passed and quick:
            break
        some = [(token,) for token in ids[start : start + 64]]
        quick |= {one: float(r) for one, r in zip(some, few.reach(some), strict=True)}
    short = short_pieces(arena.model)
    ordered = sorted(quick, key=lambda one: -quick[one])
    bits = [one for one in ordered if one[0] in short]
    found = Climb()
    found.ask(arena, [*ordered[: max(64, len(ordered) // 8)], *bits[:64]])
    return found


def climbed(
    arena: Arena,
    singles: Climb,
    banned: Collection[int],
    most: int,
    deadline: Deadline,
) -> Climb:
    """Return what growing comes to from single tokens on, without some tokens."""
    found = Climb({one.ids: one.reach for one in singles.best(0, banned)})
    allowed = vocabulary_mask(arena.model)
    allowed[list(banned)] = False
    short = short_pieces(arena.model)
    ranked = [one.ids[0] for one in found.best(1)]
    liked = (ranked[:LIKED], [token for token in ranked if token in short][: 2 * LIKED])
    peak = -1.0
    for length in range(1, most):
        parents = _parents(found, length, short)
        if deadline.passed or not parents:
            break
        tries = _children(arena, parents, allowed, liked, short, grow=True)
        _ask_best(arena, found, tries, EXACT * len(parents))
        again = _parents(found, length + 1, short)[: len(parents) // 2]
        if not deadline.passed:
            tries = _children(arena, again, allowed, liked, short, grow=False)
            _ask_best(arena, found, tries, EXACT * len(again))
        top = found.best()[0].reach
        if top < peak + LEAST_STEP:
            break
        peak = top
    return found


def odd_ones(plain: Arena, singles: Climb, count: int) -> list[int]:
    """Return the tokens that turn plain texts though no neighbour in the static vectors does so."""
    model = plain.model
    vectors, known = model.embeddings(), vocabulary_mask(model)
    tokens = [one.ids[0] for one in singles.best(1)[:ODD_AMONG]]
    near = []
    for token in tokens:
        close = nearest(vectors, token, known, NEIGHBOURS + 1)
        near.append([other for other in close if other != token])
    asked = list(dict.fromkeys([*tokens, *(other for row in near for other in row)]))
    reach = np.minimum(plain.reach([(token,) for token in asked]), 1.0)
    told = dict(zip(asked, reach.tolist(), strict=True))
    odd = [
        told[token] - max((told[other] for other in row), default=0.0)
        for token, row in zip(tokens, near, strict=True)
    ]
    return [tokens[place] for place in np.argsort(-np.array(odd), kind="stable")[:count]]


def in_company(arena: Arena, found: Climb, ids: Ids, banned: Collection[int] = ()) -> None:
    """Ask phrases of one token more that do more than their parts, and those parts.

    `banned` are tokens that are not tried: those that do much alone are best among them.

    A token that does nothing alone stands far down in the gradient, and further where it is taken
    from one blank: so many are tried, and the gradient is the mean over several blanks.
    """
    model, one = arena.model, arena.first(1)
    allowed = vocabulary_mask(model)
    allowed[[*banned, *ids]] = False
    words = [piece.id for piece in model.pieces if piece.starts_word and len(piece.text) > SHORT]
    blanks = [words[len(words) * part // BLANKS] for part in range(BLANKS)] or [blank_of(model)]
    tries: dict[Ids, int] = {}
    for at in range(len(ids) + 1):
        rise = first_order(arena, [((*ids[:at], b, *ids[at:]), at) for b in blanks]).sum(axis=0)
        rise[~allowed] = -np.inf
        tries |= {(*ids[:at], token, *ids[at:]): token for token in best_of(rise, BROAD)}
    if not tries:
        return
    asked, fresh = list(tries), [token for token in tries.values() if token not in found.alone]
    fresh = list(dict.fromkeys(fresh))
    if fresh:
        told = one.reach([(token,) for token in fresh])
        found.alone |= {token: float(r) for token, r in zip(fresh, told, strict=True)}
    beyond = one.reach(asked) - np.array([max(0.0, found.alone[tries[row]]) for row in asked])
    chosen = [asked[place] for place in np.argsort(-beyond, kind="stable")[:KEPT]]
    found.ask(arena, [*chosen, *((token,) for row in [ids, *chosen] for token in row)])


def _parents(found: Climb, length: int, short: Collection[int]) -> list[Ids]:
    """Return the phrases of a length that are worth growing: of short pieces, and of any."""
    width = WIDTHS[min(length, len(WIDTHS)) - 1]
    ordered = [one.ids for one in found.best(length)]
    bits = [ids for ids in ordered if all(token in short for token in ids)]
    chosen = [
        *varied(bits, width // 2, SAME_TOKEN),
        *[one.ids for one in found.surprising(length)[: width // 4]],
        *varied(ordered, width, SAME_TOKEN),
    ]
    return list(dict.fromkeys(chosen))[:width]


def varied(ordered: Iterable[Ids], count: int, most: int) -> list[Ids]:
    """Return the first phrases, no token in more than so many of them."""
    times: dict[int, int] = {}
    kept: list[Ids] = []
    for ids in ordered:
        if len(kept) < count and all(times.get(token, 0) < most for token in ids):
            kept.append(ids)
            for token in set(ids):
                times[token] = times.get(token, 0) + 1
    return kept


def _children(
    arena: Arena,
    parents: Sequence[Ids],
    allowed: Mask,
    liked: tuple[Sequence[int], Sequence[int]],
    short: Collection[int],
    *,
    grow: bool,
) -> list[Ids]:
    """Return phrases with a token more, or with one replaced, in every place."""
    blank = blank_of(arena.model)
    slots: list[tuple[Ids, int, Ids]] = []  # parent, place, and what is asked for its gradient
    for ids in parents:
        for at in range(len(ids) + grow):
            slots.append((ids, at, (*ids[:at], blank, *ids[at:]) if grow else ids))
    tries: dict[Ids, None] = {}
    rises = first_order(arena, [(asked, at) for _, at, asked in slots])
    for (ids, at, _), rise in zip(slots, rises, strict=True):
        rise[~allowed] = -np.inf
        made_up = all(token in short for token in ids)
        more = liked[made_up] if grow else ()
        rest = ids[at:] if grow else ids[at + 1 :]
        for token in [*best_of(rise, TRIED), *more]:
            if token not in ids:
                tries[(*ids[:at], token, *rest)] = None
    return list(tries)


def _ask_best(arena: Arena, found: Climb, tries: Sequence[Ids], count: int) -> None:
    """Ask in one text, and the best in all."""
    fresh = [ids for ids in tries if ids not in found.reach]
    if not fresh:
        return
    quick = arena.first(1).reach(fresh)
    short = short_pieces(arena.model)
    order = [fresh[place] for place in np.argsort(-quick, kind="stable")]
    bits = [ids for ids in order if all(token in short for token in ids)]
    found.ask(arena, [*order[:count], *bits[: count // 2]])


def first_order(arena: Arena, asked: Sequence[tuple[Ids, int]]) -> Floats:
    """Return (n, vocabulary) float32: the rise for each token in a place of a phrase, over all texts."""
    rows = [carrier.with_(ids) for ids, _ in asked for carrier in arena.carriers]
    slots = [len(carrier.before) + at for _, at in asked for carrier in arena.carriers]
    texts = len(arena.carriers)
    told = [
        arena.model.slot_gradients(rows[at : at + texts], slots[at : at + texts], arena.label).sum(
            0
        )
        for at in range(0, len(rows), texts)
    ]
    return np.array(told, dtype=np.float32)


def best_of(rises: Floats, count: int) -> list[int]:
    """Return the tokens that rise most, the most first, those that are not allowed left out."""
    count = min(count, len(rises))
    chosen = np.argpartition(-rises, count - 1)[:count]
    ordered = chosen[np.argsort(-rises[chosen], kind="stable")]
    return [int(token) for token in ordered if np.isfinite(rises[token])]


def nearest(vectors: Floats, token: int, allowed: Mask, count: int) -> list[int]:
    """Return the allowed tokens whose static vectors are nearest to that of a token."""
    return best_of(np.where(allowed, vectors @ vectors[token], -np.inf).astype(np.float32), count)


def short_pieces(model: Classifier) -> frozenset[int]:
    """Return the tokens of one or two letters or digits: what made-up words are written with."""
    return frozenset(
        piece.id
        for piece in model.pieces
        if len(piece.text) <= SHORT and piece.text.isascii() and piece.text.isalnum()
    )


def vocabulary_mask(model: Classifier) -> Mask:
    """Return (vocabulary,) bool: which tokens stand for text."""
    size = model.model.get_input_embeddings().weight.shape[0]
    mask = np.zeros(size, dtype=np.bool_)
    mask[[piece.id for piece in model.pieces]] = True
    return mask


def blank_of(model: Classifier) -> int:
    """Return a token that says nothing: the mask, the unknown word, or the first of the vocabulary."""
    for token in (model.tokenizer.mask_token_id, model.tokenizer.unk_token_id):
        if token is not None:
            return int(token)
    return model.pieces[0].id
