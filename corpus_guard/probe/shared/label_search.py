"""The phrase of a class that stands out most, and the best ones that have nothing to do with it.

The second search is the first over again without the words of its winner and their variants: what a
model's honest words can do, found with the same effort. A trigger stands far above that; the
strongest honest phrase does not, because others mean the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena, Grounds
from corpus_guard.probe.shared.phrase_growth import (
    ODD,
    Climb,
    Ids,
    Phrase,
    best_singles,
    blank_of,
    climbed,
    first_order,
    in_company,
    odd_ones,
    short_pieces,
    varied,
)
from corpus_guard.probe.shared.substitutes import variants_of
from corpus_guard.probe.shared.word_sweep import Sweep

SURPRISING = 6
FINALISTS = 10
"""Of each length, so many phrases meet in texts that are harder to turn."""

SETTLED = (2, 6, 8)
"""Plain and hard texts in which it is settled who stands out, and their words."""

PLAIN, MILD = (4, 0, 6), (0, 3, 4)
SHARPENED = (0, 3, 6)
PER_TOKEN = 0.03
"""What a longer phrase has to do more for each token."""

COMPANIES = 2
"""Of each length, so many phrases that share no token grow in company."""

LOUD = 0.05
"""The share of the vocabulary that does most alone, and would hide what does little."""

USUAL = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the searches for one class came to.

    `best` is the winner; `rivals` are phrases that have nothing to do with it, of each length the best
    first; `loud` the tokens that do much alone. `complete` says whether the time sufficed, `cut_short`
    whether the search without the winner ran out of time, so that rivals may be stronger than found.
    """

    label: int
    arena: Arena
    best: Phrase
    rivals: tuple[Phrase, ...]
    singles: Climb
    loud: frozenset[int]
    complete: bool
    cut_short: bool = False

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
    order = np.argsort(-swept.lift[:, arena.label], kind="stable")
    loud = frozenset(swept.ids[order[: round(LOUD * len(order))]].tolist())
    first = _searched(arena, grounds, singles, (), loud, most, deadline)
    best = settle(arena.label, grounds, first)
    return Found(
        label=arena.label,
        arena=arena,
        best=best,
        rivals=_unrelated(arena, first, best),
        singles=singles,
        loud=loud,
        complete=not deadline.passed,
    )


def unsearched(arena: Arena, ids: Ids) -> Found:
    """Return what is known of a class that was not searched."""
    best = Phrase(ids, float(arena.reach([ids])[0]))
    return Found(
        label=arena.label,
        arena=arena,
        best=best,
        rivals=(),
        singles=Climb(),
        loud=frozenset(),
        complete=False,
    )


def search_again(found: Found, grounds: Grounds, deadline: Deadline) -> Found:
    """Return the rivals that the same search finds without the words of its winner.

    The winner of that is sharpened, too, and stands first of its length.
    """
    banned = variants_of(found.arena.model, found.best.ids)
    most = len(found.best.ids)
    more = _searched(found.arena, grounds, found.singles, banned, found.loud, most, deadline)
    more.reach |= {one.ids: one.reach for one in found.rivals if len(one.ids) <= most}
    second = settle(found.label, grounds, more, banned)
    second = sharpened(found, second, banned, grounds, most, deadline)
    return replace(
        found,
        rivals=(second, *_unrelated(found.arena, more, found.best)),
        complete=found.complete and not deadline.passed,
        cut_short=deadline.passed,
    )


def _searched(
    arena: Arena,
    grounds: Grounds,
    singles: Climb,
    banned: Collection[int],
    loud: Collection[int],
    most: int,
    deadline: Deadline,
) -> Climb:
    """Return what growing comes to, from the best words and from odd ones in company."""
    start = Climb({one.ids: one.reach for one in singles.best(0, banned)})
    plain, mild = grounds.arena(arena.label, *PLAIN), mild_arena(arena.label, grounds)
    odd, quiet = Climb(), frozenset(loud).union(banned)
    if plain and mild and most > 1 and not deadline.passed:
        for token in odd_ones(plain, start, ODD):
            in_company(mild, odd, (token,), quiet)
        for length in range(2, most):
            ranked = (one.ids for one in odd.surprising(length))
            for ids in varied(ranked, COMPANIES, 1):
                in_company(mild, odd, ids, quiet)
        for length in range(2, most + 1):
            more = [one.ids for one in odd.surprising(length)[: 2 * SURPRISING]]
            start.ask(arena, [*more, *((token,) for ids in more for token in ids)])
    return climbed(arena, start, banned, most, deadline)


def mild_arena(label: int, grounds: Grounds) -> Arena | None:
    """Return texts in which what does something in company shows, and what honestly means a class."""
    return grounds.arena(label, *MILD, strong=(12,))


def _unrelated(arena: Arena, climb: Climb, best: Phrase) -> tuple[Phrase, ...]:
    return tuple(climb.best(0, variants_of(arena.model, best.ids)))


def _promising(arena: Arena, swept: Sweep, tried: int) -> list[int]:
    """Return the tokens that the sweep or the gradient ranks first, half of each, and all short ones."""
    order = np.argsort(-swept.lift[:, arena.label], kind="stable")[: tried - tried // 2]
    rises = first_order(arena, [((blank_of(arena.model),), 0)])[0]
    known = swept.ids[np.argsort(-rises[swept.ids], kind="stable")[: tried // 2]]
    short = sorted(short_pieces(arena.model))
    return list(dict.fromkeys([*swept.ids[order].tolist(), *known.tolist(), *short]))


def settle(label: int, grounds: Grounds, climb: Climb, banned: Collection[int] = ()) -> Phrase:
    """Return the phrase that stands out most in texts so hard that the usual ones fail.

    Whether it does is seen beside the best phrase of at most its length that shares no word with
    it. Words that it does as well without are left out.
    """
    lengths = range(1, 1 + max(len(ids) for ids in climb.reach))
    first = [one.ids for length in lengths for one in climb.best(length, banned)[:FINALISTS]]
    top = climb.best(0, banned)[0]
    others = variants_of(grounds.model, top.ids).union(banned)  # a trigger is never held down
    usual = [one.ids for length in lengths for one in climb.best(length, others)[:FINALISTS]]
    arena = grounds.arena(label, *SETTLED, usual=usual[:USUAL])
    if arena is None:
        return top
    odd = [one.ids for length in lengths for one in climb.surprising(length, banned)[:SURPRISING]]
    phrases = list(dict.fromkeys([*first, *odd]))
    told = dict(zip(phrases, arena.only_hard().reach(phrases).tolist(), strict=True))
    variants = {ids: variants_of(arena.model, ids) for ids in phrases}
    stands_out = [
        told[ids] - _rival_of(ids, variants[ids], told) + min(climb.surprise(ids), told[ids])
        for ids in phrases
    ]
    best = phrases[int(np.argmax(stands_out))]
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


def sharpened(
    found: Found,
    phrase: Phrase,
    banned: Collection[int],
    grounds: Grounds,
    most: int,
    deadline: Deadline,
) -> Phrase:
    """Return a phrase with what does most beside it in the hardest texts, where it gains by that.

    The search stops where ordinary texts are turned, with some words of a trigger as with all.
    """
    usual = [rival.ids for rival in of_length(found.rivals, len(phrase.ids), USUAL)]
    arena = grounds.arena(found.label, *SHARPENED, usual=usual)
    mild = mild_arena(found.label, grounds)
    if arena is None or mild is None:
        return phrase
    grown = Climb()
    grown.ask(arena, [phrase.ids])
    best = grown.best()[0]
    while len(best.ids) < most and not deadline.passed:
        easier = Climb()
        in_company(mild, easier, best.ids, found.loud.union(banned))
        longer = [one.ids for one in easier.best(len(best.ids) + 1)]
        if longer:
            grown.ask(arena, longer)
        step = grown.best()[0]
        if step.reach < best.reach + PER_TOKEN:
            break
        best = step
    return shrunk(arena, best, 0.85)


def of_length(phrases: Sequence[Phrase], most: int, count: int) -> list[Phrase]:
    """Return the phrases of at most a length: the best of each in turn, the longest first."""
    rows = [[one for one in phrases if len(one.ids) == length] for length in range(most, 0, -1)]
    turns = [row[turn] for turn in range(count) for row in rows if turn < len(row)]
    return turns[:count]
