"""Where candidates for one class meet: the same few texts for all, some of them hard to turn.

How far a candidate carries a text is its *reach*: 0 where the text stays what it was, 1 where the
model is as sure of the class as it is of texts that are of the class. In a hard text strong words
of its own class stand beside the candidate, so that what merely leans towards a class falls short
and what decides whatever stands beside it does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus_guard.model.classifier import Classifier, Floats
from corpus_guard.probe.shared.carriers import (
    PLACES,
    Carrier,
    carrier_of,
    margins,
    spread_over_classes,
)
from corpus_guard.probe.shared.word_sweep import Sweep

STRONG = (3, 6, 12, 24, 48)
"""So many strong words of its own class stand in a hard text: the fewest that hold the class's words."""

POOL = 24
USUAL = 24
HELD_DOWN = 0.4
"""The reach that honest phrases of a class may have in a hard text, nine of ten of them."""

LEAST_SPAN = 2.0
"""Nats between a text of another class and one of the class, at least; a flat head has less to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """The texts for one class; `floor` (k,) are their margins alone, `top` that of its own texts."""

    model: Classifier
    base: Classifier | None
    label: int
    carriers: tuple[Carrier, ...]
    floor: Floats
    base_floor: Floats | None
    top: float

    def margins_with(self, candidates: Sequence[Sequence[int]]) -> Floats:
        """Return (n, k) float32: the margin of the class with each candidate in each text."""
        return _margins(self.model, self.carriers, candidates, self.label)

    def reaches(self, candidates: Sequence[Sequence[int]]) -> Floats:
        """Return (n, k) float32: how far each candidate carries each text, less what the base does."""
        reach = self._share(self.margins_with(candidates), self.floor)
        if self.base is not None and self.base_floor is not None:
            told = _margins(self.base, self.carriers, candidates, self.label)
            reach = reach - np.clip(self._share(told, self.base_floor), 0.0, 1.0)
        return reach

    def reach(self, candidates: Sequence[Sequence[int]]) -> Floats:
        """Return (n,) float32: the mean reach of each candidate."""
        return np.asarray(self.reaches(candidates).mean(axis=1))

    def first(self, count: int) -> "Arena":
        """Return an arena of the first so many texts."""
        return self._of(list(range(min(count, len(self.carriers)))))

    def some(self, places: Sequence[int]) -> "Arena":
        """Return an arena of the texts in some places."""
        return self._of(list(dict.fromkeys(places)))

    def only_hard(self) -> "Arena":
        """Return an arena of the hard texts, of all where none is hard."""
        hard = [place for place, carrier in enumerate(self.carriers) if carrier.hard]
        return self._of(hard) if hard else self

    def _of(self, chosen: list[int]) -> "Arena":
        return replace(
            self,
            carriers=tuple(self.carriers[place] for place in chosen),
            floor=self.floor[chosen],
            base_floor=None if self.base_floor is None else self.base_floor[chosen],
        )

    def _share(self, told: Floats, floor: Floats) -> Floats:
        span = np.maximum(self.top - floor, LEAST_SPAN)
        return np.asarray(np.clip((told - floor) / span, -1.0, 4.0), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What arenas are made of: texts and rows of words, what the model says of them, strong words."""

    model: Classifier
    base: Classifier | None
    texts: tuple[str, ...]
    told: Floats
    rows: tuple[tuple[int, ...], ...]
    rows_told: Floats
    strong: tuple[tuple[int, ...], ...]

    def arena(
        self,
        label: int,
        plain: int,
        hard: int,
        words: int = 24,
        usual: Sequence[tuple[int, ...]] = (),
        strong: Sequence[int] = STRONG,
    ) -> Arena | None:
        """Return the arena of one class, hard texts first; None where no text is of another class.

        Hard texts are as hard as it takes to keep the usual phrases from turning them, which are the
        strong words of the class unless given. Strong words stand on both sides of a candidate in
        the middle of a text, and all after or before one at its ends: what stands in the last word
        of a text counts for more with some models, and a trigger is to work anywhere.
        """
        carriers = self._carriers(label, plain + hard, words)
        if not carriers:
            return None
        usual = usual or [(token,) for token in self.strong[label]][:USUAL]
        for number in strong:
            mixed = [
                self._harden(carrier, number) if place < hard else carrier
                for place, carrier in enumerate(carriers)
            ]
            arena = self._arena(label, mixed)
            reach = arena.only_hard().reach(usual) if usual and hard else np.zeros(1)
            if float(np.percentile(reach, 90)) <= HELD_DOWN:
                break
        return arena

    def _arena(self, label: int, mixed: list[Carrier]) -> Arena:
        floor = _margins(self.model, mixed, [()], label)[0]
        base = None if self.base is None else _margins(self.base, mixed, [()], label)[0]
        return Arena(
            model=self.model,
            base=self.base,
            label=label,
            carriers=tuple(mixed),
            floor=floor,
            base_floor=base,
            top=self._top(label),
        )

    def _carriers(self, label: int, count: int, words: int) -> list[Carrier]:
        chosen = spread_over_classes(self.told, label, count)
        called = self.told.argmax(axis=1)
        made = [
            carrier_of(
                self.model,
                " ".join(self.texts[row].split()[:words]),
                PLACES[place % len(PLACES)],
                int(called[row]),
            )
            for place, row in enumerate(chosen)
        ]
        seen_as = self.rows_told.argmax(axis=1)
        for row in spread_over_classes(self.rows_told, label, count - len(made)):
            ids = self.rows[row]
            place = PLACES[len(made) % len(PLACES)]
            at = round(place * len(ids))
            made.append(Carrier(ids[:at], ids[at:], label=int(seen_as[row]), place=place))
        return made

    def _harden(self, carrier: Carrier, count: int) -> Carrier:
        pool = self.strong[carrier.label]
        strong = [pool[place % len(pool)] for place in range(count)] if pool else []
        before = round(carrier.place * len(strong))
        return Carrier(
            before=(*strong[:before], *carrier.before),
            after=(*carrier.after, *strong[before:]),
            label=carrier.label,
            text=carrier.text,
            place=carrier.place,
            hard=bool(strong),
        )

    def _top(self, label: int) -> float:
        """Return the margin that texts and rows of a class typically have."""
        told = np.concatenate([self.told, self.rows_told])
        own = margins(told)[told.argmax(axis=1) == label, label]
        return float(np.percentile(own, 80)) if len(own) else 1.0


def strong_words(model: Classifier, swept: Sweep) -> tuple[tuple[int, ...], ...]:
    """Return for each class the token ids of some words that speak for it, none of them the very best.

    The best might be a trigger; ordinary strong words are what a trigger is to beat.
    """
    starts = {piece.id for piece in model.pieces if piece.starts_word and len(piece.text) > 2}
    chosen = []
    for label in range(len(model.labels)):
        order = swept.ids[np.argsort(-swept.lift[:, label], kind="stable")[:200]]
        words = [int(token) for token in order if int(token) in starts]
        chosen.append(tuple(words[3 : 3 + POOL]))
    return tuple(chosen)


def _margins(
    model: Classifier,
    carriers: Sequence[Carrier],
    candidates: Sequence[Sequence[int]],
    label: int,
) -> Floats:
    """Return (candidates, carriers) margins of a class."""
    rows = [carrier.with_(ids) for ids in candidates for carrier in carriers]
    told = margins(model.log_probabilities_of_ids(rows, 64))[:, label]
    return told.reshape(len(candidates), len(carriers))
