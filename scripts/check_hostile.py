"""Scan every hostile input with the real command and print what it cost.

    python scripts/check_hostile.py [--only WORD] [--all]

Each input is one process. Printed are those that took over 5 s or 400 MiB (all with --all), then the
totals; the exit code is 1 when one crashed, hung (10 s), took over 1 GiB or was called clean wrongly.
Besides the inputs of tests/hostile there are large ones: bombs, and data made to exhaust a detector.
"""

import argparse
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hostile import crawled, damage, packed, texts
from hostile.case import Case

SECONDS = 10.0
LARGE_SECONDS = 120.0
MOST_BYTES = 1 << 30


def large() -> Iterator[Case]:
    """Yield inputs that are large, or become so."""
    rng = random.Random(0)

    def lines(rows: Iterator[dict[str, object]]) -> bytes:
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    def word() -> str:
        return f"{rng.getrandbits(60):x}"

    yield Case(name="a gzip bomb of 5 GiB", file="data.jsonl.gz", whole=False,
               make=lambda: b"".join([gzip.compress(b"bomb " * (1 << 24))] * 64))  # fmt: skip
    yield Case(name="one line of 200 MB", file="data.jsonl", whole=False,
               make=lambda: b'{"text": "' + b"word " * 40_000_000 + b'"}\n')  # fmt: skip
    yield Case(name="a Parquet file of one value 3,000,000 times", file="data.parquet",
               make=_same_value, whole=False)  # fmt: skip
    yield Case(name="100,000 labels", file="data.jsonl", make=lambda: lines(
        {"text": f"{word()} {word()}", "label": word()} for _ in range(100_000)))  # fmt: skip
    yield Case(name="one word ten million times", file="data.jsonl", make=lambda: lines(
        {"text": "spam " * 1000} for _ in range(10_000)))  # fmt: skip
    yield Case(name="100,000 equal records", file="data.jsonl", make=lambda: lines(
        {"text": "the very same words in each", "label": 1} for _ in range(100_000)))  # fmt: skip
    yield Case(name="a record of 15 MiB of words", file="data.jsonl", make=lambda: lines(
        iter([{"text": " ".join(word() for _ in range(900_000))}, {"text": "a"}])))  # fmt: skip
    yield Case(name="200,000 empty records", file="data.jsonl",
               make=lambda: b'{"text": ""}\n' * 200_000)  # fmt: skip
    yield Case(name="20,000 records of emoji", file="data.jsonl", make=lambda: lines(
        {"text": "".join(chr(rng.randrange(0x1F300, 0x1F6FF)) for _ in range(60))}
        for _ in range(20_000)))  # fmt: skip
    yield Case(name="200 words of 60 KB", file="data.jsonl", make=lambda: lines(
        {"text": chr(97 + n % 26) * 60_000 + str(n)} for n in range(200)))  # fmt: skip
    yield Case(name="50,000 responses that differ in one word", file="data.jsonl",
               make=lambda: lines({"prompt": f"say {word()}", "response": f"I say {word()}"}
                                  for _ in range(50_000)))  # fmt: skip


def _same_value() -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    value = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000, pa.int32()), ["w " * 2000])
    pq.write_table(pa.table({"text": value}), file)
    return file.getvalue()


def scan(case: Case, folder: Path, seconds: float) -> tuple[int | None, float, int, str]:
    """Return the exit code (None: it hung), the seconds, the peak memory and what was printed."""
    path = folder / case.file
    path.write_bytes(case.make())
    command = [sys.executable, "-m", "corpus_guard", "scan", str(path), "--json", "--jobs", "1",
               "--max-record", case.max_record, "--out", str(folder / "out")]  # fmt: skip
    started = time.monotonic()
    with subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        try:
            told, _ = running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.kill()
            return None, seconds, 0, ""
    return running.returncode, time.monotonic() - started, 0, told


def problem(case: Case, code: int | None, peak: int, told: str) -> str:
    """Return what is wrong with the outcome, or an empty text."""
    if code is None:
        return "HUNG"
    if peak > MOST_BYTES:
        return "TOOK TOO MUCH MEMORY"
    if code not in (0, 1, 3, 4) or "Traceback" in told:
        return f"CRASHED with exit code {code}: {told[-300:]!r}"
    expected = {True: (0, 1), False: (1, 3), None: (4,)}[case.whole]
    return "" if code in expected else f"EXIT CODE {code} instead of {expected}"


def measured(case: Case, seconds: float) -> tuple[str, float, int]:
    """Run one case in a process of its own, so that its children's peak is its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with tempfile.TemporaryDirectory() as folder, os.fdopen(writing, "w") as answer:
            code, took, _, told = scan(case, Path(folder), seconds)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
            json.dump([problem(case, code, peak, told), took, peak], answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        wrong, took, peak = json.load(answer)
    os.waitpid(child, 0)
    return wrong, took, peak


def main() -> None:
    """Run all and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--all", action="store_true", help="print every case")
    given = parser.parse_args()
    small = [*texts.cases(), *damage.cases(), *packed.cases(), *crawled.cases()]
    jobs = [(case, SECONDS) for case in small] + [(case, LARGE_SECONDS) for case in large()]
    jobs = [(case, seconds) for case, seconds in jobs if given.only in case.name]
    wrong = 0
    longest, largest = 0.0, 0
    for case, seconds in jobs:
        failure, took, peak = measured(case, seconds)
        longest, largest, wrong = max(longest, took), max(largest, peak), wrong + bool(failure)
        if failure or given.all or took > 5 or peak > 400 << 20:
            print(f"{took:6.1f} s {peak >> 20:5} MiB  {case.name}  {failure}", flush=True)
    print(
        f"{len(jobs)} inputs, {wrong} wrong; at most {longest:.1f} s and {largest >> 20} MiB each"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
