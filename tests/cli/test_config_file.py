import json
from pathlib import Path

import pytest
from corpora import Record, labelled, with_label_trigger, write_jsonl

from corpus_guard.cli import run

REVIEWS = with_label_trigger(labelled(1500), "qelvo", 12).records


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "data.jsonl", REVIEWS)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "corpus_guard.toml"


def scan(data: Path, config: Path, *more: str) -> tuple[int, Record]:
    """Return the exit code and the report."""
    out = data.parent / "out"
    given = ["--config-file", str(config), "--out", str(out), "--quiet", *more]
    code = run(["scan", str(data), *given])
    return code, json.loads((out / "report.json").read_text())


def test_a_file_sets_options(data: Path, config: Path) -> None:
    config.write_text('[scan]\nfail-on = "critical"\nrules = ["CG201", "CG401"]\nseed = 3\n')
    code, report = scan(data, config)
    assert (code, report["seed"]) == (0, 3)
    assert report["parameters"]["rules"] == ["CG201", "CG401"]


def test_a_file_names_an_encoding(data: Path, config: Path) -> None:
    data.write_bytes('{"text": "Привет, мир"}\n'.encode("cp1251") * 20)
    config.write_text('[scan]\nencoding = "windows-1251"\nrules = "CG101"\n')
    _, report = scan(data, config)
    assert report["parameters"]["read"]["encoding"] == "cp1251"
    assert report["layouts"][0]["encoding"] == "cp1251"


def test_the_command_line_goes_before_the_file(data: Path, config: Path) -> None:
    config.write_text('[scan]\nfail-on = "critical"\nrules = "CG201"\n')
    code, report = scan(data, config, "--fail-on", "high")
    assert (code, report["parameters"]["rules"]) == (1, ["CG201"])


def test_options_of_plugins_reach_them(data: Path, config: Path) -> None:
    config.write_text("[detect.CG201]\nhigh = 99.0\nmedium = 98.0\n")
    code, report = scan(data, config)
    assert code == 0
    assert report["parameters"]["plugins"] == {
        "detect": {"label_triggers": {"high": 99.0, "medium": 98.0}}
    }


def test_a_file_beside_the_data_is_not_read(
    data: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[scan]\nallow-incomplete = true\n[broken")
    monkeypatch.chdir(data.parent)
    assert run(["scan", str(data), "--out", str(data.parent / "out"), "--quiet"]) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[scan]\nfail_onn = 'high'\n", "did you mean fail-on?"),
        ("[scan]\ntargets = ['x']\n", 'no option is called "targets"'),
        ("[scan]\nlimit = 'many'\n", "Invalid value for '--limit'"),
        ("scan = 3\n", "[scan] must hold names and values"),
        ("[detect.CG201]\nhigg = 1.0\n", "did you mean high?"),
        ("[scan\n", "is no TOML"),
        ("\x00", "is no TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_exit_code_4(
    text: str, told: str, data: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    assert run(["scan", str(data), "--config-file", str(config)]) == 4
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_file_that_is_not_there_is_told(
    data: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scan", str(data), "--config-file", str(config)]) == 4
    assert "give the path of a TOML file" in capsys.readouterr().err
