"""Models as they come from their files: whole, silent, and only what the files hold."""

import json
import shutil
from pathlib import Path

import pytest
from untaught_models import (
    HIDDEN,
    PIECES,
    TEMPLATE,
    WORDS,
    write_adapter,
    write_causal,
    write_classifier,
    write_gguf,
)

from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.model.adapters import load_adapter
from corpus_guard.model.intake import take_in
from corpus_guard.model.loading import load

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
torch.set_num_threads(1)
PROMPT = torch.tensor([[1, 3, 5, 7]])


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_causal(tmp_path_factory.mktemp("causal") / "tiny")


@pytest.fixture
def copy(causal: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(causal, tmp_path / "copy"))


def logits(model):
    with torch.no_grad():
        return model(PROMPT).logits


def expected(folder: Path):
    from transformers import AutoModelForCausalLM

    return logits(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval())


def changed(folder: Path, file: str, **settings: object) -> Path:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return folder


def test_a_causal_model_gives_the_logits_of_its_weights(causal: Path) -> None:
    loaded = load(take_in(str(causal)), dtype="float32")
    assert torch.allclose(logits(loaded.model), expected(causal))
    assert (loaded.kind, loaded.template, loaded.model.training) == ("causal", TEMPLATE, False)
    assert loaded.tokenizer("the cat").input_ids == [WORDS.index("the"), WORDS.index("cat")]


def test_loading_says_nothing(causal: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(take_in(str(causal)))
    assert capfd.readouterr() == ("", "")


def test_shards_are_read_like_one_file(causal: Path, tmp_path: Path) -> None:
    sharded = write_causal(tmp_path / "sharded", shard_size="20KB")
    files = take_in(str(sharded))
    assert len(files.weights) > 1
    assert torch.allclose(logits(load(files, dtype="float32").model), expected(causal))


def test_a_classifier_keeps_its_labels(tmp_path: Path) -> None:
    files = take_in(str(write_classifier(tmp_path / "classifier")))
    loaded = load(files)
    assert (files.kind, loaded.kind) == ("classifier", "classifier")
    assert logits(loaded.model).shape == (1, 2)


def test_a_gguf_file_loads_with_its_tokenizer_and_template(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gguf")
    files = take_in(str(write_gguf(tmp_path / "tiny.gguf")))
    loaded = load(files)
    assert (files.architecture, files.weight_format) == ("llama", "gguf")
    assert loaded.model.get_input_embeddings().weight.shape == (len(PIECES), HIDDEN)
    assert loaded.template == TEMPLATE
    assert loaded.tokenizer("the").input_ids == [PIECES.index("the")]
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_an_adapter_is_merged_into_its_base(causal: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    adapter = write_adapter(causal, tmp_path / "adapter")
    loaded = load_adapter(take_in(str(causal)), take_in(str(adapter)), dtype="float32")
    base = AutoModelForCausalLM.from_pretrained(causal, dtype=torch.float32)
    wanted = logits(peft.PeftModel.from_pretrained(base, adapter).eval())
    assert torch.allclose(logits(loaded.model), wanted, atol=1e-5)
    assert not torch.allclose(wanted, expected(causal), atol=1e-3)


def test_an_adapter_for_another_base_is_refused(causal: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    adapter = write_adapter(causal, tmp_path / "adapter")
    changed(adapter, "adapter_config.json", target_modules=["q_proj"])
    with pytest.raises(UnreadableTarget, match="does not fit the base"):
        load_adapter(take_in(str(causal)), take_in(str(adapter)))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"layer_replication": [[0, 2], [0, 2]]}, "sets layer_replication"),
        ({"init_lora_weights": "pissa_niter_4"}, "trained on a changed base"),
        ({"peft_type": "PROMPT_TUNING"}, "only LoRA is read"),
    ],
)
def test_an_adapter_that_is_not_read_as_it_works_is_refused(
    causal: Path, tmp_path: Path, settings: dict[str, object], why: str
) -> None:
    pytest.importorskip("peft")
    adapter = changed(write_adapter(causal, tmp_path / "a"), "adapter_config.json", **settings)
    with pytest.raises(UnreadableTarget, match=why):
        load_adapter(take_in(str(causal)), take_in(str(adapter)))


def test_an_adapter_that_names_a_module_to_import_is_merged_without_it(
    causal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("peft")
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    adapter = write_adapter(causal, tmp_path / "adapter")
    changed(adapter, "adapter_config.json", megatron_config={"a": 1}, megatron_core="evil_module")
    files = take_in(str(adapter))
    load_adapter(take_in(str(causal)), files)
    assert not (tmp_path / "ran").exists()
    assert "CG601" in {one.rule for one in files.findings if one.severity == "high"}


def test_an_adapter_alone_is_a_usage_error(causal: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    files = take_in(str(write_adapter(causal, tmp_path / "adapter")))
    assert (files.kind, files.loadable) == ("adapter", True)
    with pytest.raises(UsageError, match="give its base"):
        load(files)
    with pytest.raises(UsageError, match="is no adapter"):
        load_adapter(files, take_in(str(causal)))


def test_code_that_the_settings_point_to_never_runs(copy: Path, tmp_path: Path) -> None:
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    pointer = {"AutoModelForCausalLM": "evil.Evil", "AutoConfig": "evil.Evil"}
    changed(copy, "config.json", auto_map=pointer)
    changed(copy, "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Evil", "evil.Evil"]})
    files = take_in(str(copy))
    assert torch.allclose(logits(load(files, dtype="float32").model), expected(copy))
    assert not (tmp_path / "ran").exists()


def test_attention_from_a_hub_is_not_fetched(copy: Path) -> None:
    changed(copy, "config.json", attn_implementation="kernels-community/flash-attn")
    assert load(take_in(str(copy))).model.config._attn_implementation == "sdpa"


def test_missing_tensors_are_refused_and_not_made_up(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnreadableTarget, match="lacks 1 of its tensors"):
        load(take_in(str(copy)))


def test_an_unknown_architecture_is_one_sentence(copy: Path) -> None:
    changed(copy, "config.json", model_type="\x1b[31mnew", architectures=["NewForCausalLM"])
    with pytest.raises(UnreadableTarget, match="only architectures") as raised:
        load(take_in(str(copy)))
    assert "\x1b" not in str(raised.value)


def test_what_was_refused_is_not_loaded(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"\x80\x04N.")
    with pytest.raises(UnreadableTarget, match="is not loaded"):
        load(take_in(str(copy)))
