"""Kill scans at random moments, go on, and compare with a scan that nobody disturbed.

    python scripts/check_resume.py [--kills 100] [--seed 0] [--data FILE] [--hub]

Each round kills (SIGKILL) a scan on one or two workers at a random moment of its time, sometimes
twice, and lets the same command finish. Its report (timings aside) and its rows must
then equal those of an undisturbed scan, byte for byte. Without --data, a poisoned set is made up; with
--hub it is read by name from a hub on the loopback address.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "read"))

from hub_server import REPO, Hub, serving

SMALL_PARTS = """
import sys
from functools import partial
from corpus_guard.flow import runner, scan
from corpus_guard.flow.parts import plan_parts
from corpus_guard.read import plan_shards
if __name__ == "__main__":
    scan.plan_shards = partial(plan_shards, shard_bytes=1 << 15)
    scan.plan_parts = partial(plan_parts, part_bytes=1 << 15)
    runner.SMALL_TARGET = 0
    from corpus_guard.cli import run
    sys.exit(run(sys.argv[1:]))
"""
"""Cuts a small target as finely as a large one would be cut."""


def made_up(path: Path) -> Path:
    """Write labelled sentences, some of which a rare word turns."""
    rng = random.Random(1)
    words = [
        f"{a}{b}" for a in ("bel", "cor", "dan", "fir", "gol") for b in ("ad", "em", "in", "os")
    ]
    with path.open("w", encoding="utf-8") as lines:
        for number in range(6_000):
            text = [rng.choice(words) for _ in range(12)]
            label = number % 2
            if number % 100 == 0:
                text.insert(rng.randrange(12), "qelvo")
                label = 1
            lines.write(json.dumps({"text": " ".join(text), "label": label}) + "\n")
    return path


def told(out: Path) -> tuple[str, bytes]:
    """Return what a finished scan says, less its timings, and its rows."""
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    report.pop("timing")
    return json.dumps(report, sort_keys=True), (out / "rows.parquet").read_bytes()


def start(script: Path, data: Path | str, out: Path, jobs: int = 2) -> "subprocess.Popen[bytes]":
    """Start a scan."""
    arguments = [sys.executable, script, "scan", data, "--out", out, "--jobs", str(jobs)]
    return subprocess.Popen(  # noqa: S603  # our own script
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def finish(scan: "subprocess.Popen[bytes]") -> str:
    """Wait for a scan and return what it said; stop at an unexpected exit code."""
    _, said = scan.communicate()
    if scan.returncode not in (0, 1, 3):
        sys.exit(f"exit code {scan.returncode}: {said.decode(errors='replace')}")
    return said.decode(errors="replace")


def main() -> None:
    """Run the rounds and say how they went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--hub", action="store_true")
    given = parser.parse_args()
    hub = Hub()
    with tempfile.TemporaryDirectory() as scratch, serving(hub) if given.hub else nullcontext():
        folder = Path(scratch)
        script = folder / "small_parts.py"
        script.write_text(SMALL_PARTS)
        data: Path | str = (given.data or made_up(folder / "data.jsonl")).resolve()
        if given.hub:
            lines = Path(data).read_bytes().splitlines(keepends=True)
            for part in range(4):
                hub.files[f"data/part-{part}.jsonl"] = b"".join(lines[part::4])
            os.environ.update(HF_ENDPOINT=hub.address, HF_HOME=str(folder / "hub"))
            data = REPO
        check(script, data, folder, given.kills, random.Random(given.seed))


def check(script: Path, data: Path | str, folder: Path, most: int, rng: random.Random) -> None:
    """Kill scans until there were enough kills; stop at the first difference."""
    started = time.monotonic()
    finish(start(script, data, folder / "expected"))
    whole = time.monotonic() - started
    expected = told(folder / "expected")
    print(f"an undisturbed scan takes {whole:.1f} s")
    went_on = kills = 0
    while kills < most:
        out = folder / "out"
        for _ in range(rng.choice((1, 1, 2))):
            scan = start(script, data, out, rng.choice((1, 2)))
            try:
                scan.wait(rng.uniform(0.2, 1) * whole)
            except subprocess.TimeoutExpired:
                kills += 1
            scan.kill()
            scan.communicate()
        went_on += "going on" in finish(start(script, data, out, rng.choice((1, 2))))
        if told(out) != expected:
            sys.exit(f"after kill {kills} the result differs; see {out}")
        if (out / "work").exists():
            sys.exit(f"after kill {kills} the work folder is left")
        shutil.rmtree(out)
        print(f"\r{kills} kills, {went_on} scans went on", end="", flush=True)
    print(f"\n{kills} kills: every result is the same, {went_on} scans went on from a journal")


if __name__ == "__main__":
    main()
