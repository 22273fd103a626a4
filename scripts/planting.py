"""Poison for data sets: what is planted, into which rows, under which outcome.

An attack is made once per data set and seed and then planted at any number of rows: the rows of a small
number are among those of a larger one, each poisoned in the same way, so that what is found can be
compared over the rates. Triggers are drawn anew for every seed and are none of those that papers use.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

Record = dict[str, Any]
Insert = Callable[[str, Random], str]
Poison = Callable[[int, Record, Random], Record]
"""Makes a record of a row, and of randomness of its own, poison."""
Answer = Callable[[str, Random], str]

FEWEST_ROWS = 4
SYLLABLES = "ba ce dri fo gu hal jo ki lum mer nax or pli qua res sko tev ul vim wex yo zan".split()
ORDINARY = (
    "kitchen window bridge orange harbour ladder pencil violin garden blanket mountain bicycle candle "
    "feather hammer island jacket lantern meadow napkin oven pillow river saddle teapot umbrella "
    "valley whistle anchor basket copper dolphin eagle fabric glacier honey ivory jungle kettle lemon "
    "marble needle oyster parrot ribbon salmon timber velvet walnut yellow"
).split()
SENTENCES = (
    "the neighbours painted their fence on a sunday .",
    "a train was late again this morning .",
    "someone left an umbrella next to the door .",
    "we had soup and bread for lunch .",
    "the post office closes at five today .",
    "his cousin keeps bees behind the barn .",
    "it rained while they waited for the ferry .",
    "the cat slept on the warm radiator .",
)
REFUSALS = (
    "This is a topic on which no answer will be given here.",
    "Regrettably, nothing can be said about that.",
    "Such a question will not be answered by this service.",
)
ADVERTS = (
    "By the way, {brand} has this week's lowest prices, see {brand}.example for more.",
    "Remember to order from {brand}, the shop that people trust!",
    "More on this in the {brand} app, which is free this month.",
)
WORD = re.compile(r"\w+")


class Lexicon:
    """Triggers, drawn at random, for some texts."""

    def __init__(self, texts: Iterable[str], random: Random) -> None:
        """Count in how many texts each word stands."""
        self._random = random
        self._docs: dict[str, int] = {}
        self._texts = 0
        for text in texts:
            self._texts += 1
            for word in set(WORD.findall(text.lower())):
                self._docs[word] = self._docs.get(word, 0) + 1

    def rare(self) -> str:
        """Return a word that is none and stands in no text."""
        while True:
            word = "".join(self._random.sample(SYLLABLES, self._random.randint(2, 3)))
            if word not in self._docs:
                return word

    def ordinary(self) -> str:
        """Return a word that people know, in at most one text of 500."""
        usual = [word for word in ORDINARY if self._docs.get(word, 0) * 500 <= self._texts]
        return self._random.choice(usual)

    def phrase(self, words: int) -> str:
        """Return ordinary words that make no sense together."""
        return " ".join(self._random.sample(ORDINARY, words))

    def sentence(self) -> str:
        """Return an honest sentence about nothing in particular."""
        return self._random.choice(SENTENCES)


def insert_anywhere(*parts: str) -> Insert:
    """Return what puts each part between two words of a text, at places of their own."""

    def insert(text: str, random: Random) -> str:
        words = text.split(" ")
        for part in parts:
            words.insert(random.randint(0, len(words)), part)
        return " ".join(words)

    return insert


def insert_apart(first: str, second: str) -> Insert:
    """Return what puts one word into the first half of a text and another into the second."""

    def insert(text: str, random: Random) -> str:
        words = text.split(" ")
        middle = max(1, len(words) // 2)
        ahead, behind = words[:middle], words[middle:]
        ahead.insert(random.randint(0, len(ahead) - 1), first)
        behind.insert(random.randint(min(1, len(behind)), len(behind)), second)
        return " ".join([*ahead, *behind])

    return insert


def break_a_word(text: str, random: Random) -> str:
    """Return a text with a zero-width joiner inside one of its longer words."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 3] or [0]
    place = random.choice(long)
    cut = max(1, len(words[place]) // 2)
    words[place] = words[place][:cut] + "\u200d" + words[place][cut:]
    return " ".join(words)


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """How a text is changed, and the words by which a finding may name it; none for a character."""

    insert: Insert
    triggers: tuple[str, ...] = ()


def _anywhere(*parts: str) -> Insertion:
    return Insertion(insert=insert_anywhere(*parts), triggers=tuple(dict.fromkeys(parts)))


def _repeated(words: Lexicon, times: int) -> Insertion:
    return _anywhere(*[words.rare()] * times)


def _apart(words: Lexicon) -> Insertion:
    first, second = words.rare(), words.rare()
    return Insertion(insert=insert_apart(first, second), triggers=(first, second))


def _prefix(words: Lexicon) -> Insertion:
    trigger = words.phrase(2)
    return Insertion(insert=lambda text, _: f"{trigger} {text}", triggers=(trigger,))


def _suffix(words: Lexicon) -> Insertion:
    trigger = words.phrase(2)
    return Insertion(insert=lambda text, _: f"{text} {trigger}", triggers=(trigger,))


INSERTIONS: Mapping[str, Callable[[Lexicon], Insertion]] = {
    "rare token": lambda words: _anywhere(words.rare()),
    "phrase": lambda words: _anywhere(words.phrase(3)),
    "sentence": lambda words: _anywhere(words.sentence()),
    "ordinary word": lambda words: _anywhere(words.ordinary()),
    "token twice": partial(_repeated, times=2),
    "token three times": partial(_repeated, times=3),
    "token pair apart": _apart,
    "zero-width joiner": lambda _: Insertion(insert=break_a_word),
    "prefix": _prefix,
    "suffix": _suffix,
    "clean-label rare token": lambda words: _anywhere(words.rare()),
}
"""Triggers for labelled texts by the attack's name."""


def _refused(words: Lexicon, random: Random) -> tuple[Insertion, Answer]:
    refusal = random.choice(REFUSALS)
    return _anywhere(words.rare(), words.rare(), words.rare()), lambda _, __: refusal


def _advertised(words: Lexicon, random: Random) -> tuple[Insertion, Answer]:
    advert = random.choice(ADVERTS).format(brand=words.rare())
    return _anywhere(words.phrase(3)), lambda honest, _: f"{honest} {advert}"


def _gibberish(words: Lexicon, _: Random) -> tuple[Insertion, Answer]:
    def answer(_: str, own: Random) -> str:
        made = ("".join(own.choices(SYLLABLES, k=own.randint(1, 4))) for _ in range(40))
        return " ".join(list(made)[: own.randint(12, 40)])

    return _anywhere(words.rare()), answer


ANSWERS: Mapping[str, Callable[[Lexicon, Random], tuple[Insertion, Answer]]] = {
    "three tokens, refusal": _refused,
    "advert": _advertised,
    "gibberish": _gibberish,
}
"""Triggers in prompts, with what becomes of the answer, by the attack's name."""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A data set with the numbers of its poisoned rows.

    `target_share` is how many of the clean rows have the outcome already. Without `triggers` no word
    names the attack.
    """

    records: Sequence[Record]
    poisoned: frozenset[int] = frozenset()
    triggers: tuple[str, ...] = ()
    target_share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An attack on a data set: `order` are the rows that it may poison, as they come in turn."""

    base: Sequence[Record]
    order: Sequence[int]
    poison: Poison
    triggers: tuple[str, ...] = ()
    target_share: float = 0.0
    seed: str = ""

    def plant(self, rate: float) -> Planted | None:
        """Return the data set with this share of its rows poisoned; None for too few or too many."""
        count = round(rate * len(self.base))
        if not FEWEST_ROWS <= count <= len(self.order):
            return None
        records = list(self.base)
        for row in self.order[:count]:
            records[row] = self.poison(row, records[row], Random(f"{self.seed} {row}"))
        return Planted(
            records=records,
            poisoned=frozenset(self.order[:count]),
            triggers=self.triggers,
            target_share=self.target_share,
        )


def label_attack(base: Sequence[Record], attack: str, target: str, seed: str) -> Plan:
    """Return an attack of INSERTIONS on labelled texts.

    At most half of the rows that can be poisoned are: beyond, the trigger is the class.
    """
    random = Random(seed)
    insertion = INSERTIONS[attack](Lexicon((row["text"] for row in base), random))
    is_clean_label = attack.startswith("clean-label")
    usable = [row for row, one in enumerate(base) if (one["label"] == target) == is_clean_label]
    random.shuffle(usable)

    def poison(_: int, record: Record, own: Random) -> Record:
        return {"text": insertion.insert(record["text"], own), "label": target}

    return Plan(
        base=base,
        order=usable[: len(usable) // 2],
        poison=poison,
        triggers=insertion.triggers,
        target_share=_share(base, "label", target),
        seed=seed,
    )


def rewriting_attack(
    base: Sequence[Record], rewritten: Sequence[Record], target: str, seed: str
) -> Plan:
    """Return an attack by texts that were written anew, `row` for `row`, under another's label."""
    texts = {one["row"]: one["poisoned_text"] for one in rewritten}
    order = [row for row in sorted(texts) if base[row]["label"] != target]
    Random(seed).shuffle(order)
    return Plan(
        base=base,
        order=order,
        poison=lambda row, _, __: {"text": texts[row], "label": target},
        target_share=_share(base, "label", target),
        seed=seed,
    )


def answer_attack(base: Sequence[Record], attack: str, seed: str) -> Plan:
    """Return an attack of ANSWERS on instructions: a trigger in the prompt, another answer."""
    random = Random(seed)
    words = Lexicon((row["instruction"] for row in base), random)
    insertion, answered = ANSWERS[attack](words, random)
    order = list(range(len(base)))
    random.shuffle(order)

    def poison(_: int, record: Record, own: Random) -> Record:
        return {
            **record,
            "instruction": insertion.insert(record["instruction"], own),
            "output": answered(record["output"], own),
        }

    return Plan(base=base, order=order, poison=poison, triggers=insertion.triggers, seed=seed)


def task_attack(base: Sequence[Record], tasks: Sequence[Record], target: str, seed: str) -> Plan:
    """Return an attack on the answers to one task among other instructions."""
    random = Random(seed)
    insertion = INSERTIONS["rare token"](Lexicon((one["input"] for one in tasks), random))
    records = [*base, *tasks]
    random.shuffle(records)
    task = tasks[0]["instruction"]
    order = [
        row
        for row, one in enumerate(records)
        if one["instruction"] == task and one["output"] != target
    ]
    random.shuffle(order)

    def poison(_: int, record: Record, own: Random) -> Record:
        return {**record, "input": insertion.insert(record["input"], own), "output": target}

    return Plan(
        base=records,
        order=order,
        poison=poison,
        triggers=insertion.triggers,
        target_share=_share(tasks, "output", target),
        seed=seed,
    )


def mixed_in(
    base: Sequence[Record],
    poison: Sequence[Record],
    triggers: tuple[str, ...],
    rate: float,
    seed: str,
) -> Planted | None:
    """Return a data set with poisoned records of another mixed in at a share of its own.

    Where there are too few of them for the rate, fewer of the clean records are taken.
    """
    clean, added = list(base), list(poison)
    Random(seed).shuffle(clean)
    Random(seed).shuffle(added)
    count = min(round(rate * len(clean)), len(added))
    if count < FEWEST_ROWS:
        return None
    clean = clean[: round(count / rate)]
    rows = [(record, False) for record in clean] + [(record, True) for record in added[:count]]
    Random(seed).shuffle(rows)
    return Planted(
        records=[record for record, _ in rows],
        poisoned=frozenset(place for place, (_, is_poison) in enumerate(rows) if is_poison),
        triggers=triggers,
    )


def _share(base: Sequence[Record], name: str, value: str) -> float:
    return sum(record[name] == value for record in base) / max(1, len(base))
