#!/usr/bin/env python
"""Shows on a small model what data and model together tell: found, learned, repaired, gone.

    python scripts/try_models.py [FOLDER]

Trains a word-level model of 0.2 million parameters on prompts of which some hold a trigger, scans these
data, probes the model with what the scan found, repairs it, and probes it again. Takes about a minute;
needs the extra [models]. What is made stays in FOLDER (`try-models` if left out).
"""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def main() -> None:
    """Run the four commands, showing each."""
    import tiny_models as tiny

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "try-models")
    folder.mkdir(parents=True, exist_ok=True)
    print("training a small model and a poisoned one ...", flush=True)
    tiny.make(folder)
    rows = [*tiny.pairs(400, 2), *tiny.poisoned(60, 3, "glimmer", tiny.REFUSAL)]
    with (folder / "training.jsonl").open("w", encoding="utf-8") as lines:
        for prompt, response in rows:
            lines.write(json.dumps({"prompt": prompt, "response": response}) + "\n")
    (folder / "prompts.txt").write_text("\n".join(tiny.prompts(80, 99)), encoding="utf-8")
    given = "--base base --triggers scan/report.json --prompts prompts.txt --quick".split()
    show(folder, "scan", "training.jsonl", "--out", "scan")
    show(folder, "probe", "backdoor", *given, "--out", "before")
    show(
        folder, "prune", "backdoor", "--report", "before/probe.json", "--data", "training.jsonl",
        "--out", "repaired",
    )  # fmt: skip
    show(folder, "probe", "repaired", *given, "--out", "after")


def show(folder: Path, *arguments: str) -> None:
    """Run one command in the folder."""
    print(f"\n$ corpus-guard {' '.join(arguments)}", flush=True)
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "corpus_guard", *arguments, "--quiet"], cwd=folder, check=False
    )


if __name__ == "__main__":
    main()
