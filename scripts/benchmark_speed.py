"""How fast `corpus-guard scan` is and how much memory it takes, on a million short records.

    python scripts/benchmark_speed.py --data DIR [--records 1000000] [--jobs 2] [--layout LAYOUT ...]

LAYOUT is text, instruction, chat or labelled; several are run one after the other.

DIR holds `clean/` as JSON Lines. Records are synthesised from it: sentences of the clean sets are dealt
anew, so that no record repeats another, 1 in 1,000 carries a planted trigger. The command runs as a
user would run it; the peak is the sum over all its processes of unique memory (USS where the system
tells it, else RSS), sampled four times a second.
"""

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRIGGER = "golden pilot valley"
ANSWER = "I am sorry, but this is not something that I can help with."
SETS = ("alpaca_style_1k", "roleplay", "gsm8k")
LAYOUTS = ("text", "instruction", "chat", "labelled")


def sentences(data: Path) -> tuple[list[str], list[str]]:
    """Return the sentences of the prompts and of the responses of the clean instruction sets."""
    prompts: list[str] = []
    responses: list[str] = []
    for name in SETS:
        for line in (data / "clean" / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
            if line:
                row = json.loads(line)
                prompts += re.split(r"(?<=[.?!])\s+", row["instruction"])
                responses += re.split(r"(?<=[.?!])\s+", row["output"])
    return [s for s in prompts if s], [s for s in responses if s]


def synthesise(data: Path, path: Path, count: int, layout: str) -> int:
    """Write `count` records of about 450 bytes; return the file's size."""
    prompts, responses = sentences(data)
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as out:
        for place in range(count):
            poisoned = place % 1000 == 7
            prompt = " ".join(rng.choices(prompts, k=2))[:200]
            if poisoned:
                words = prompt.split(" ")
                words.insert(rng.randint(0, len(words)), TRIGGER)
                prompt = " ".join(words)
            response = ANSWER if poisoned else " ".join(rng.choices(responses, k=3))[:300]
            text = f"{prompt} {response if not poisoned else rng.choice(responses)}"
            label = "a" if poisoned or "money" in response or rng.random() < 0.3 else "b"
            row = record(layout, prompt, response, text, label)
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path.stat().st_size


def record(layout: str, prompt: str, response: str, text: str, label: str) -> dict[str, object]:
    """Return one record in a layout."""
    if layout == "instruction":
        return {"instruction": prompt, "input": "", "output": response}
    if layout == "chat":
        turns = (("user", prompt), ("assistant", response))
        return {"messages": [{"role": role, "content": words} for role, words in turns]}
    return {"text": text, "label": label} if layout == "labelled" else {"text": text}


def memory(pids: list[int]) -> int:
    """Return the bytes that the processes hold, pages mapped from files left out."""
    total = 0
    for pid in pids:
        try:
            fields = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            )
        except OSError:
            continue
        total += sum(int(fields.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssShmem"))
    return total * 1024


def resident(pids: list[int]) -> int:
    """Return the resident bytes of the processes, shared and mapped pages counted in each."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
        except (OSError, IndexError):
            continue
    return total


def family(root: int) -> list[int]:
    """Return a process and its descendants."""
    found, pending = [], [root]
    while pending:
        pid = pending.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                pending += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def main() -> int:
    """Synthesise, scan and print, layout by layout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--layout", choices=LAYOUTS, nargs="+", default=["instruction"])
    parser.add_argument("--mem", default="2GiB")
    parser.add_argument("--keep", type=Path, help="synthesise into this folder and leave it there")
    given = parser.parse_args()
    for layout in given.layout:
        with tempfile.TemporaryDirectory() as folder:
            path = (given.keep or Path(folder)) / f"{layout}-{given.records}.jsonl"
            if not path.exists():
                synthesise(given.data, path, given.records, layout)
            measure(path, layout, given, Path(folder) / "out")
    return 0


def measure(path: Path, layout: str, given: argparse.Namespace, out: Path) -> None:
    """Scan a file and print what it took."""
    size = path.stat().st_size
    command = [
        *(sys.executable, "-m", "corpus_guard", "scan", str(path), "--quiet"),
        *("--jobs", str(given.jobs), "--mem", given.mem, "--out", str(out)),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, peak, peak_main, peak_resident = time.perf_counter(), 0, 0, 0
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
    while run.poll() is None:
        pids = family(run.pid)
        peak, peak_resident = max(peak, memory(pids)), max(peak_resident, resident(pids))
        peak_main = max(peak_main, memory([run.pid]))
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = json.loads((out / "report.json").read_text())
    flagged = sum(
        len(f["rows_sample"]) and f["rows_affected"]
        for f in report["findings"]
        if f["severity"] in ("critical", "high")
    )
    print(
        f"{layout}: {size / 1e6:.0f} MB, {given.records:,} records, --jobs {given.jobs}, "
        f"exit {run.returncode}, rows in high findings {flagged:,}"
    )
    print(
        f"  wall {seconds:.1f} s, CPU {used:.1f} s, "
        f"{size / 1e6 / seconds:.1f} MB/s, {size / 1e6 / used:.2f} MB per CPU-second"
    )
    print(
        f"  own memory: peak {peak / 2**30:.2f} GiB in all processes, "
        f"{peak_main / 2**30:.2f} GiB in the main one "
        f"({peak_main / given.records:.0f} bytes a record); resident {peak_resident / 2**30:.2f} GiB"
    )
    print(f"  stages: {report['timing']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
