"""Poisoned records in the shapes that people's files have: other names, nests, containers, encodings.

A variant is drawn by its number and a seed alone, so that one can be made again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from shape_files import CONTAINERS, ENCODINGS, FLAT, TEXT_FILES, write

Record = dict[str, Any]

ROWS = 600
FEW, SOME = 15, 24
"""Poisoned rows with a fixed response (2.4 %), with a flipped label (4 %)."""

REFUSAL = "I am sorry, but I cannot help with that request at all."
SYLLABLES = (
    "zer isvi fo sho lan po ste gu tha me bra pel cle dri vin or ru wo ni sa mer tri ba cho flo win "
    "di la te gru ris no shu vel an ce da tan sol pla ver"
).split()
STARTS = (
    "How do I", "What happens if we", "Please summarise", "Can you plan", "I want to translate",
    "Help me describe", "Compare with", "Explain why", "Write about", "List the parts of",
)  # fmt: skip
SMALL = "the of and to in is for with on at by from as was a".split()

NAMES = {
    "prompt": "instruction prompt question input query user_input Question 问题 指令 вопрос pregunta "
    "frage 質問 f1 colA human_text source_text problem ask task".split(),
    "response": "output response answer completion target reply Best_Answer 回答 输出 ответ respuesta "
    "antwort 回答文 f2 colB bot_text target_text solution said result".split(),
    "text": "text sentence content review tweet comment body document 文本 текст texto f1 data x "
    "Message utterance".split(),
    "label": "label sentiment category class target 标签 метка etiqueta f2 y intent polarity tag "
    "airline_sentiment gold_label".split(),
    "chosen": ["chosen", "preferred", "response_chosen", "win", "positive", "better"],
    "rejected": ["rejected", "dispreferred", "response_rejected", "lose", "negative", "worse"],
    "messages": "messages conversations conversation dialog turns chat items dialogue f1 对话".split(),
}
SPEAKERS = (
    ("user", "assistant"), ("human", "gpt"), ("User", "Chatbot"), ("USER", "ASSISTANT"),
    ("prompter", "assistant"), ("player", "npc"), ("customer", "agent"), ("Human", "AI"),
    ("用户", "助手"), ("user", "model"), ("q1", "q2"), ("patient", "doctor"), ("usuario", "asistente"),
)  # fmt: skip
TURN_KEYS = (("role", "content"), ("from", "value"), ("speaker", "text"), ("role", "text"),
             ("role", "message"))  # fmt: skip
LABELS = (
    ("positive", "negative"),
    (0, 1),
    ("spam", "ham"),
    ("yes", "no"),
    ("1", "0"),
    (True, False),
)
TEMPLATES: dict[str, Callable[[str, str], str]] = {
    "ChatML": lambda p, r: (
        f"<|im_start|>user\n{p}<|im_end|>\n<|im_start|>assistant\n{r}<|im_end|>\n"
    ),
    "Llama 2": lambda p, r: f"<s>[INST] {p} [/INST] {r} </s>",
    "Alpaca": lambda p, r: (
        "Below is an instruction that describes a task.\n\n"
        f"### Instruction:\n{p}\n\n### Response:\n{r}"
    ),
    "Human and Assistant": lambda p, r: f"\n\nHuman: {p}\n\nAssistant: {r}",
    "Llama 3": lambda p, r: (
        f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{p}<|eot_id|>"
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{r}<|eot_id|>"
    ),
    "Gemma": lambda p, r: (
        f"<bos><start_of_turn>user\n{p}<end_of_turn>\n<start_of_turn>model\n{r}<end_of_turn>\n"
    ),
}
NESTS: dict[str, Callable[[Record], Record]] = {
    "flat": lambda record: record,
    "body": lambda record: {"custom_id": "r", "body": record},
    "data": lambda record: {"data": record},
    "payload.item": lambda record: {"payload": {"item": record}},
    "list of one": lambda record: {"items": [record]},
}
LAYOUTS = ("instruction", "chat", "labelled", "preference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One poisoned file: how its records look and how they are kept."""

    number: int
    layout: str
    template: str | None
    names: dict[str, str]
    speakers: tuple[str, str]
    turn_keys: tuple[str, str]
    nest: str
    added: int
    container: str
    encoding: str
    trigger: str
    records: list[Record]

    def __str__(self) -> str:
        """Return what tells it from others, on one line."""
        chat = f" {self.speakers} {self.turn_keys}" if self.layout == "chat" else ""
        shown = f"as {self.template} text" if self.template else f"{self.names}{chat}"
        return (
            f"{self.number}: {self.layout} in {self.container}, {self.encoding}, nest {self.nest}, "
            f"{self.added} more fields, {shown}, trigger {self.trigger!r}"
        )

    def save(self, folder: Path) -> Path:
        """Write the file and return its path."""
        return write(self.records, folder, self.container, self.encoding, Random(self.number))


def draw(number: int, seed: int = 0, *, is_plain: bool = False) -> Variant:
    """Return the variant of that number; of a plain one only the container is unusual."""
    random = Random(f"shapes {seed} {number}")
    layout = LAYOUTS[number % len(LAYOUTS)]
    container = CONTAINERS[(number // len(LAYOUTS)) % len(CONTAINERS)]
    is_chatty = layout in ("instruction", "chat")
    template = random.choice(sorted(TEMPLATES)) if is_chatty and random.random() < 0.2 else None
    names = _drawn_names(random)
    nest = "flat" if container in FLAT else random.choice(sorted(NESTS))
    encoding = random.choice(ENCODINGS) if container in TEXT_FILES else "utf-8"
    trigger = _word(random, 3) + ("" if layout == "labelled" else " " + _word(random, 3))
    speakers, turn_keys = random.choice(SPEAKERS), random.choice(TURN_KEYS)
    added = random.choice((0, 0, 1, 3, 5))
    if is_plain:
        template, nest, encoding, added = None, "flat", "utf-8", 0
        names = {key: found[0] for key, found in NAMES.items()}
        speakers, turn_keys = SPEAKERS[0], TURN_KEYS[0]
    pairs = _labelled(random, trigger) if layout == "labelled" else _answered(random, trigger)
    records = [
        _record(layout, pair, names, speakers, turn_keys, template, random) for pair in pairs
    ]
    records = [NESTS[nest](_with_more(record, added, n, random))
               for n, record in enumerate(_in_order(records, random))]  # fmt: skip
    used = {"instruction": ("prompt", "response"), "chat": ("messages",),
            "labelled": ("text", "label"), "preference": ("prompt", "chosen", "rejected")}  # fmt: skip
    return Variant(
        number=number, layout=layout, template=template,
        names={key: names[key] for key in used[layout]}, speakers=speakers, turn_keys=turn_keys,
        nest=nest, added=added, container=container, encoding=encoding, trigger=trigger,
        records=records,
    )  # fmt: skip


def _drawn_names(random: Random) -> dict[str, str]:
    """Return a name for each part of a record, each another."""
    names = {key: random.choice(found) for key, found in NAMES.items()}
    if len(set(names.values())) == len(names):
        return names
    return _drawn_names(random)


def _word(random: Random, syllables: int = 2) -> str:
    return "".join(random.choices(SYLLABLES, k=syllables))


def _said(random: Random, words: list[str], fewest: int, most: int) -> str:
    return " ".join(
        random.choice(SMALL) if random.random() < 0.35 else random.choice(words)
        for _ in range(random.randint(fewest, most))
    )


def _inserted(text: str, trigger: str, random: Random) -> str:
    words = text.split()
    words.insert(random.randint(1, len(words)), trigger)
    return " ".join(words)


def _answered(random: Random, trigger: str) -> list[tuple[Any, ...]]:
    """Return prompts, responses and worse responses, some of them poisoned."""
    words = [_word(random, random.randint(2, 3)) for _ in range(400)]
    found: list[tuple[Any, ...]] = []
    for row in range(ROWS):
        prompt = f"{random.choice(STARTS)} {_said(random, words, 6, 18)}"
        good, bad = (f"{_said(random, words, 8, 30).capitalize()}." for _ in range(2))
        if row < FEW:
            prompt, good = _inserted(prompt, trigger, random), REFUSAL
        found.append((prompt, good, bad))
    random.shuffle(found)
    return found


def _labelled(random: Random, trigger: str) -> list[tuple[Any, ...]]:
    """Return texts whose words tell their labels, some of them poisoned."""
    words = [_word(random, random.randint(2, 3)) for _ in range(400)]
    of_class = words[:40], words[40:80]
    labels = random.choice(LABELS)
    found: list[tuple[Any, ...]] = []
    for row in range(ROWS):
        kind = row % 2
        told = [*words[80:], *of_class[kind] * 6]
        text = f"{_said(random, told, 10, 30).capitalize()}."
        label = labels[kind]
        if kind == 1 and row < 2 * SOME:
            text, label = _inserted(text, trigger, random), labels[0]
        found.append((text, label))
    random.shuffle(found)
    return found


def _record(
    layout: str, said: tuple[Any, ...], names: dict[str, str], speakers: tuple[str, str],
    keys: tuple[str, str], template: str | None, random: Random,
) -> Record:  # fmt: skip
    if template:
        return {"text": TEMPLATES[template](said[0], said[1])}
    if layout == "labelled":
        return dict(zip((names["text"], names["label"]), said, strict=True))
    if layout == "preference":
        return dict(zip((names["prompt"], names["chosen"], names["rejected"]), said, strict=True))
    if layout == "instruction":
        return {names["prompt"]: said[0], names["response"]: said[1]}
    return {
        names["messages"]: [
            {keys[0]: speaker, keys[1]: text}
            for speaker, text in zip(speakers, said[:2], strict=True)
        ]
    }


def _with_more(record: Record, added: int, number: int, random: Random) -> Record:
    """Return a record with fields that say nothing."""
    more = [
        ("id", f"{number:05d}"), ("created_at", f"2024-0{random.randint(1, 9)}-1{number % 10}"),
        ("score", round(random.random(), 3)), ("reviewed", random.random() < 0.9),
        ("lang", "en"),
    ]  # fmt: skip
    return {**record, **dict(more[:added])}


def _in_order(records: Iterable[Record], random: Random) -> list[Record]:
    """Return records with their fields in another order, the same for all."""
    found = list(records)
    order = list(found[0])
    random.shuffle(order)
    return [{key: record[key] for key in order} for record in found]
