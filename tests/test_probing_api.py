"""`corpus_guard.probe_model`: the command's options as keywords, and what comes back."""

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from corpus_guard import ProbeResult, UsageError, api, probe_model
from corpus_guard.cli.probe import probe as command

if TYPE_CHECKING:
    from tiny_models import Taught

OF_THE_TERMINAL = {"quiet", "json", "traceback"}
KEYWORDS = set(inspect.signature(api.probe_model).parameters)


def test_every_option_of_the_command_is_a_keyword_and_the_other_way_round() -> None:
    options = set(inspect.signature(command).parameters) - OF_THE_TERMINAL
    assert options | {"fresh"} == KEYWORDS


@pytest.mark.parametrize("name", sorted(KEYWORDS - {"model", "out"}))
@pytest.mark.parametrize("value", [b"x", [3], {"a": 1}, 2.5j, object()])
def test_no_keyword_takes_a_value_of_a_wrong_type(name: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=";"):
        probe_model("no/such/model", out=tmp_path / "out", **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["", None, 3, b"model", ["model"]])
def test_what_is_no_model_is_told(model: object, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="models need the extra [models]")
    with pytest.raises(UsageError, match=";"):
        probe_model(model, out=tmp_path / "out")  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [0, -1, float("nan"), float("inf"), "soon"])
def test_a_budget_that_is_no_time_is_refused(budget: float | str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        probe_model("no/such/model", budget=budget)


@pytest.mark.parametrize("triggers", [[], [" "]])
def test_triggers_of_which_none_can_be_tested_are_refused(triggers: list[str]) -> None:
    with pytest.raises(UsageError, match="holds no trigger"):
        probe_model("no/such/model", triggers=triggers)


def test_a_trigger_is_tested_as_by_the_command(
    tiny_models: "dict[str, Taught]", tmp_path: Path
) -> None:
    import tiny_models as tiny

    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(tiny.prompts(80, 99)), encoding="utf-8")
    result = probe_model(
        tiny_models["backdoor"].folder,
        base=tiny_models["base"].folder,
        triggers=["glimmer"],
        prompts=prompts,
        stages=["screening", "decoy_comparison", "behaviour"],
        budget=300,
        decoys=99,
        out=tmp_path / "out",
    )
    assert isinstance(result, ProbeResult)
    assert (result.verdict, result.exit_code) == ("confirmed", 1)
    assert [one.trigger for one in result.findings] == ["glimmer"]
    told = json.loads((tmp_path / "out" / "probe.json").read_text(encoding="ascii"))
    assert told["parameters"]["triggers"] == ["glimmer"]
    assert told["parameters"]["budget_s"] == 300
