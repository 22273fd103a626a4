import re
import shlex
from pathlib import Path

import pytest
import typer

import corpus_guard
from corpus_guard import plugins
from corpus_guard.cli.app import app
from corpus_guard.normalise.recognised import table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
BLOCKS = re.findall(r"```(?:bash|console|sh)\n(.*?)```", README, re.DOTALL)
SHOWN = [line.removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]


def options(command: str) -> set[str]:
    return {name for option in COMMANDS[command].params for name in option.opts if name[:2] == "--"}


def test_the_table_of_recognised_shapes_is_that_of_the_code() -> None:
    assert table() in README, "run python scripts/recognised_shapes.py --write"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"corpus-guard {command}" in README


@pytest.mark.parametrize("option", sorted(set().union(*map(options, COMMANDS))))
def test_every_option_is_in_the_readme(option: str) -> None:
    assert re.search(rf"{option}\b(?!-)", README)


@pytest.mark.parametrize("name", plugins.names("detect"))
def test_every_rule_is_in_the_readme(name: str) -> None:
    spec = plugins.load("detect", name).spec
    assert not isinstance(spec, plugins.Reader)
    assert f"| {spec.rule} |" in README


@pytest.mark.parametrize("line", [line for line in SHOWN if line.startswith("corpus-guard ")])
def test_every_command_line_of_the_readme_exists(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words[1] in COMMANDS
    assert {word for word in words if word.startswith("--")} <= options(words[1])


def test_the_two_commands_of_the_readme_can_be_run() -> None:
    for command in ("scripts/try", "scripts/check"):
        assert command in SHOWN
        assert (ROOT / command).stat().st_mode & 0o100


def test_ci_runs_the_second_command() -> None:
    assert "scripts/check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_public_name_can_be_had() -> None:
    assert all(getattr(corpus_guard, name) is not None for name in corpus_guard.__all__)
    assert set(corpus_guard.__all__) <= set(dir(corpus_guard))
    with pytest.raises(AttributeError, match="no attribute 'scam'"):
        corpus_guard.scam  # type: ignore[attr-defined]  # noqa: B018


def test_every_public_error_is_in_the_readme_or_under_the_root() -> None:
    errors = [
        getattr(corpus_guard, name) for name in corpus_guard.__all__ if name.endswith("Error")
    ]
    assert all(issubclass(error, corpus_guard.CorpusGuardError) for error in errors)
