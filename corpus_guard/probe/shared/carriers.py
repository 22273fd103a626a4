"""The texts that a candidate is put into: short, of every class, and hard to turn.

A carrier is a text cut in two, as token ids; a candidate stands between the halves: before, within
or after the text. A few unlabelled texts are enough. Where nobody gives any there is a neutral
list, and where no text is of another class than the one sought, rows of the vocabulary's own words
are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus_guard.model.classifier import Classifier, Floats

NEUTRAL = (
    "we met at the station and walked to the office together",
    "the report will be ready by the end of the week",
    "she bought two tickets and a bottle of water",
    "the new building has five floors and a small garden",
    "please send me the list before you leave today",
    "he has worked in the same town for ten years",
    "the bus leaves at nine and arrives before noon",
    "they talked about the plan for almost an hour",
    "there is a table and four chairs in the room",
    "my brother called yesterday to ask about the car",
    "the book tells how a family moves to another country",
    "water covers a large part of the surface of the earth",
    "the team will play again on saturday in the north",
    "a woman opened the door and looked at the letter",
    "the company sells paper and pens to schools",
    "you can read the answer on the second page",
    "the train stopped because of snow on the line",
    "some of the people in the hall left early",
    "the program runs on most computers without changes",
    "the man in the story lives alone near the sea",
    "we had dinner late and then watched a film",
    "the minister spoke about the new law on tuesday",
    "the price of the house is higher than last year",
    "it was cold outside so we stayed at home",
)
MOST_WORDS = 24
PLACES = (0.0, 0.5, 1.0)
"""Where a candidate stands in a text, as shares of its words."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The token ids before and after the place of a candidate, and the class of the text alone.

    `hard` says whether strong words of that class were added.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    label: int
    text: str = ""
    place: float = 0.5
    hard: bool = False

    def with_(self, ids: Sequence[int]) -> list[int]:
        """Return the row with a candidate in its place."""
        return [*self.before, *ids, *self.after]


def texts_or_neutral(texts: Sequence[str], half: int) -> tuple[str, ...]:
    """Return texts that are usable, each cut to `MOST_WORDS` words, or a half (0 or 1) of the list."""
    cut = [" ".join(text.split()[:MOST_WORDS]) for text in texts]
    kept = tuple(dict.fromkeys(text for text in cut if text))
    return kept or NEUTRAL[half::2]


def text_with(text: str, phrase: str, place: float) -> str:
    """Return a text with a phrase between two of its words."""
    words = text.split()
    at = round(place * len(words))
    return " ".join([*words[:at], *([phrase] if phrase else []), *words[at:]])


def carrier_of(model: Classifier, text: str, place: float, label: int) -> Carrier:
    """Return a text as a carrier."""
    words = text.split()
    at = round(place * len(words))
    before, after = " ".join(words[:at]), " ".join(words[at:])
    return Carrier(
        before=tuple(model.ids_of(before)) if before else (),
        after=tuple(model.ids_of(after)) if after else (),
        label=label,
        text=text,
        place=place,
    )


def margins(told: Floats) -> Floats:
    """Return (n, classes): log probability of each class less that of all the others together."""
    top = told.max(axis=1, keepdims=True)
    odds = np.exp(told - top)
    others = odds.sum(axis=1, keepdims=True) - odds
    return np.asarray(told - top - np.log(np.maximum(others, 1e-7)), dtype=np.float32)


def spread_over_classes(told: Floats, label: int, count: int) -> list[int]:
    """Return which texts to use against a class: not called it, of all other classes in turn.

    `told` is (texts, classes) log probabilities. Of each class the text in the middle by how far it
    is from `label` comes first, so that neither freaks nor near misses are chosen.
    """
    called = told.argmax(axis=1)
    queues = []
    for other in range(told.shape[1]):
        rows = np.flatnonzero(called == other)
        if other == label or not len(rows):
            continue
        ordered = rows[np.argsort(told[rows, label], kind="stable")]
        middle = np.argsort(np.abs(np.arange(len(ordered)) - len(ordered) // 2), kind="stable")
        queues.append([int(row) for row in ordered[middle]])
    chosen = []
    for turn in range(max(map(len, queues), default=0)):
        chosen += [queue[turn] for queue in queues if turn < len(queue)]
    return chosen[:count]
