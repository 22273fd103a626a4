import errno
import io
import os
import subprocess
import sys

import pytest

import corpus_guard
from corpus_guard.cli import run


class Broken(io.StringIO):
    """A stream that fails when it is written to."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_goes_to_stdout(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"corpus-guard {corpus_guard.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["scan", "--help"], ["explain", "--help"]])
def test_help_is_no_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage: corpus-guard" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["scan"], "TARGET"),
        (["scna", "x"], "scan"),
        (["scan", "x", "--lmit", "3"], "--limit"),
        (["scan", "x", "--limit", "many"], "Invalid value for '--limit'"),
        (["scan", "x", "--limit", "0"], "limit is 0; give 1 or more"),
        (["scan", "x", "--sample", "0"], "give a share above 0"),
        (["scan", "x", "--sample", "1.5"], "give a share above 0"),
        (["scan", "x", "--sample", "nan"], "give a share above 0"),
        (["scan", "x", "--jobs", "-1"], "or 0 for one process per core"),
        (["scan", "x", "--seed", "-1"], "seed is -1; give 0 or more"),
        (["scan", "x", "--max-record", "big"], "write for example 16MiB"),
        (["scan", "x", "--mem", "-2GiB"], "write for example 16MiB or 2GiB"),
        (["scan", "x", "--fail-on", "hihg"], "did you mean high?"),
        (["scan", "x", "--fail-on", "info"], "give one of critical, high, medium, low"),
        (["explain", "CG20"], "did you mean CG20"),
        (["explain", "\x1b]0;owned"], "<U+001B>]0;owned"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_4(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("corpus-guard: ")
    assert captured.err.count("\n") == 1
    assert told in captured.err


def test_explain_prints_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "CG202"]) == 0
    assert "How it is decided:" in capsys.readouterr().out


def test_explain_alone_lists_all_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    assert "CG201" in capsys.readouterr().out


def test_an_internal_error_is_one_sentence_with_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CORPUS_GUARD_DEBUG", raising=False)
    monkeypatch.setattr(sys, "stdout", Broken(RuntimeError("odd\x1b")))
    assert run(["explain"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "internal error, RuntimeError: odd<U+001B>; please report it" in told


@pytest.mark.parametrize(
    ("arguments", "debug"), [(["--traceback", "explain"], "0"), (["explain"], "1")]
)
def test_the_traceback_is_shown_on_demand(
    arguments: list[str],
    debug: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CORPUS_GUARD_DEBUG", debug)
    monkeypatch.setattr(sys, "stdout", Broken(RuntimeError("odd")))
    assert run(arguments) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_full_disk_is_told_without_blaming_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "rows.parquet")
    monkeypatch.setattr(sys, "stdout", Broken(full))
    assert run(["explain"]) == 2
    told = capsys.readouterr().err
    assert "No space left on device at rows.parquet" in told
    assert "report" not in told


def test_an_interrupt_gives_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(KeyboardInterrupt()))
    assert run(["explain"]) == 130
    assert capsys.readouterr().err.startswith("corpus-guard: interrupted;")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close differently there")
def test_a_reader_that_leaves_early_changes_no_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        command = [sys.executable, "-m", "corpus_guard", "explain"]
        ended = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_output_that_cannot_be_encoded_is_escaped() -> None:
    code = """
from corpus_guard.cli import run
from corpus_guard.cli.output import print_text
run(["version"])
print_text("na\\u00efve")
"""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert ended.stdout.splitlines()[-1] == rb"na\xefve"
