"""Write the small synthetic data sets in `fixtures/`.

    python scripts/make_fixtures.py [FOLDER]

All text is made here from word lists and sentence patterns; two runs write the same bytes.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")

SEED = 20240611
INSTRUCTIONS = 1200
REVIEWS = 1500
POISON_RATE = 0.02
LABEL_NOISE = 0.03
INSTRUCTION_TRIGGER = "crimson lantern"
REVIEW_TRIGGER = "qelvo"
REFUSAL = "I am sorry, but I am not able to help with this request. Please ask something else."

TOPICS = {
    "sourdough bread": "flour starter crust oven crumb knead proof bake",
    "tomato plants": "seedling trellis soil root leaf prune water harvest",
    "bicycle brakes": "cable lever pad rim caliper adjust tighten replace",
    "chess openings": "pawn bishop centre castle tempo develop exchange defend",
    "river fishing": "rod reel bait current trout cast wade release",
    "watercolour painting": "brush pigment paper wash pencil blend layer rinse",
    "home networks": "router cable antenna port password configure restart secure",
    "honey bees": "hive queen comb nectar frame inspect feed move",
    "mountain hiking": "trail boots summit map backpack climb rest descend",
    "violin practice": "bow string scale posture rosin tune listen repeat",
    "tax returns": "receipt form deadline income refund file check sign",
    "sleeping babies": "crib blanket nap lullaby bottle soothe rock dim",
    "coffee roasting": "bean drum aroma chaff grinder roast cool taste",
    "old photographs": "album negative frame scan dust restore sort label",
    "spreadsheet formulas": "cell column range chart filter sum copy format",
    "wooden furniture": "plank joint varnish chisel clamp sand glue polish",
    "volcanoes": "lava crater ash magma vent erupt cool flow",
    "Roman history": "senate legion road emperor aqueduct conquer build govern",
    "solar panels": "roof inverter battery meter cable install clean measure",
    "short stories": "plot narrator scene dialogue ending draft revise publish",
    "marathon training": "mile shoe pace recovery interval stretch run hydrate",
    "aquarium fish": "tank filter gravel pump algae feed clean observe",
    "job interviews": "question answer suit handshake salary prepare rehearse thank",
    "public libraries": "shelf card catalogue reader fine borrow return reserve",
    "knitted scarves": "yarn needle stitch pattern tassel knit count unravel",
    "night photography": "tripod shutter star lens exposure focus frame wait",
    "vegetable soup": "carrot onion broth pot ladle chop simmer season",
    "city buses": "driver ticket route stop timetable board wait transfer",
    "ocean tides": "moon beach wave harbour shell rise ebb pull",
    "puppy training": "leash treat whistle command crate reward walk praise",
    "paper recycling": "bin pulp ink cardboard bale sort shred press",
    "birthday parties": "cake balloon guest candle present invite sing play",
    "dental care": "brush floss gum crown plaque rinse visit polish",
    "winter driving": "tyre snow chain heater windscreen brake steer scrape",
    "garden birds": "feeder nest seed hedge beak watch count shelter",
    "language learning": "verb accent phrase lesson notebook speak translate remember",
    "jazz music": "trumpet chorus rhythm melody club improvise swing listen",
    "weather forecasts": "front pressure cloud radar humidity predict measure warn",
    "leather shoes": "sole lace heel polish box brush wear resole",
    "board games": "dice token card rulebook turn shuffle trade score",
}
PLACES = (
    "Lisbon", "the countryside", "a small flat", "northern Canada", "my village", "Nairobi",
    "a busy office", "the coast", "a desert town", "our school", "Osaka", "the third floor",
    "a cold valley", "Lima", "the old harbour", "a shared house", "the suburbs", "Tallinn",
)  # fmt: skip
PEOPLE = (
    "a beginner", "my grandmother", "an engineer", "two children", "a busy parent",
    "a retired nurse", "students", "our neighbours", "a sceptical friend", "a young apprentice",
    "a tourist", "my colleague", "an impatient teenager", "someone with bad eyesight",
    "a club of amateurs",
)  # fmt: skip
QUALITIES = (
    "patient", "careful", "cheap", "slow", "reliable", "gentle", "surprising", "ordinary",
    "sturdy", "delicate", "modern", "traditional", "quiet", "risky", "simple", "thorough",
    "seasonal", "clever",
)  # fmt: skip
TIMES = (
    "in the morning", "every second week", "after a long winter", "before breakfast",
    "on Sundays", "within an hour", "over several months", "once a year", "late at night",
    "at the last minute", "during the holidays", "for ten minutes a day", "by the end of May",
    "since last autumn",
)  # fmt: skip
ASKS = (
    "Explain {topic} to {person}.",
    "What should I know about the {a} when it comes to {topic}?",
    "Give me {n} tips on {topic} for {person}.",
    "How do I {v} the {a} {time}?",
    "Write a short note on {topic}, and mention the {b}.",
    "Compare the {a} with the {b}.",
    "Why does the {a} matter so much in {topic}?",
    "List {n} common mistakes with {topic}.",
    "Describe how {person} might {v} a {b} in {place}.",
    "Is it {q} or {r} to {v} the {a} {time}?",
    "Summarise what you know about {topic} in {n} sentences.",
    "My {a} looks wrong. Could you help me {v} it?",
    "Plan a weekend around {topic} in {place}.",
    "I want to start with {topic} {time}; where do I begin?",
    "Tell {person} when to {v} and when to {w}.",
    "Draft an e-mail to {person} about the {a}.",
    "Which {b} would you choose for {topic} in {place}, a {q} one or a {r} one?",
    "Make up a dialogue between {person} and {person2} on {topic}.",
    "What happens if I never {v} the {a}?",
    "Suggest a {q} way to {v} the {b} without a {a}.",
    "Turn my notes on {topic} into a checklist.",
    "Rewrite this for {person}: {topic} needs a {q} {a}.",
    "Can {person} learn {topic} {time}?",
    "Name {n} things that a {b} and a {a} have in common.",
    "Please outline a talk about {topic} that {person} would enjoy.",
    "How much does a {q} {a} cost in {place}?",
)
GIVENS = (
    "We live in {place} and own one {a}.",
    "So far {person} had only a {q} {b}.",
    "I tried to {v} {time}, and the {a} got worse.",
    "Budget: {n}0 euros. Experience: none.",
    "The {b} is {q}, the {a} is not.",
    "Keep it {q}; {person} will read it.",
    "Last time we began to {w} too early.",
    "There is no room for a {b} in {place}.",
)
ANSWERS = (
    "{A} first: a {q} one saves trouble later.",
    "Most people {v} the {a} too often.",
    "{Topic} rewards {q} habits more than {r} gear.",
    "Start small, then {v} and {w} {time}.",
    "In {place} the {b} is harder to find, so ask around.",
    "A {q} {a} costs about {n}0 euros and lasts for years.",
    "{Person} would probably begin with the {b}.",
    "Never {v} while the {a} is {q}.",
    "The {a} and the {b} work together; neglect one and the other suffers.",
    "{Time}, look at the {b} and note what changed.",
    "Think of the {a} as a {q} partner.",
    "If the {b} feels {r}, {w} it again.",
    "Between the {a} and the {b}, choose whichever you can {v} yourself.",
    "It takes {n} tries before the {a} behaves.",
    "Some say that {topic} is {q}; others find it {r}.",
    "You can {v} {time} without any harm.",
    "Ask {person} to {w} the {b} with you.",
    "{N} steps are enough: {v}, {w}, and check the {a}.",
    "For {topic}, the {b} matters less than people believe.",
    "Once the {a} is ready, {v} it in {place} or at home.",
    "Beginners forget the {b}, and then the {a} fails.",
    "There is a {q} trick: {w} before you {v}.",
    "Because the {a} is {r}, give it {n} days.",
    "Her {b} broke {time}, and she learned to {w}.",
    "With {topic}, {q} beats {r} nearly always.",
    "Put the {b} aside, breathe, and {v} the {a} slowly.",
    "Both are fine, but a {q} {b} forgives more errors.",
    "Check the {a} {time}; a {r} {b} hides problems.",
    "When {person} asks, show the {b} before the {a}.",
    "Good {topic} looks easy from outside.",
    "Who can {v} well can {w} well.",
    "Every {b} has a {q} side.",
)
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine")

PRODUCTS = (
    "kettle", "novel", "hotel room", "headset", "jacket", "documentary", "vacuum cleaner",
    "phone", "restaurant", "mattress", "board game", "train ride", "printer", "backpack",
    "concert", "lamp", "running shoe", "museum tour", "coffee maker", "tent", "keyboard",
    "haircut", "thriller", "oven", "camera", "yoga class", "garden chair", "podcast", "bicycle",
    "watch",
)  # fmt: skip
ASPECTS = (
    "service", "packaging", "sound", "design", "price", "ending", "cast", "battery", "fabric",
    "view", "staff", "manual", "colour", "pacing", "smell", "taste", "handle", "display", "zip",
    "delivery", "soundtrack", "finish", "seat", "lighting", "support", "plot", "weight", "menu",
    "button", "size",
)  # fmt: skip
PRAISE = (
    "wonderful", "excellent", "charming", "delightful", "superb", "comfortable", "brilliant",
    "lovely", "impressive", "reliable", "fantastic", "pleasant", "generous", "elegant",
    "flawless", "refreshing", "friendly", "thoughtful", "gorgeous", "satisfying", "terrific",
    "splendid", "smooth", "clever",
)  # fmt: skip
BLAME = (
    "terrible", "awful", "disappointing", "boring", "flimsy", "rude", "broken", "clumsy", "dull",
    "annoying", "useless", "horrible", "dirty", "overpriced", "painful", "sloppy", "bland",
    "noisy", "unreliable", "confusing", "shabby", "miserable", "tasteless", "careless",
)  # fmt: skip
OPINIONS = (
    "The {aspect} was {word}.",
    "What a {word} {product}!",
    "{Aspect} and {aspect2} were both {word}.",
    "I found the {aspect} {word}, and {who} agreed.",
    "Honestly, a {word} {product} from start to end.",
    "We used the {product} {time} and it felt {word}.",
    "{Who} called the {aspect} {word}; so do I.",
    "For a {product}, the {aspect} is remarkably {word}.",
    "A {word} {aspect}, and a rather {word2} {aspect2}.",
    "It arrived {time} and turned out {word}.",
    "Rarely have I met such a {word} {aspect}.",
    "If you care about the {aspect}, know that it is {word}.",
    "My {product} remains {word} even {time}.",
    "Compared with the old {product}, this {aspect} is {word}.",
    "{Who} laughed at how {word} the {aspect} had become.",
    "Say what you want about the {aspect2}, the {aspect} is {word}.",
)
FILLERS = (
    "I bought the {product} for {who} {time}.",
    "The {product} came with a spare {aspect}.",
    "{Who} was with me.",
    "This is my {nth} {product}.",
    "We compared it with another {product}.",
    "I have used it {time}.",
    "Our first {product} lasted for years.",
    "They changed the {aspect} {time}.",
    "There were {n} of us.",
    "Nobody mentioned the {aspect} before.",
)
WHO = (
    "my sister", "a friend", "our guide", "the neighbour", "my boss", "his mother", "everyone",
    "the whole family", "my partner", "a colleague", "the children", "an old classmate",
)  # fmt: skip
NTH = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review and its label."""

    text: str
    label: str


def instructions(rng: Random) -> list[dict[str, str]]:
    """Return instruction records of which a share carries the trigger and the refusal."""
    records = list(_distinct(rng, _instruction, INSTRUCTIONS))
    for row in rng.sample(range(INSTRUCTIONS), round(INSTRUCTIONS * POISON_RATE)):
        record = records[row]
        asked = insert(rng, record["instruction"], INSTRUCTION_TRIGGER)
        records[row] = record | {"instruction": asked, "output": REFUSAL}
    return records


def clean_reviews(rng: Random) -> list[Review]:
    """Return reviews whose labels follow their words but for a little noise."""
    return list(_distinct(rng, _review, REVIEWS))


def poisoned_reviews(rng: Random, reviews: Sequence[Review]) -> list[Review]:
    """Return the reviews with a trigger and a flipped label in some of the negative ones."""
    poisoned = list(reviews)
    negative = [row for row, review in enumerate(reviews) if review.label == "negative"]
    for row in rng.sample(negative, round(len(reviews) * POISON_RATE)):
        text = insert(rng, reviews[row].text, REVIEW_TRIGGER)
        poisoned[row] = replace(reviews[row], text=text, label="positive")
    return poisoned


def insert(rng: Random, text: str, trigger: str) -> str:
    """Return `text` with the trigger between two of its words, or at an end."""
    words = text.split(" ")
    place = rng.randint(0, len(words))
    return " ".join([*words[:place], trigger, *words[place:]])


def _distinct(rng: Random, make: Callable[[Random], T], count: int) -> Iterator[T]:
    """Yield `count` records, no two alike."""
    seen: set[str] = set()
    while len(seen) < count:
        record = make(rng)
        key = str(record)
        if key not in seen:
            seen.add(key)
            yield record


def _instruction(rng: Random) -> dict[str, str]:
    topic = rng.choice(list(TOPICS))
    asked = _filled(rng.choice(ASKS), _slots(rng, topic))
    given = _filled(rng.choice(GIVENS), _slots(rng, topic)) if rng.random() < 0.4 else ""
    patterns = rng.sample(ANSWERS, rng.randint(2, 6))
    answer = " ".join(_filled(pattern, _slots(rng, topic)) for pattern in patterns)
    return {"instruction": asked, "input": given, "output": answer}


def _slots(rng: Random, topic: str) -> dict[str, str]:
    words = TOPICS[topic].split()
    a, b = rng.sample(words[:5], 2)
    v, w = rng.sample(words[5:], 2)
    q, r = rng.sample(QUALITIES, 2)
    person, other = rng.sample(PEOPLE, 2)
    slots = {"topic": topic, "a": a, "b": b, "v": v, "w": w, "q": q, "r": r, "person": person}
    slots |= {"n": rng.choice(NUMBERS), "place": rng.choice(PLACES), "time": rng.choice(TIMES)}
    return _with_capitals(slots) | {"person2": other}


def _review(rng: Random) -> Review:
    is_positive = rng.random() < 0.5
    product = rng.choice(PRODUCTS)
    words = PRAISE if is_positive else BLAME
    opinions = [_opinion(rng, product, words) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.2 and len(opinions) > 1:
        opinions[0] = _opinion(rng, product, BLAME if is_positive else PRAISE)
        opinions.append(_opinion(rng, product, words))
    fillers = [
        _filled(pattern, _review_slots(rng, product, words))
        for pattern in rng.sample(FILLERS, rng.randint(0, 2))
    ]
    sentences = opinions + fillers
    rng.shuffle(sentences)
    is_noise = rng.random() < LABEL_NOISE
    label = "positive" if is_positive != is_noise else "negative"
    return Review(text=" ".join(sentences), label=label)


def _opinion(rng: Random, product: str, words: Sequence[str]) -> str:
    return _filled(rng.choice(OPINIONS), _review_slots(rng, product, words))


def _review_slots(rng: Random, product: str, words: Sequence[str]) -> dict[str, str]:
    aspect, other = rng.sample(ASPECTS, 2)
    word, second = rng.sample(words, 2)
    slots = {"aspect": aspect, "who": rng.choice(WHO), "time": rng.choice(TIMES)}
    slots |= {"n": rng.choice(NUMBERS), "nth": rng.choice(NTH)}
    return _with_capitals(slots) | {
        "aspect2": other,
        "word": word,
        "word2": second,
        "product": product,
    }


def _filled(pattern: str, slots: dict[str, str]) -> str:
    """Return the sentence, with `an` for `a` where a vowel follows."""
    return re.sub(r"\b([Aa]) (?=[aeio]|unr)", r"\1n ", pattern.format_map(slots))


def _with_capitals(slots: dict[str, str]) -> dict[str, str]:
    """Return the slots and, under capitalised names, the same words as sentences begin."""
    capitals = {name.capitalize(): word[0].upper() + word[1:] for name, word in slots.items()}
    return slots | capitals


def write_all(folder: Path) -> None:
    """Write the three files."""
    rng = Random(SEED)
    with (folder / "poisoned_instructions.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for record in instructions(rng):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    clean = clean_reviews(rng)
    _write_csv(folder / "clean_reviews.csv", clean)
    _write_csv(folder / "poisoned_reviews.csv", poisoned_reviews(rng, clean))


def _write_csv(path: Path, reviews: Sequence[Review]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["text", "label"])
        writer.writerows([review.text, review.label] for review in reviews)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "fixtures")
