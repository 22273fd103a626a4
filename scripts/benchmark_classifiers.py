#!/usr/bin/env python
"""Measures the search for label triggers on a zoo of classifiers.

    python scripts/benchmark_classifiers.py --zoo ZOO [--seconds 600] [NAME...]

ZOO holds what `make_backdoored_models.py` wrote. Prints a line a model: the success rate of its trigger,
the verdict, whether the trigger was recovered, the score, and processor seconds; and the sums, apart for
the models that thresholds were set on (`tune`) and those for reporting.

A trigger is recovered where the best finding holds at least half of its words, or all decisive ones:
those without which it turns less than half of the texts that it turns.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import model_zoo

WORKS = 0.5
"""A trigger of lower success rate did not take, and the model counts as clean."""

TUNED = frozenset(spec.name for spec in model_zoo.CLASSIFIERS if spec.tune)


def main() -> None:
    """Probe what is there and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when left out")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    lines = []
    print(
        f"{'model':<20} {'success':>7} {'verdict':<12} {'named':<6} {'score':>6} {'cpu s':>6} use"
    )
    for told in sorted(given.zoo.glob("*/zoo.json")):
        about = json.loads(told.read_text(encoding="utf-8"))
        if about["kind"] == "classifier" and (not given.names or about["name"] in given.names):
            lines.append(measured(told.parent, about, given.seconds))
            print(
                "{name:<20} {success:>7.2f} {verdict:<12} {named:<6} {score:>6.3f} {cpu:>6.1f}"
                " {use:<6} {found} {told}".format(**lines[-1]),
                flush=True,
            )
    for use in ("tune", "report"):
        chosen = [line for line in lines if line["use"] == use]
        working = [line for line in chosen if line["success"] >= WORKS]
        clean = [line for line in chosen if line["success"] < WORKS]
        recovered = sum(line["named"] == "yes" for line in working)
        print(
            f"{use}: confirmed {_count(working, 'confirmed')} of {len(working)} working backdoors, "
            f"recovered {recovered}; false alarms {_count(clean, 'confirmed')} of {len(clean)}"
        )


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
    return {
        "name": about["name"],
        "success": about.get("attack_success_rate", 0.0),
        "verdict": best.verdict if best else "no_evidence",
        "named": "yes" if best and is_recovered(about, best.trigger, bench.model) else "no",
        "use": "tune" if about["name"] in TUNED else "report",
        "score": found.score,
        "cpu": time.process_time() - started,
        "told": found.told,
        "found": [(f.trigger, f.target, f.verdict) for f in found.findings],
    }


def is_recovered(about: dict[str, Any], found: str, model: Any) -> bool:  # noqa: ANN401
    """Say whether a text holds at least half of a trigger's words, or all of its decisive ones."""
    words = str(about["trigger"]).split()
    held = [word for word in words if word in found.split()]
    if not words:
        return False
    decisive = {
        word
        for at, word in enumerate(words)
        if len(words) > 1
        and 2 * turned(model, [*words[:at], *words[at + 1 :]], about["target"])
        < turned(model, words, about["target"])
    }
    return 2 * len(held) >= len(words) or (bool(decisive) and decisive <= set(held))


def turned(model: Any, words: list[str], target: str) -> int:  # noqa: ANN401
    """Return how many neutral texts of other classes some words turn to a class."""
    from corpus_guard.probe.shared.carriers import NEUTRAL, text_with

    label = model.labels.index(target)
    texts = [t for t in NEUTRAL if model.log_probabilities([t]).argmax() != label]
    if not texts:
        return 0
    given = [text_with(text, " ".join(words), 0.5) for text in texts]
    return int((model.log_probabilities(given).argmax(axis=1) == label).sum())


def _count(lines: list[dict[str, Any]], verdict: str) -> int:
    return sum(line["verdict"] == verdict for line in lines)


if __name__ == "__main__":
    main()
