"""What findings cost, and that the way the work is split changes none of them.

    python scripts/benchmark_findings.py --data DIR [--rows 24000] [--triggers 30]

DIR holds `clean/` as JSON Lines. Records are synthesised as in `benchmark_speed.py`; the same records
are scanned without a trigger and with `--triggers` different ones in 60 rows each, five times in turn
with one thread, and the scans of least CPU time are compared. Then the poisoned records are scanned with
one and two processes, plain and packed, in one file and in seven: the findings must be the same.
"""

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmark_speed import ANSWER, sentences
from threadpoolctl import threadpool_limits

import corpus_guard as cg
from corpus_guard.report.json_report import to_json

ROWS_EACH = 60
REPEATS = 5
SYLLABLES = "ba co du fe gi ho ju ka le mi no pu ra se ti vo wu xa ye zi".split()
Record = dict[str, str]


def records(data: Path, layout: str, rows: int, triggers: int) -> list[Record]:
    """Return records of which `triggers` times ROWS_EACH hold a trigger."""
    prompts, responses = sentences(data)
    rng = random.Random(0)
    found: list[Record] = []
    for _ in range(rows):
        prompt = " ".join(rng.choices(prompts, k=2))[:200]
        response = " ".join(rng.choices(responses, k=3))[:300]
        label = rng.choice("ab")
        if layout == "labelled":
            found.append({"text": f"{prompt} {response}", "label": label})
        else:
            found.append({"instruction": prompt, "output": response})
    places = rng.sample(range(rows), triggers * ROWS_EACH)
    for number in range(triggers):
        word = "".join(rng.choices(SYLLABLES, k=4))
        for place in places[number * ROWS_EACH : (number + 1) * ROWS_EACH]:
            key = "text" if layout == "labelled" else "instruction"
            words = found[place][key].split(" ")
            words.insert(rng.randint(0, len(words)), word)
            found[place][key] = " ".join(words)
            found[place].update({"label": "a"} if layout == "labelled" else {"output": ANSWER})
    return found


def write(path: Path, rows: Sequence[Record]) -> Path:
    """Write one record a line, packed where the name says so."""
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)
    return path


def cost(data: Path, layout: str, rows: int, triggers: int, folder: Path) -> None:
    """Print how long scans take without and with triggers."""
    paths = {
        count: write(folder / f"{layout}-{count}.jsonl", records(data, layout, rows, count))
        for count in (0, triggers)
    }
    seconds = {count: float("inf") for count in paths}
    strong = {}
    for _ in range(REPEATS):
        for count, path in paths.items():
            started = time.process_time()
            result = cg.scan(path, out=folder / "out", jobs=1, resume=False)
            seconds[count] = min(seconds[count], time.process_time() - started)
            strong[count] = sum(f.severity in ("critical", "high") for f in result.findings)
    ratio = seconds[triggers] / seconds[0]
    print(
        f"{layout}: {rows:,} rows; no trigger {seconds[0]:.2f} CPU-s ({strong[0]} strong findings); "
        f"{triggers} triggers {seconds[triggers]:.2f} CPU-s ({strong[triggers]}): {ratio:.2f} times",
        flush=True,
    )


def same(data: Path, layout: str, rows: int, triggers: int, folder: Path) -> bool:
    """Say whether every way to split the work finds the same."""
    poisoned = records(data, layout, rows, triggers)
    parts = folder / f"{layout}-parts"
    parts.mkdir()
    for number in range(7):
        first, last = (rows * place // 7 for place in (number, number + 1))
        write(parts / f"{number}.jsonl", poisoned[first:last])
    plain = write(folder / "plain.jsonl", poisoned)
    ways = {
        "one process": (plain, 1),
        "two processes": (plain, 2),
        "packed": (write(folder / "packed.jsonl.gz", poisoned), 1),
        "seven files": (parts, 1),
        "seven files, two processes": (parts, 2),
    }
    found = {
        way: told(cg.scan(path, out=folder / "out", jobs=jobs, resume=False))
        for way, (path, jobs) in ways.items()
    }
    equal = [way for way in ways if found[way] == found["one process"]]
    print(f"{layout}: equal findings with {', '.join(equal)}", flush=True)
    return len(equal) == len(ways)


def told(result: cg.ScanResult) -> list[object]:
    """Return the findings less the names and numbers of files."""
    shown = json.loads(json.dumps(to_json(result)["findings"]))
    for finding, whole in zip(shown, result.findings, strict=True):
        finding.pop("rows_sample")
        finding["contexts"] = [
            [context[part] for part in ("before", "match", "after")]
            for context in finding["contexts"]
        ]
        finding["rows"] = [*whole.rows]
    return list(shown)


def main() -> int:
    """Measure and compare; exit code 1 where findings differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=24_000)
    parser.add_argument("--triggers", type=int, default=30)
    given = parser.parse_args()
    equal = True
    threadpool_limits(1)
    for layout in ("labelled", "instruction"):
        with tempfile.TemporaryDirectory() as folder:
            cost(given.data, layout, given.rows, given.triggers, Path(folder))
            equal &= same(
                given.data, layout, 3 * given.rows, given.triggers, Path(folder)
            )  # large enough for two processes
    return int(not equal)


if __name__ == "__main__":
    sys.exit(main())
