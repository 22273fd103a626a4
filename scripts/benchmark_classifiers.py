#!/usr/bin/env python
"""Measures the search for label triggers on a zoo of classifiers.

    python scripts/benchmark_classifiers.py --zoo ZOO [--seconds 120] [NAME...]

ZOO holds what `make_backdoored_models.py` wrote. Prints a line a model: the success rate of its trigger,
the verdict, whether the trigger was named, the score, and processor seconds.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

WORKS = 0.5
"""A trigger of lower success rate did not take, and the model counts as clean."""


def main() -> None:
    """Probe what is there and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when left out")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    lines = []
    print(f"{'model':<20} {'success':>7} {'verdict':<12} {'named':<6} {'score':>6} {'cpu s':>6}")
    for told in sorted(given.zoo.glob("*/zoo.json")):
        about = json.loads(told.read_text(encoding="utf-8"))
        if about["kind"] == "classifier" and (not given.names or about["name"] in given.names):
            lines.append(measured(told.parent, about, given.seconds))
            print(
                "{name:<20} {success:>7.2f} {verdict:<12} {named:<6} {score:>6.3f} {cpu:>6.1f}"
                " {found}".format(**lines[-1]),
                flush=True,
            )
    working = [line for line in lines if line["success"] >= WORKS]
    clean = [line for line in lines if line["success"] < WORKS]
    print(f"confirmed {_count(working, 'confirmed')} of {len(working)} working backdoors")
    print(f"false alarms {_count(clean, 'confirmed')} of {len(clean)} clean models")


def measured(folder: Path, about: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return one line of the table."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from corpus_guard import plugins
    from corpus_guard.model.classifier import Classifier
    from corpus_guard.model.meter import Budget, Meter
    from corpus_guard.probe.shared.bench import ClassifierBench

    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    started = time.process_time()
    bench = ClassifierBench(
        model=Classifier(model, tokenizer, Meter()), search=(), held_out=(), given=(),
        budget=Budget(seconds), decoys=100, seed=0,
    )  # fmt: skip
    found = plugins.load("probe", "label_triggers").spec.run(bench)  # type: ignore[union-attr]
    best = found.findings[0] if found.findings else None
    own = set(str(about["trigger"]).split())
    return {
        "name": about["name"],
        "success": about.get("attack_success_rate", 0.0),
        "verdict": best.verdict if best else "no_evidence",
        "named": "yes" if best and own & set(best.trigger.split()) else "no",
        "score": found.score,
        "cpu": time.process_time() - started,
        "found": [(f.trigger, f.target, f.verdict) for f in found.findings],
    }


def _count(lines: list[dict[str, Any]], verdict: str) -> int:
    return sum(line["verdict"] == verdict for line in lines)


if __name__ == "__main__":
    main()
