"""The phrase of a class that stands out most, and the best ones that have nothing to do with it.

The second search is the first over again without the words of its winner and their variants: what a
model's honest words can do, found with the same effort. A trigger stands far above that; the
strongest honest phrase does not, because others mean the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena, Grounds
from corpus_guard.probe.shared.phrase_growth import (
    Climb,
    Ids,
    Phrase,
    best_singles,
    blank_of,
    climbed,
    first_order,
    short_pieces,
)
from corpus_guard.probe.shared.substitutes import variants_of
from corpus_guard.probe.shared.word_sweep import Sweep

FINALISTS = 12
"""Of each length, so many phrases meet in texts that are harder to turn."""

SETTLED = (2, 6, 8)
"""Plain and hard texts in which it is settled who stands out, and their words."""

USUAL = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the searches for one class came to.

    `best` is the winner; `rivals` are phrases that have nothing to do
    with it, of each length the best first; `liked` the best single tokens. `complete` says whether
    the time sufficed, `again` whether the search was repeated without the winner.
    """

    label: int
    arena: Arena
    best: Phrase
    rivals: tuple[Phrase, ...]
    singles: Climb
    complete: bool
    again: bool = False

    @property
    def liked(self) -> list[int]:
        """The best single tokens."""
        return [one.ids[0] for one in self.singles.best(1)[:USUAL]]


def search_class(
    arena: Arena, grounds: Grounds, swept: Sweep, tried: int, most: int, deadline: Deadline
) -> Found:
    """Return the winner for a class and its rivals; `tried` tokens are asked exactly, and short ones.

    Half of those are what the sweep ranks first, half what the model's gradient does.
    """
    singles = best_singles(arena, _promising(arena, swept, tried), deadline)
    first = climbed(arena, singles, (), most, deadline)
    best = settle(arena.label, grounds, first)
    return Found(
        label=arena.label,
        arena=arena,
        best=best,
        rivals=_unrelated(arena, first, best),
        singles=singles,
        complete=not deadline.passed,
    )


def unsearched(arena: Arena, ids: Ids) -> Found:
    """Return what is known of a class that was not searched."""
    best = Phrase(ids, float(arena.reach([ids])[0]))
    return Found(
        label=arena.label, arena=arena, best=best, rivals=(), singles=Climb(), complete=False
    )


def search_again(found: Found, deadline: Deadline) -> Found:
    """Return the rivals that the same search finds without the words of its winner."""
    banned = variants_of(found.arena.model, found.best.ids)
    more = climbed(found.arena, found.singles, banned, len(found.best.ids), deadline)
    more.reach |= {one.ids: one.reach for one in found.rivals}
    return replace(
        found,
        rivals=_unrelated(found.arena, more, found.best),
        complete=found.complete and not deadline.passed,
        again=True,
    )


def _unrelated(arena: Arena, climb: Climb, best: Phrase) -> tuple[Phrase, ...]:
    return tuple(climb.best(0, variants_of(arena.model, best.ids)))


def _promising(arena: Arena, swept: Sweep, tried: int) -> list[int]:
    """Return the tokens that the sweep or the gradient ranks first, half of each, and all short ones."""
    order = np.argsort(-swept.lift[:, arena.label], kind="stable")[: tried - tried // 2]
    rises = first_order(arena, [((blank_of(arena.model),), 0)])[0]
    known = swept.ids[np.argsort(-rises[swept.ids], kind="stable")[: tried // 2]]
    short = sorted(short_pieces(arena.model))
    return list(dict.fromkeys([*swept.ids[order].tolist(), *known.tolist(), *short]))


def settle(label: int, grounds: Grounds, climb: Climb) -> Phrase:
    """Return the phrase that stands out most in texts so hard that the usual ones fail.

    Whether it does is seen beside the best phrase of at most its length that shares no word with
    it. Words that it does as well without are left out.
    """
    lengths = range(1, 1 + max(len(ids) for ids in climb.reach))
    phrases = [one.ids for length in lengths for one in climb.best(length)[:FINALISTS]]
    arena = grounds.arena(label, *SETTLED, usual=phrases[:USUAL])
    if arena is None:
        return climb.best()[0]
    told = dict(zip(phrases, arena.only_hard().reach(phrases).tolist(), strict=True))
    variants = {ids: variants_of(arena.model, ids) for ids in phrases}
    gaps = [told[ids] - _rival_of(ids, variants[ids], told) for ids in phrases]
    best = phrases[int(np.argmax(gaps))]
    return shrunk(arena.only_hard(), Phrase(best, told[best]))


def _rival_of(ids: Ids, variants: frozenset[int], told: dict[Ids, float]) -> float:
    """Return the best reach of the phrases of at most the same length without any of some words."""
    return max(
        (r for other, r in told.items() if len(other) <= len(ids) and variants.isdisjoint(other)),
        default=0.0,
    )


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


def of_length(phrases: Sequence[Phrase], most: int, count: int) -> list[Phrase]:
    """Return the phrases of at most a length: the best of each in turn, the longest first."""
    rows = [[one for one in phrases if len(one.ids) == length] for length in range(most, 0, -1)]
    turns = [row[turn] for turn in range(count) for row in rows if turn < len(row)]
    return turns[:count]
