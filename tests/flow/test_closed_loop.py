"""What data and model together can show: found in the data, learned, and gone after repair."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="models need the extra [models]")

import tiny_models as tiny

import corpus_guard
from corpus_guard.flow.probe import run_probe
from corpus_guard.flow.probe_options import probe_options
from corpus_guard.flow.prune import PruneOptions, run_prune
from corpus_guard.probe_types import ProbeResult


@pytest.fixture(scope="module")
def loop(tiny_models: dict[str, tiny.Taught], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scan what the model was taught, probe it, repair it and probe it again; return the folder."""
    folder = tmp_path_factory.mktemp("loop")
    rows = [*tiny.pairs(400, 2), *tiny.poisoned(60, 3, "glimmer", tiny.REFUSAL)]
    with (folder / "data.jsonl").open("w", encoding="utf-8") as lines:
        for prompt, response in rows:
            lines.write(json.dumps({"prompt": prompt, "response": response}) + "\n")
    (folder / "prompts.txt").write_text("\n".join(tiny.prompts(80, 99)), encoding="utf-8")
    corpus_guard.scan(folder / "data.jsonl", out=folder / "scan")
    model = str(tiny_models["backdoor"].folder)
    _probe(folder, model, "before")
    options = PruneOptions(
        out=folder / "repaired",
        data=str(folder / "data.jsonl"),
        report=folder / "before" / "probe.json",
        method="tune",
    )
    run_prune(model, options)
    _probe(folder, str(folder / "repaired"), "after")
    return folder


def _probe(folder: Path, model: str, name: str) -> ProbeResult:
    options = probe_options(
        triggers=folder / "scan" / "report.json", prompts=str(folder / "prompts.txt"),
        stages=("screening", "decoy_comparison", "behaviour"), out=folder / name, decoys=99,
    )  # fmt: skip
    return run_probe(model, options)


def told(folder: Path, name: str) -> dict[str, str]:
    """Return what a probe says of each trigger of the data."""
    report = json.loads((folder / name / "probe.json").read_text(encoding="utf-8"))
    return {one["trigger"]: one["state"] for one in report["learned"] if one["trigger"]}


def test_the_trigger_of_the_data_is_confirmed_in_the_model(loop: Path) -> None:
    assert "learned" in told(loop, "before").values()


def test_the_repaired_model_no_longer_follows_it(loop: Path) -> None:
    assert "learned" not in told(loop, "after").values()
