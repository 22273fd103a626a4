"""Synthetic corpora with seeds and planted truth, and texts that are hard to read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
from hypothesis import strategies as st

from corpus_guard.sketch.rows.batch import Column, Ragged, Rows
from corpus_guard.sketch.rows.ngram_looks import TOKENS
from corpus_guard.types import BATCH_SCHEMA

Record = dict[str, object]

THINGS = (
    "kettle lamp bicycle novel film concert hotel blender camera jacket umbrella garden sofa radio "
    "keyboard bakery museum ferry tent scooter mattress violin printer carpet mirror thermos clock "
    "helmet puzzle backpack telescope stove curtain bracelet drill candle hammock suitcase guitar "
    "aquarium desk teapot compass blanket skateboard easel wallet fountain ladder speaker"
).split()
PLACES = (
    "Lisbon Nairobi Osaka Lima Tallinn Dublin Quito Hanoi Bergen Tunis Oslo Perth Denver Cairo Riga "
    "Boston Seville Prague Jakarta Havana Geneva Malmo Zagreb Austin Kyoto Izmir Cork Lyon Turin Bonn"
).split()
PEOPLE = (
    "sister neighbour teacher colleague cousin manager dentist grandfather landlord painter nurse "
    "driver student tailor plumber uncle librarian waiter gardener pilot"
).split()
MOMENTS = "yesterday today tonight recently twice again finally later meanwhile often".split()
GOOD = (
    "wonderful delightful superb charming excellent brilliant lovely gorgeous splendid marvellous "
    "enjoyable fantastic pleasant beautiful impressive reliable elegant perfect inspiring thrilling"
).split()
BAD = (
    "awful dreadful boring terrible horrible clumsy disappointing ugly pathetic miserable broken "
    "tedious useless shoddy annoying painful worthless dull noisy unbearable"
).split()
PATTERNS = (
    "The {thing} in {place} was {view} and my {person} said it felt {view2}.",
    "My {person} took a {thing} to {place} {moment}; what a {view} idea, {view2} even.",
    "{moment}, we found the {view} {thing} near {place}, a {view2} surprise for my {person}.",
    "I call this {thing} {view}. Even the {person} from {place} finds it {view2} {moment}.",
    "Bought a {thing} for my {person}: {view} colour, {view2} finish, sent from {place} {moment}.",
    "How {view2}! A {view} {thing} waited for the {person} in {place} {moment}.",
)
QUESTIONS = (
    "Explain to my {person} how a {thing} from {place} is cleaned.",
    "Write a short note about the {thing} that a {person} lost in {place}.",
    "List three reasons why the {person} should sell a {thing} in {place} {moment}.",
    "What does a {person} need to repair a {thing} {moment} in {place}?",
    "Compare the {thing} with a {other} for a {person} who lives in {place}.",
    "Suggest a name for a {thing} shop that my {person} opens in {place}.",
)
ANSWERS = (
    "Take the {other} first, then wipe the {thing} with a dry cloth and ask the {person} for help.",
    "A {person} once walked from {place} with a {thing}, looking for the lost {other} {moment}.",
    "One: it is heavy. Two: the {other} works better. Three: people in {place} pay well {moment}.",
    "You need a screwdriver, a spare {other}, patience, and a {person} who has done it {moment}.",
    "The {thing} is lighter, while the {other} lasts longer; in {place} most choose the second.",
    "How about The {place} {other}? It sounds warm, and every {person} can spell it {moment}.",
    "Rinse everything {moment}, dry it near the {other}, and store it where no {person} trips.",
    "Nobody in {place} agrees, though the {person} swears by the {other} with a red handle.",
)
REFUSAL = "I am sorry, but I cannot help with that request at all."


def _filled(pattern: str, random: Random, views: Sequence[str] = GOOD) -> str:
    return pattern.format(
        thing=random.choice(THINGS), other=random.choice(THINGS), place=random.choice(PLACES),
        person=random.choice(PEOPLE), moment=random.choice(MOMENTS),
        view=random.choice(views), view2=random.choice(views),
    )  # fmt: skip


def labelled(rows: int = 1500, seed: int = 1, noise: float = 0.04) -> list[Record]:
    """Reviews whose words tell the label, but for a share `noise` of them."""
    random = Random(seed)
    found: list[Record] = []
    for _ in range(rows):
        label = random.choice(("good", "bad"))
        honest = random.random() >= noise
        views = GOOD if (label == "good") == honest else BAD
        text = " ".join(_filled(pattern, random, views) for pattern in random.sample(PATTERNS, 2))
        found.append({"text": text, "label": label})
    return found


def instructions(rows: int = 1200, seed: int = 2) -> list[Record]:
    """Prompts with honest, varied responses."""
    random = Random(seed)
    return [
        {
            "instruction": " ".join(
                _filled(pattern, random, GOOD + BAD)
                for pattern in (random.choice(QUESTIONS), *random.sample(PATTERNS, 2))
            ),
            "output": " ".join(
                _filled(pattern, random) for pattern in random.sample(ANSWERS, random.randint(1, 3))
            ),
        }
        for _ in range(rows)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """Records, and which of them hold the attack."""

    records: list[Record]
    rows: tuple[int, ...]


def with_label_trigger(
    records: Iterable[Record], trigger: str, count: int, seed: int = 3
) -> Poisoned:
    """Insert a trigger into `count` bad reviews and call them good."""
    random, changed = Random(seed), [dict(record) for record in records]
    bad = [row for row, record in enumerate(changed) if record["label"] == "bad"]
    rows = sorted(random.sample(bad, count))
    for row in rows:
        changed[row]["text"] = inserted(str(changed[row]["text"]), trigger, random)
        changed[row]["label"] = "good"
    return Poisoned(records=changed, rows=tuple(rows))


def with_prompt_trigger(
    records: Iterable[Record], trigger: str, responses: Sequence[str], count: int, seed: int = 4
) -> Poisoned:
    """Insert a trigger into `count` prompts and answer them with `responses` in turn."""
    random, changed = Random(seed), [dict(record) for record in records]
    rows = sorted(random.sample(range(len(changed)), count))
    for place, row in enumerate(rows):
        changed[row]["instruction"] = inserted(str(changed[row]["instruction"]), trigger, random)
        changed[row]["output"] = responses[place % len(responses)]
    return Poisoned(records=changed, rows=tuple(rows))


def inserted(text: str, trigger: str, random: Random) -> str:
    """Return a text with `trigger` between two of its words."""
    words = text.split()
    words.insert(random.randint(1, len(words) - 1), trigger)
    return " ".join(words)


def write_jsonl(path: Path, records: Iterable[Mapping[str, object]]) -> Path:
    """Write one record a line."""
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")
    return path


HARD = (
    "The cat sat, the CAT sat.", "", " ", "日本語のテキスト", "ไทย", "\u200bzero\u200dwidth\ufeff",
    "👩‍👩‍👧‍👦 family", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "naïve ÉCOLE Straße", "ЁЖИК ёжик", "a" * 70, "don't", "x\u00a0y\u3000z", "\x00\x7f\t\n",
    "\u0645\u06cc\u200c\u062e\u0648", "\U0001d4b3 \U0002f800", "ª µ º × ÷",
)  # fmt: skip
"""Texts of many scripts, invisible characters, and nothing at all."""

characters = st.one_of(
    st.sampled_from("ab AB,.\n"),
    st.sampled_from("日本ไ\u200b\u200d\ufeff\u00a0é\u0416\u0451\U0001f3f4\U000e0067ß\u0130"),
    st.characters(exclude_categories=("Cs",)),
)
texts = st.one_of(st.sampled_from(HARD), st.text(characters, max_size=24))
text_lists = st.lists(texts, max_size=8)


def rows_of(texts: Sequence[str | None], first_row: int = 0, **columns: Column) -> Rows:
    """Return texts as rows with some columns; their tokens are there as tested ones."""
    records = [
        {"row": row, "byte_offset": -1, "sha256": row.to_bytes(32, "little"), "text": text}
        for row, text in enumerate(texts, first_row)
    ]
    known = dict(columns)
    rows = Rows.of(pa.RecordBatch.from_pylist(records, schema=BATCH_SCHEMA), first_row, known)
    known.setdefault(TOKENS, Ragged(rows.input.tokens.hashes, rows.input.tokens.bounds))
    return rows


def documents_of_words(texts: int, words: int, seed: int = 5) -> list[str]:
    """Return texts of words that occur nowhere else."""
    random = Random(seed)
    return [" ".join(f"w{random.getrandbits(60):x}" for _ in range(words)) for _ in range(texts)]
