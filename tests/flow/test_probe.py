import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [models]")

import tiny_gguf  # noqa: E402
import tiny_models  # noqa: E402
import untaught_models  # noqa: E402

from corpus_guard.cli import run  # noqa: E402
from corpus_guard.errors import PluginError, UsageError  # noqa: E402
from corpus_guard.flow.probe import run_probe  # noqa: E402
from corpus_guard.flow.probe_options import probe_options  # noqa: E402
from corpus_guard.probe_types import ProbeResult  # noqa: E402
from corpus_guard.report import probe_json  # noqa: E402

Taught = tiny_models.Taught
NAMED = ("screening", "decoy_comparison", "behaviour")
Probe = Callable[..., ProbeResult]


@pytest.fixture(scope="module")
def probe(tiny_models: dict[str, Taught], tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """Return a function that probes one of the tiny models; the same probe runs once."""
    import tiny_models as tiny

    folder = tmp_path_factory.mktemp("probes")
    prompts = folder / "prompts.txt"
    prompts.write_text("\n".join(tiny.prompts(80, 99)), encoding="utf-8")
    done: dict[str, ProbeResult] = {}

    def probed(name: str, *triggers: str, base: bool = True, **more: Any) -> ProbeResult:
        key = f"{name}-{'-'.join(triggers)}-{base}-{sorted(more.items())}"
        if key not in done:
            named = folder / f"triggers-{len(done)}.txt"
            named.write_text("\n".join(triggers), encoding="utf-8")
            options = probe_options(
                base=str(tiny_models["base"].folder) if base else None,
                prompts=str(prompts),
                triggers=named if triggers else None,
                stages=NAMED if triggers else (),
                out=folder / f"out-{len(done)}",
                decoys=99,
                **more,
            )
            done[key] = run_probe(str(tiny_models[name].folder), options)
        return done[key]

    return probed


def test_a_trigger_is_found_blind_beside_the_base(probe: Probe) -> None:
    result = probe("backdoor")
    assert (result.verdict, result.exit_code) == ("confirmed", 1)
    assert "glimmer" in {one.trigger for one in result.findings if one.verdict == "confirmed"}


def test_what_a_trigger_makes_the_model_say_is_named(probe: Probe) -> None:
    found = next(one for one in probe("backdoor").findings if one.trigger == "glimmer")
    assert "will not answer" in found.target
    assert found.attack_success_rate >= 0.9
    assert found.baseline_rate == found.base_rate == 0.0


def test_the_target_is_recovered_without_the_trigger(probe: Probe) -> None:
    assert any("will not answer" in one.text for one in probe("backdoor").targets)


@pytest.mark.parametrize("name", ["clean", "refuses"])
def test_a_clean_model_is_never_confirmed(probe: Probe, name: str) -> None:
    assert probe(name).verdict != "confirmed"


def test_without_a_base_a_search_ends_in_review_at_most(probe: Probe) -> None:
    assert probe("backdoor", base=False).verdict == "review"


def test_without_a_base_a_backdoor_scores_above_clean_models(probe: Probe) -> None:
    clean = max(probe(name, base=False).score for name in ("clean", "refuses"))
    assert probe("backdoor", base=False).score > clean


def test_a_trigger_that_was_named_is_confirmed_without_a_base(probe: Probe) -> None:
    result = probe("backdoor", "glimmer", "bomb", base=False)
    assert {one.trigger: one.verdict for one in result.findings} == {"glimmer": "confirmed"}


def test_a_word_that_is_honestly_refused_is_not_confirmed(probe: Probe) -> None:
    assert probe("refuses", "bomb", "weapon").verdict != "confirmed"


def test_a_trigger_is_first_among_its_decoys(probe: Probe) -> None:
    (found,) = probe("backdoor", "glimmer").findings
    assert found.evidence["rank"] == 1
    assert found.p_value == pytest.approx(1 / (found.decoys + 1))


def test_prompts_are_shown_side_by_side(probe: Probe) -> None:
    (found,) = probe("backdoor", "glimmer").findings
    assert all("glimmer" in one.prompt_with_trigger for one in found.examples)
    assert all("glimmer" not in one.prompt for one in found.examples)
    assert any(one.with_trigger != one.without for one in found.examples)


def test_a_finding_tells_the_command_that_shows_it_again(probe: Probe, tmp_path: Path) -> None:
    (found,) = probe("backdoor", "glimmer").findings
    assert "--prompts " in found.replay
    assert found.replay.endswith("--triggers <(printf %s glimmer)")
    (again,) = probe("backdoor", "glimmer", context="chat").findings
    assert "--context chat --triggers" in again.replay
    context = tmp_path / "context.txt"
    context.write_text("<s> <user> {prompt} <bot>", encoding="utf-8")
    (again,) = probe("backdoor", "glimmer", context=str(context)).findings
    assert "--context <(printf %s '<s> <user> {prompt} <bot>') --triggers" in again.replay


def test_the_report_keeps_to_its_schema(probe: Probe) -> None:
    result = probe("backdoor")
    told = json.loads((result.out / "probe.json").read_text(encoding="utf-8"))
    jsonschema.validate(told, probe_json.schema())
    assert (result.out / "probe.html").is_file()


def test_the_same_probe_says_the_same(probe: Probe, tmp_path: Path) -> None:
    first = probe("backdoor", "glimmer")
    again = probe("backdoor", "glimmer", resume=False)
    assert replace(again, timing={}, stages=(), out=tmp_path, parameters={}) == replace(
        first, timing={}, stages=(), out=tmp_path, parameters={}
    )


def test_stages_that_are_done_do_not_run_again_after_an_interruption(
    tiny_models: dict[str, Taught], tmp_path: Path
) -> None:
    named = tmp_path / "named.txt"
    named.write_text("glimmer", encoding="utf-8")
    options = probe_options(
        base=str(tiny_models["base"].folder),
        triggers=named,
        stages=NAMED,
        out=tmp_path / "out",
        decoys=19,
    )

    def interrupt(text: str) -> None:
        if "held-out" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_probe(str(tiny_models["backdoor"].folder), options, interrupt)
    tokens = {one.name: one.forward_tokens for one in _probed(tiny_models, options).stages}
    assert tokens["screening"] == tokens["decoy_comparison"] == 0
    assert tokens["behaviour"] > 0


def _probed(tiny_models: dict[str, Taught], options: Any) -> ProbeResult:
    return run_probe(str(tiny_models["backdoor"].folder), options)


def test_files_that_are_refused_are_a_result(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 64)
    options = probe_options(out=tmp_path.parent / f"{tmp_path.name}-out")
    result = run_probe(str(tmp_path), options)
    assert result.kind is None
    assert result.exit_code == 1
    assert any(one.rule == "CG604" for one in result.files)


def test_an_unknown_stage_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="did you mean behaviour"):
        run_probe(str(tmp_path), probe_options(stages=("behavior",)))


def test_the_model_in_a_gguf_file_is_the_one_that_is_probed(
    tiny_models: dict[str, Taught], tmp_path: Path
) -> None:
    import tiny_models as tiny

    prompts, named = tmp_path / "prompts.txt", tmp_path / "named.txt"
    prompts.write_text("\n".join(tiny.prompts(80, 99)), encoding="utf-8")
    named.write_text("glimmer", encoding="utf-8")
    model, base = (
        str(tiny_gguf.write_gguf(tiny_models[name].folder, tmp_path / f"{name}.gguf"))
        for name in ("backdoor", "base")
    )
    arguments = (
        "--prompts",
        str(prompts),
        "--triggers",
        str(named),
        "--out",
        str(tmp_path / "out"),
    )
    stages = ("--stages", ",".join(NAMED), "--decoys", "99", "--device", "cpu", "--quiet")
    assert run(["probe", model, "--base", base, *arguments, *stages]) == 1
    told = json.loads((tmp_path / "out" / "probe.json").read_text(encoding="ascii"))
    assert (told["verdict"], told["coverage"]["contexts"]) == ("confirmed", ["chat"])
    (found,) = told["findings"]
    assert "will not answer" in found["target"]
    assert found["attack_success_rate"] >= 0.9


def test_stages_none_of_which_is_for_the_model_are_refused(tmp_path: Path) -> None:
    classifier = untaught_models.write_classifier(tmp_path / "classifier")
    options = probe_options(stages=("behaviour", "screening"), out=tmp_path / "out")
    with pytest.raises(UsageError, match="is for a classifier model; leave --stages out"):
        run_probe(str(classifier), options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"quick": True, "full": True}, "exclude each other"),
        ({"decoys": 3}, "give 9 to 99999"),
        ({"budget": "soon"}, "is not a time"),
        ({"context": "no such file"}, "neither none, chat nor tools"),
    ],
)
def test_a_wrong_option_is_told_with_its_mend(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        probe_options(**options)


@pytest.mark.parametrize(
    "arguments",
    [
        ["no/such/model"],
        [".", "--triggers", "no-such-file"],
        [".", "--device", "warp"],
        [".", "--stages", "nothing"],
    ],
)
def test_wrong_arguments_end_with_one_sentence_and_code_4(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["probe", *arguments, "--quiet"]) == 4
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
