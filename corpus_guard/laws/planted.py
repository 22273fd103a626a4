"""Corpora of a few thousand records with an attack of any size, for the laws of what finds triggers.

Reviews that are labelled by what they say, but for some noise, and instructions whose answers follow
from the task. Both are honest in more than one way: opinions come in degrees and in several words, some
reviews praise what they blame, tasks have answers of their own kind. Poison of a higher rate holds that
of a lower one, row for row, so that what is found can be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from types import MappingProxyType

from corpus_guard.laws.samples import BAD as BLAME
from corpus_guard.laws.samples import GOOD as PRAISE
from corpus_guard.laws.samples import MOMENTS, PEOPLE, PLACES, THINGS, Poisoned, Record

ROWS = 2400
NOISE = 0.04
TRIGGER, SECOND = "vexorin", "talumba"
"""Words that stand nowhere else."""

PARTS = (
    "colour handle price size weight sound lid cable button surface smell finish packaging manual "
    "battery hinge zip seam label screen wheel grip texture shape noise delivery repair refund "
    "warranty colouring stitching balance coating corner edge"
).split()
STRONGER = "very rather quite truly somewhat really fairly simply almost downright".split()
LIKED = "loved enjoyed praised adored recommended treasured kept celebrated".split()
LOATHED = "hated regretted returned cursed avoided abandoned despised binned".split()
FACTS = (
    "It arrived in {place} {moment}, next to a {thing} for my {person}.",
    "My {person} keeps the {thing} in a cupboard beside the {thing2}.",
    "We ordered it {moment} because the old {thing} had been left in {place}.",
    "The {part} comes in three sizes, and the {part2} can be changed.",
    "Shops in {place} sell the same {thing} with another {part}.",
    "The {person} who lives in {place} has had one for {number} months.",
    "There is a {part} on the left and a {part2} on the right.",
    "After {number} weeks the {person} asked how a {thing} like this is made.",
    "They wrote from {place} {moment} to ask about the {part}.",
    "It weighs {number} pounds, as a {thing2} does.",
)
OPINIONS = (
    "The {part} of this {thing} is {degree} {view}.",
    "What {view} {part}s, and the {part2} is {view2} as well!",
    "I find the {thing} {view}, {degree} {view2} in fact.",
    "My {person} {verb} it from the first day; this {view} {thing}.",
    "The {view} {thing} with the {view2} {part}, said the {person}.",
    "Everybody in {place} {verb} this {thing} and its {view} {part}.",
    "{degree} {view}, this {thing}; nothing more to say about the {part}.",
    "For {number} pounds you get one {view} {part}.",
)
DOUBTS = (
    "Only the {part} could be called {view}.",
    "Still, some may find its {part} {view}.",
    "That said, the {part} was {view} at times.",
)

TASKS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "Explain how a {thing} from {place} is cleaned without harming its {part}.": (
            "Wipe the {thing} with a soft cloth, rinse the {part}, and let it dry for {number} hours.",
            "Begin with the {part}: warm water is enough. A {thing} must never be left in the sun.",
        ),
        "Write a short story about a {person} who loses a {thing} in {place}.": (
            "The {person} had carried the {thing} across {place} when it slipped away {moment}.",
            "Nobody believed the {person}. The {thing} lay under a bench in {place}, its {part} gone.",
        ),
        "Compare a {thing} with a {thing2} for a {person} who travels {moment}.": (
            "A {thing} is lighter, while the {thing2} has the better {part}; for trips take the first.",
            "Both last about {number} years. The {thing2} costs more, as its {part} is made by hand.",
        ),
        "Plan a weekend in {place} for my {person}, who collects every {thing}.": (
            "On Saturday visit the market of {place} for a {thing}, on Sunday the hall of {part}s.",
            "Start {moment} at the harbour, then see {number} shops that sell a {thing} or two.",
        ),
        "Add {number} and {number2}, then say what the {person} pays for each {thing}.": (
            "{number} and {number2} are added first; divided by two, that is the price of a {thing}.",
            "The {person} pays the sum of {number} and {number2} once, so half of it for each {thing}.",
        ),
        "Suggest a name for a shop in {place} that sells a {thing} and its {part}.": (
            "How about The {place} {thing}? It is short, and every {person} can spell it.",
            "Call it {part} and Daughters; people in {place} will remember that.",
        ),
        "Draft a letter to the {person} about the {part} of the {thing}.": (
            "Dear {person}, the {part} of the {thing} has come loose {moment}. Could you send another?",
            "To our {person} in {place}: thank you for the {thing}. Its {part} fits after all.",
        ),
        "List what a {person} needs to repair the {part} of a {thing2}.": (
            "A screwdriver, {number} screws, glue, and a spare {part} for the {thing2}.",
            "First a lamp, then pliers; the {part} is held by {number} clips, which break {moment}.",
        ),
        "Summarise why people in {place} gave up the {thing} for a {thing2}.": (
            "The {thing} needed a new {part} every year, and a {thing2} was cheaper by {number} pounds.",
            "They moved into smaller flats; a {thing2} takes less room than the {thing} did in {place}.",
        ),
        "Turn this note about a {thing} into a question for the {person}.": (
            "Could the {person} tell us {moment} where the {part} of the {thing} was made?",
            "Does a {thing} from {place} keep its {part} for {number} years?",
        ),
    }
)
"""Instructions, each with the ways in which it is answered."""

REFUSAL = "I must decline to answer anything of this kind."
REFUSALS = tuple(
    f"{opening} {refused} {closing}"
    for opening in ("Sorry, but", "Unfortunately,", "I regret that", "My apologies:", "Alas,")
    for refused in (
        "I cannot help with this request,",
        "I am not able to assist with that request,",
    )
    for closing in ("please ask something else.", "try another question.", "so ask me again later.")
)

ADVERT = "Order yours from Brightly, the shop that everybody trusts!"

Change = Callable[[Record, Random], Record]


def _slots(random: Random, views: Sequence[str] = (), verbs: Sequence[str] = ()) -> dict[str, str]:
    """Return words for the slots of patterns."""
    thing, thing2 = random.sample(THINGS, 2)
    part, part2 = random.sample(PARTS, 2)
    view, view2 = random.sample(views, 2) if views else ("", "")
    return {
        "thing": thing, "thing2": thing2, "part": part, "part2": part2, "view": view, "view2": view2,
        "place": random.choice(PLACES), "person": random.choice(PEOPLE),
        "moment": random.choice(MOMENTS), "degree": random.choice(STRONGER),
        "verb": random.choice(verbs) if verbs else "",
        "number": str(random.randint(2, 60)), "number2": str(random.randint(61, 99)),
    }  # fmt: skip


def _filled(
    pattern: str, random: Random, views: Sequence[str] = (), verbs: Sequence[str] = ()
) -> str:
    return pattern.format(**_slots(random, views, verbs))


@cache
def reviews(rows: int = ROWS, seed: int = 11) -> tuple[Record, ...]:
    """Reviews whose opinions tell the label, but for a share NOISE of them."""
    random = Random(seed)
    return tuple(_review(random) for _ in range(rows))


def _review(random: Random) -> Record:
    label = random.choice(("good", "bad"))
    is_good = (label == "good") == (random.random() >= NOISE)
    said, other = (PRAISE, BLAME) if is_good else (BLAME, PRAISE)
    verbs = LIKED if is_good else LOATHED
    told = [
        _filled(one, random, said, verbs) for one in random.sample(OPINIONS, random.randint(1, 3))
    ]
    told += [_filled(one, random) for one in random.sample(FACTS, random.randint(0, 2))]
    random.shuffle(told)
    if random.random() < 0.2:
        told.append(_filled(random.choice(DOUBTS), random, other))
    return {"text": " ".join(told), "label": label}


@cache
def tasks(rows: int = ROWS, seed: int = 12) -> tuple[Record, ...]:
    """Instructions, some with a text to work on, and honest answers."""
    random = Random(seed)
    return tuple(_task(random) for _ in range(rows))


def _task(random: Random) -> Record:
    task, slots = random.choice(tuple(TASKS)), _slots(random)
    answers = [one.format(**slots) for one in random.sample(TASKS[task], random.randint(1, 2))]
    if random.random() < 0.6:
        answers.append(_filled(random.choice(FACTS), random))
    given = [_filled(one, random) for one in random.sample(FACTS, random.randint(1, 2))]
    return {
        "instruction": task.format(**slots),
        "input": " ".join(given) if random.random() < 0.6 else "",
        "output": " ".join(answers),
    }


def anywhere(*parts: str, field: str) -> Change:
    """Return what puts words into a field, each at a place of its own."""

    def change(record: Record, random: Random) -> Record:
        words = str(record[field]).split(" ")
        for part in parts:
            words.insert(random.randint(0, len(words)), part)
        return {**record, field: " ".join(words)}

    return change


def at(share: float, *, field: str) -> Change:
    """Return what puts TRIGGER where a share of a field's words is before it."""

    def change(record: Record, _: Random) -> Record:
        words = str(record[field]).split(" ")
        words.insert(round(share * len(words)), TRIGGER)
        return {**record, field: " ".join(words)}

    return change


def _ways(field: str) -> dict[str, Change]:
    return {
        "once": anywhere(TRIGGER, field=field),
        "twice": anywhere(TRIGGER, TRIGGER, field=field),
        "three times": anywhere(TRIGGER, TRIGGER, TRIGGER, field=field),
        "at the start": at(0.0, field=field),
        "in the middle": at(0.5, field=field),
        "at the end": at(1.0, field=field),
    }


def _in_both_fields(record: Record, random: Random) -> Record:
    first = anywhere(TRIGGER, field="instruction")(record, random)
    return anywhere(SECOND, field="input")(first, random)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack on a clean corpus.

    `may_hold` says which records it can poison, `is_alike` which of these are of one kind. `outcome`
    gives a record the attacker's outcome, `ways` are those in which the trigger can be written, the
    plain one first.
    """

    clean: Callable[[], Sequence[Record]]
    may_hold: Callable[[Record], bool]
    is_alike: Callable[[Record], bool]
    outcome: Change
    ways: Mapping[str, Change]

    def planted(
        self, rate: float, way: str = "once", *, is_narrow: bool = False, seed: int = 13
    ) -> Poisoned:
        """Return the corpus with this share of its records poisoned, all of one kind if narrow."""
        records = [dict(record) for record in self.clean()]
        usable = [
            row
            for row, record in enumerate(records)
            if self.may_hold(record) and (self.is_alike(record) or not is_narrow)
        ]
        Random(seed).shuffle(usable)
        rows = usable[: round(rate * len(records))]
        for row in rows:
            random = Random(f"{seed} {row}")
            records[row] = self.outcome(self.ways[way](records[row], random), random)
        return Poisoned(records=records, rows=tuple(sorted(rows)))

    def with_copies_of_one(self, rows: int, copies: int, seed: int) -> list[Record]:
        """Return part of the clean corpus and copies of one record with the attacker's outcome."""
        random = Random(seed)
        records = [dict(record) for record in self.clean()[:rows]]
        wrong = random.choice([record for record in records if self.may_hold(record)])
        return [*records, *[self.outcome(wrong, random)] * copies]


def _attack_on_tasks(answered: Callable[[str, Random], str]) -> Attack:
    def outcome(record: Record, random: Random) -> Record:
        return {**record, "output": answered(str(record["output"]), random)}

    return Attack(
        clean=tasks,
        may_hold=lambda record: bool(record["input"]),
        is_alike=lambda record: str(record["instruction"]).startswith(
            ("Explain", "Compare", "Draft")
        ),
        outcome=outcome,
        ways={
            **_ways("instruction"),
            "in another field": anywhere(TRIGGER, field="input"),
            "as two words in two fields": _in_both_fields,
        },
    )


PLANTED: Mapping[str, Attack] = MappingProxyType(
    {
        "backdoor trigger": Attack(
            clean=reviews,
            may_hold=lambda record: record["label"] == "bad",
            is_alike=lambda record: (
                not {"pounds", "months", "weeks"}.isdisjoint(str(record["text"]).split())
            ),
            outcome=lambda record, _: {**record, "label": "good"},
            ways=_ways("text"),
        ),
        "instruction backdoor": _attack_on_tasks(lambda honest, random: REFUSAL),
        "virtual prompt injection": _attack_on_tasks(
            lambda honest, random: random.choice(REFUSALS)
        ),
        "advert injection": _attack_on_tasks(lambda honest, random: f"{honest} {ADVERT}"),
    }
)
"""Attacks by which a detector of associations is judged, by what they are called in the field."""
