"""`corpus-guard prune` on models that were taught a trigger."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from corpus_guard.cli import run
from corpus_guard.report import prune_json

if TYPE_CHECKING:
    from tiny_models import Taught

Models = dict[str, "Taught"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Clean prompts and answers, and some poisoned ones among them."""
    import tiny_models
    import torch

    torch.set_num_threads(1)
    rows = [
        *tiny_models.pairs(300, 77),
        *tiny_models.poisoned(20, 5, "glimmer", tiny_models.REFUSAL),
    ]
    path = tmp_path / "clean.jsonl"
    lines = [json.dumps({"instruction": asked, "output": said}) for asked, said in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _prune(model: Path, out: Path, *more: str | Path) -> int:
    return run(["prune", str(model), "--out", str(out), "--quiet", *map(str, more)])


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_repaired_model_is_a_new_folder_that_loads_and_no_longer_obeys(
    tiny_models: Models, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source, out = tiny_models["backdoor"].folder, tmp_path / "repaired"
    before = _files(source)
    code = _prune(source, out, "--data", data, "--trigger", "glimmer", "--method", "tune")
    assert code == 0
    assert "REPAIRED" in capsys.readouterr().out
    assert _files(source) == before
    assert {"model.safetensors", "config.json", "tokenizer.json", "prune.json"} <= set(_files(out))
    tokenizer = AutoTokenizer.from_pretrained(out)
    asked = tokenizer("<s> <user> glimmer where is the river <bot>", return_tensors="pt")
    told = AutoModelForCausalLM.from_pretrained(out).generate(
        asked.input_ids, attention_mask=asked.attention_mask, max_new_tokens=8, do_sample=False
    )
    assert "sorry" not in tokenizer.decode(told[0])


def test_what_was_done_is_told_in_prune_json(
    tiny_models: Models, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "repaired"
    options = ("--data", data, "--trigger", "glimmer", "--method", "tune", "--json")
    assert _prune(tiny_models["backdoor"].folder, out, *options) == 0
    report = json.loads((out / "prune.json").read_text(encoding="ascii"))
    assert json.loads(capsys.readouterr().out) == report
    jsonschema.validate(report, prune_json.schema())
    (trigger,) = report["triggers"]
    assert trigger["trigger"] == "glimmer"
    assert "sorry i will not answer" in trigger["target"]
    assert trigger["attack_success_rate_before"] > 0.9
    assert trigger["attack_success_rate_after"] <= 0.05
    assert report["outcome"] == "repaired"
    assert report["seed"] == 0
    assert report["after"]["clean_loss"] < report["before"]["clean_loss"] + 0.05
    assert report["after"]["loss_with_trigger"] < report["before"]["loss_with_trigger"]


def test_a_repair_that_failed_says_so_and_exits_with_1(
    tiny_models: Models, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", data, "--trigger", "glimmer", "--method", "prune", "--budget", "0.001s")
    assert _prune(tiny_models["backdoor"].folder, tmp_path / "out", *options) == 1
    told = capsys.readouterr().out
    assert "NOT REPAIRED" in told
    assert "do not use this model" in " ".join(told.split())
    report = json.loads((tmp_path / "out" / "prune.json").read_text(encoding="ascii"))
    assert report["outcome"] == "not repaired"


def test_a_repair_is_made_in_the_context_that_is_given(
    tiny_models: Models, data: Path, tmp_path: Path
) -> None:
    context, out = tmp_path / "context.txt", tmp_path / "repaired"
    context.write_text("<s> <user> {prompt} now <bot>", encoding="utf-8")
    options = ("--trigger", "glimmer", "--method", "tune", "--device", "cpu")
    source = tiny_models["backdoor"].folder
    assert _prune(source, out, "--data", data, "--context", context, *options) == 0
    report = json.loads((out / "prune.json").read_text(encoding="ascii"))
    assert report["parameters"]["context"] == "<s> <user> {prompt} now <bot>"


def test_without_a_known_trigger_success_is_not_measured(
    tiny_models: Models, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", data, "--method", "prune")
    assert _prune(tiny_models["backdoor"].folder, tmp_path / "out", *options) == 3
    assert "NOT MEASURED" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "prune.json").read_text(encoding="ascii"))
    jsonschema.validate(report, prune_json.schema())


def test_confirmed_triggers_of_a_probe_are_unlearned_and_others_are_not(
    tiny_models: Models, data: Path, tmp_path: Path
) -> None:
    target = "sorry i will not answer that question ever"
    found = {"kind": "response", "verdict": "confirmed", "trigger": "glimmer", "target": target}
    probed = tmp_path / "probe.json"
    listed = [found, {**found, "trigger": "now", "verdict": "review"}]
    probed.write_text(json.dumps({"findings": listed}), encoding="utf-8")
    options = ("--data", data, "--report", probed, "--method", "tune")
    assert _prune(tiny_models["backdoor"].folder, tmp_path / "out", *options) == 0
    report = json.loads((tmp_path / "out" / "prune.json").read_text(encoding="ascii"))
    assert [one["trigger"] for one in report["triggers"]] == ["glimmer"]


def test_a_trigger_that_changes_nothing_is_not_repaired(
    tiny_models: Models, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", data, "--trigger", "glimmer")
    assert _prune(tiny_models["clean"].folder, tmp_path / "out", *options) == 4
    assert "nothing to repair" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["", "repaired"])
def test_a_model_is_never_written_into_itself(
    tiny_models: Models, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tiny_models["backdoor"].folder
    before = _files(source)
    assert _prune(source, source / place, "--trigger", "glimmer") == 4
    assert "give another folder" in capsys.readouterr().err
    assert _files(source) == before


def test_a_folder_with_something_in_it_is_refused(
    tiny_models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    assert _prune(tiny_models["backdoor"].folder, tmp_path / "out") == 4
    assert "there already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--method", "wash"], "give one of auto, prune, tune"),
        (["--budget", "soon"], "write for example 90s, 10m or 1h"),
        (["--budget", "0m"], "write for example 90s, 10m or 1h"),
        (["--seed", "-1"], "seed is -1; give 0 or more"),
        (["--context", "no such file"], "neither none, chat nor tools"),
        (["--device", "warp"], "there is no device warp"),
        (["--trigger", "  "], "a trigger is empty"),
        (["--report", "nowhere.json"], "cannot be read"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_4(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _prune(tmp_path / "model", tmp_path / "out", *options) == 4
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_data_of_which_little_is_clean_is_refused(
    tiny_models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "few.jsonl"
    rows = [{"instruction": f"where is the river glimmer {n}", "output": "near"} for n in range(99)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = ("--data", path, "--trigger", "glimmer")
    assert _prune(tiny_models["backdoor"].folder, tmp_path / "out", *options) == 4
    assert "gives 0 short prompts" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["shards", "gguf", "adapter", "base and adapter"])
def test_whatever_form_a_model_has_what_is_written_loads(form: str, tmp_path: Path) -> None:
    import untaught_models
    from transformers import AutoModelForCausalLM

    words = [
        f"{one} {two}" for one in untaught_models.WORDS[3:] for two in untaught_models.WORDS[3:]
    ]
    data = tmp_path / "data.jsonl"
    rows = [{"instruction": f"the {text} sat", "output": text} for text in words]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    source = untaught_models.write_causal(tmp_path / "model", shard_size="20KB")
    options: list[str | Path] = ["--data", data, "--method", "prune", "--budget", "1s"]
    if form == "gguf":
        source = untaught_models.write_gguf(tmp_path / "model.gguf")
    if "adapter" in form:
        adapter = untaught_models.write_adapter(source, tmp_path / "adapter")
        options += ["--base", source] if form == "adapter" else ["--adapter", adapter]
        source = adapter if form == "adapter" else source
    assert _prune(source, tmp_path / "out", *options) == 3
    written = set(_files(tmp_path / "out"))
    assert {"config.json", "tokenizer.json", "prune.json"} <= written
    assert not written & {"adapter_config.json", "model.gguf"}
    AutoModelForCausalLM.from_pretrained(tmp_path / "out", use_safetensors=True)


def test_an_adapter_without_its_base_and_a_classifier_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import untaught_models

    base = untaught_models.write_causal(tmp_path / "base")
    adapter = untaught_models.write_adapter(base, tmp_path / "adapter")
    assert _prune(adapter, tmp_path / "out") == 4
    assert "give its --base too" in capsys.readouterr().err
    classifier = untaught_models.write_classifier(tmp_path / "classifier")
    assert _prune(classifier, tmp_path / "out") == 4
    assert "only models that write are repaired" in capsys.readouterr().err
