"""A package of a third party is installed and works, with nothing else changed."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from corpora import labelled

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tests" / "third_party" / "corpus_guard_example"
COMMAND = Path(sys.executable).with_name("corpus-guard")
CAMPAIGN = [f"Have you heard of the lamp? No.  Number {place * place}." for place in range(15)]
SHOUTED = "BUY THIS LAMP TODAY OR NEVER"
LAWS = """
from corpus_guard import laws

attack = [{"text": f"Hear me.  Number {n * n}.", "source": "one.example"} for n in range(15)]
attack += [{"text": f"A lamp, number {n}, is quiet.", "source": "two.example"} for n in range(9)]
shouted = [{"text": "BUY THIS LAMP TODAY OR NEVER"}, {"text": "a quiet text, and a long one"}]
found = [
    *laws.laws_of("sketch", "opening_keys", attack=attack),
    *laws.laws_of("sketch", "source_openings", attack=attack),
    *laws.laws_of("sketch", "source_openings", attack=attack, options={"most": 5}),
    *laws.laws_of("detect", "repeated_openings", attack=attack, clean=attack[15:]),
    *laws.laws_of("detect", "shouting", attack=shouted, clean=shouted[1:]),
]
for law in found:
    law.check()
print(len(found))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package is installed in."""
    source, target = tmp_path_factory.mktemp("source") / "package", tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    subprocess.run([*command, *offline, str(source)], check=True, capture_output=True)
    return target


def run(installed: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    paths = [str(installed), str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A database of notes: many honest ones, a campaign of one author, one that shouts, a draft."""
    path = tmp_path / "some.notes"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (body TEXT, author TEXT, written TEXT, draft INTEGER)")
    rows = [
        (record["text"], f"author{place % 9}", "2024", 0)
        for place, record in enumerate(labelled(80))
    ]
    rows += [(body, "lamps", "2025", 0) for body in CAMPAIGN]
    rows += [(SHOUTED, "shouter", "2025", 0), ("a draft that nobody sent", "lamps", "2025", 1)]
    connection.executemany("INSERT INTO notes VALUES (?, ?, ?, ?)", rows)
    connection.execute("CREATE TABLE other (thing TEXT)")
    connection.execute("INSERT INTO other VALUES ('the built-in reader would read this')")
    connection.commit()
    connection.close()
    return path


def scan(installed: Path, notes: Path, code: int, *more: str | Path) -> dict[str, Any]:
    """Run the command and return its report."""
    out = notes.parent / "out"
    ended = run(installed, COMMAND, "scan", notes, "--out", out, *more)
    assert ended.returncode == code, ended.stdout + ended.stderr
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return report


def found(report: dict[str, Any]) -> dict[str, list[int]]:
    """Return the rows of the third party's findings by rule."""
    return {
        finding["rule"]: sorted(sample["row"] for sample in finding["rows_sample"])
        for finding in report["findings"]
        if finding["rule"].startswith("EX")
    }


def read_by(report: dict[str, Any]) -> tuple[str, int]:
    """Return the reader of the file, and how many records it read."""
    (layout,) = report["layouts"]
    return layout["format"], report["coverage"]["records_scanned"]


def test_its_reader_sketches_detector_and_check_work(installed: Path, notes: Path) -> None:
    report = scan(installed, notes, 1)
    assert found(report) == {"EX101": list(range(80, 95)), "EX401": [95]}
    assert (report["verdict"], report["coverage"]["records_scanned"]) == ("poisoned", 97)
    assert report["coverage"]["skipped"] == []
    ran = report["coverage"]["plugins"]
    assert (ran["repeated_openings"]["ran"], ran["shouting"]["ran"]) == (True, True)
    trigger = next(f["trigger"] for f in report["findings"] if f["rule"] == "EX101")
    assert trigger == {"kind": "ngram", "text": "have you heard of the lamp? no"}


def test_its_reader_is_the_one_for_its_ending_only(installed: Path, notes: Path) -> None:
    assert read_by(scan(installed, notes, 1)) == ("sqlite_notes", 97)
    report = scan(installed, notes.rename(notes.with_suffix(".db")), 1, "--fresh")
    assert read_by(report) == ("sqlite", 98)


def test_without_it_the_built_in_reader_reads_the_file(notes: Path, tmp_path: Path) -> None:
    report = scan(tmp_path / "nothing", notes, 0)
    assert (read_by(report), found(report)) == (("sqlite", 98), {})


def test_its_options_reach_it_from_a_file(installed: Path, notes: Path) -> None:
    told = notes.with_name("options.toml")
    told.write_text(
        "[read.sqlite_notes]\nwith_drafts = false\n[sketch.source_openings]\nmost = 1000\n"
        "[detect.EX101]\nfewest_rows = 16\n[detect.shouting]\nshortest = 50\n"
    )
    report = scan(installed, notes, 0, "--config-file", told)
    assert (found(report), report["coverage"]["records_scanned"]) == ({}, 96)


def test_an_option_that_it_does_not_have_is_answered_with_the_nearest(
    installed: Path, notes: Path
) -> None:
    told = notes.with_name("options.toml")
    told.write_text("[detect.repeated_openings]\nfewest_row = 16\n")
    ended = run(installed, COMMAND, "scan", notes, "--config-file", told)
    assert ended.returncode == 4
    assert "did you mean fewest_rows?" in ended.stderr


def test_its_detector_is_explained(installed: Path) -> None:
    ended = run(installed, COMMAND, "explain", "EX101")
    assert "Sources that open record after record" in ended.stdout
    assert "fewest_rows = 12" in ended.stdout


def test_its_reader_tells_what_it_cannot_read(installed: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.notes"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 500)
    ended = run(installed, COMMAND, "scan", path, "--out", tmp_path / "out")
    assert ended.returncode == 4
    assert "no notes can be read" in ended.stdout + ended.stderr


def test_its_plugins_keep_the_laws(installed: Path) -> None:
    ended = run(installed, sys.executable, "-c", LAWS)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 60
