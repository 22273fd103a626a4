"""What is taken for a model, which of its files, and what is said of the others."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from untaught_models import safetensors_bytes, write_bare, write_gguf

from corpus_guard.errors import UsageError
from corpus_guard.model.files import ModelFiles
from corpus_guard.model.intake import take_in
from corpus_guard.probe_types import FileFinding

from .model_hub import COMMIT, REPO, ModelHub, serving

TENSOR = {"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}


def found(files: ModelFiles, rule: str) -> list[FileFinding]:
    return [one for one in files.findings if one.rule == rule]


def test_a_folder_is_a_model_with_its_kind_and_architecture(tmp_path: Path) -> None:
    files = take_in(str(write_bare(tmp_path)))
    assert (files.kind, files.architecture) == ("causal", "LlamaForCausalLM")
    assert (files.weight_format, files.weights) == (
        "safetensors",
        (tmp_path / "model.safetensors",),
    )
    assert (files.loadable, files.findings, files.revision) == (True, (), None)


def test_a_classifier_is_told_by_its_architecture(tmp_path: Path) -> None:
    write_bare(tmp_path, architectures=["BertForSequenceClassification"])
    assert take_in(str(tmp_path)).kind == "classifier"


def test_the_digest_is_that_of_the_files_that_are_used(tmp_path: Path) -> None:
    before = take_in(str(write_bare(tmp_path))).digest
    (tmp_path / "README.md").write_text("nothing of it is used")
    assert take_in(str(tmp_path)).digest == before
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert take_in(str(tmp_path)).digest != before


def test_a_file_alone_is_taken_with_the_settings_beside_it(tmp_path: Path) -> None:
    write_bare(tmp_path)
    (tmp_path / "old.bin").write_bytes(pickle.dumps([1]))
    files = take_in(str(tmp_path / "model.safetensors"))
    assert (files.architecture, files.findings) == ("LlamaForCausalLM", ())


def test_a_gguf_file_needs_nothing_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    files = take_in(str(write_gguf(tmp_path / "tiny.gguf")))
    assert (files.kind, files.architecture, files.weight_format) == ("causal", "llama", "gguf")
    assert (files.loadable, files.findings) == (True, ())
    assert take_in(str(tmp_path)).digest == files.digest


def test_of_several_gguf_files_one_has_to_be_named(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(
        UsageError, match=r"several models; name one of its files: a\.gguf, b\.gguf"
    ):
        take_in(str(tmp_path))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "neither config.json nor a .gguf"),
        ({"config.json": b"{}"}, "holds no weights"),
        ({"model.safetensors": safetensors_bytes(TENSOR, bytes(16))}, "neither config.json"),
        ({"README.md": b"hello"}, "neither config.json"),
    ],
)
def test_what_is_no_model_is_one_sentence_with_the_mend(
    tmp_path: Path, files: dict[str, bytes], why: str
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=why) as raised:
        take_in(str(tmp_path))
    assert "give a folder with config.json" in str(raised.value)


@pytest.mark.parametrize(
    "target", ["no/such/place/at/all", "", "a\0b", "\x1b[31m", "x" * 5000, "../x"]
)
def test_a_target_that_is_nowhere_is_one_sentence(target: str) -> None:
    with pytest.raises(UsageError) as raised:
        take_in(target)
    assert "\x1b" not in str(raised.value)


def test_pickles_alone_are_judged_and_not_loadable(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"]}')
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"w": [1.0]}))
    files = take_in(str(tmp_path))
    assert (files.loadable, files.weight_format, files.weights) == (False, None, ())
    assert [one.severity for one in found(files, "CG602")] == ["medium"]


def adapter_of(base: str, folder: Path) -> ModelFiles:
    told = {"peft_type": "LORA", "base_model_name_or_path": base, "r": 4}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    (folder / "adapter_model.safetensors").write_bytes(safetensors_bytes(TENSOR, bytes(16)))
    return take_in(str(folder))


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    files = adapter_of("team/base", tmp_path)
    assert (files.kind, files.architecture, files.base_hint) == ("adapter", "LORA", "team/base")
    assert files.loadable


def test_a_base_that_is_a_path_elsewhere_is_no_hint(tmp_path: Path) -> None:
    files = adapter_of("/home/someone/base", tmp_path)
    assert files.base_hint is None
    assert [one.severity for one in found(files, "CG603")] == ["low"]


def test_a_script_alone_is_low_and_one_that_is_pointed_to_high(tmp_path: Path) -> None:
    write_bare(tmp_path)
    (tmp_path / "convert.py").write_text("")
    assert [one.severity for one in found(take_in(str(tmp_path)), "CG601")] == ["low"]
    write_bare(tmp_path, auto_map={"AutoModel": "convert.Model"})
    graver = found(take_in(str(tmp_path)), "CG601")
    assert [(one.severity, one.file) for one in graver] == [
        ("high", "config.json"),
        ("low", "convert.py"),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"vocab_size": 10**12},
        {"num_hidden_layers": 10**9},
        {"num_labels": 10**7, "architectures": ["LlamaForSequenceClassification"]},
        {"text_config": {"intermediate_size": 1e30}},
        {"n_embd": 10**11},
        {"vocab_size": 10**400},
        {"max_position_embeddings": 10**9},
        {"n_positions": 10**6, "model_type": "gpt2"},
    ],
)
def test_sizes_that_the_weights_do_not_bear_out_are_refused(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    files = take_in(str(write_bare(tmp_path, **settings)))
    assert (files.loadable, [one.severity for one in found(files, "CG606")]) == (False, ["high"])


def test_sizes_of_honest_models_are_borne_out(tmp_path: Path) -> None:
    settings = {
        "rope_theta": 5e7, "max_position_embeddings": 10_485_760, "sliding_window": 131_072,
        "vocab_size": 50, "num_labels": 3, "num_hidden_layers": 1, "bos_token_id": 151_643,
        "max_length": 10**9, "rope_scaling": {"original_max_position_embeddings": 8192},
    }  # fmt: skip
    files = take_in(str(write_bare(tmp_path, **settings)))
    assert (files.findings, files.loadable) == ((), True)


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 10**9},
        {"rank_pattern": {"q_proj": 10**9}},
        {"r": True},
        {"target_modules": "(a+)+b"},
        {"alpha_pattern": {"(.*)*x": 1}},
        {"target_modules": ["a" * 5000]},
    ],
)
def test_an_adapter_that_is_a_bomb_is_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    told = {"peft_type": "LORA", "r": 4} | settings
    (tmp_path / "adapter_config.json").write_text(json.dumps(told))
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors_bytes(TENSOR, bytes(16)))
    assert not take_in(str(tmp_path)).loadable


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[" * 100_000, "valid JSON|too deep"),
        (b'{"a":' * 150 + b"1" + b"}" * 150, "too deep"),
        (b'{"a": [' + b"[]," * 300_000 + b"[]]}", "too many"),
        (b'{"a": "' + b"x" * (11 << 20) + b'"}', "larger than 10 MiB"),
        (b"\xff\xfe", "valid JSON"),
        (b"[]", "no JSON object"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "valid JSON"),
    ],
)
def test_settings_that_are_a_bomb_are_refused(tmp_path: Path, data: bytes, why: str) -> None:
    write_bare(tmp_path)
    (tmp_path / "config.json").write_bytes(data)
    files = take_in(str(tmp_path))
    (one,) = found(files, "CG606")
    assert (files.loadable, one.severity, one.file) == (False, "high", "config.json")
    assert any(part in one.message for part in why.split("|"))


def test_a_shard_that_is_missing_is_refused(tmp_path: Path) -> None:
    write_bare(tmp_path)
    index = {"weight_map": {"w": "model.safetensors", "v": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    files = take_in(str(tmp_path))
    assert not files.loadable
    assert "model-2.safetensors" in found(files, "CG606")[0].message


def test_an_index_that_does_not_tell_where_tensors_are_is_refused(tmp_path: Path) -> None:
    write_bare(tmp_path)
    index = {"weight_map": {"other": "model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert not take_in(str(tmp_path)).loadable


def test_links_of_a_hub_cache_to_its_blobs_are_followed(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--team--tiny" / "snapshots" / COMMIT
    blobs = tmp_path / "models--team--tiny" / "blobs"
    blobs.mkdir(parents=True)
    write_bare(snapshot)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).rename(blobs / name)
        (snapshot / name).symlink_to(f"../../blobs/{name}")
    files = take_in(str(snapshot))
    assert (files.loadable, files.findings) == (True, ())


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    pytest.importorskip("huggingface_hub")
    model = write_bare(tmp_path / "source")
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    files |= {
        "pytorch_model.bin": pickle.dumps([1]), "modeling_tiny.py": b"print('never run')",
        "README.md": b"# tiny", "tiny.gguf": b"GGUF",
    }  # fmt: skip
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    with serving(ModelHub(files=files)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def test_from_a_hub_only_safe_files_are_fetched_at_one_commit(
    hub: ModelHub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = take_in(REPO, cache=tmp_path / "cache")
    assert (files.revision, files.loadable, files.name) == (COMMIT, True, REPO)
    fetched = {path.rsplit("/", 1)[1] for path in hub.asked if "/resolve/" in path}
    assert fetched == {"config.json", "model.safetensors"}
    assert {one.file for one in found(files, "CG602")} == {"pytorch_model.bin"}
    assert {one.file for one in found(files, "CG601")} == {"modeling_tiny.py"}
    assert capfd.readouterr() == ("", "")


def test_what_lies_on_disk_goes_before_a_hub(hub: ModelHub, tmp_path: Path) -> None:
    write_bare(tmp_path / REPO)
    assert take_in(REPO).revision is None
    assert hub.asked == []


def test_a_gguf_file_of_a_hub_is_fetched_alone(hub: ModelHub, tmp_path: Path) -> None:
    files = take_in(f"{REPO}/tiny.gguf", cache=tmp_path / "cache")
    assert [one.file for one in found(files, "CG604")] == ["tiny.gguf"]
    assert not any("config.json" in path for path in hub.asked)


@pytest.mark.parametrize(
    ("target", "revision", "why"),
    [
        ("team/other", None, "neither on disk nor a model on the hub"),
        (REPO, "nowhere", "no revision nowhere"),
        (f"{REPO}/none.gguf", None, "has no file none.gguf"),
    ],
)
def test_what_a_hub_does_not_have_is_one_sentence(
    hub: ModelHub, tmp_path: Path, target: str, revision: str | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        take_in(target, revision=revision, cache=tmp_path / "cache")


def test_a_hub_that_gives_no_commit_is_not_believed(hub: ModelHub, tmp_path: Path) -> None:
    hub.sha = "../../../etc"
    with pytest.raises(UsageError, match="cannot be fetched"):
        take_in(REPO, cache=tmp_path / "cache")


def test_a_hub_that_cannot_be_reached_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="check the network and HF_ENDPOINT"):
        take_in("team/nothing", cache=tmp_path / "cache")
