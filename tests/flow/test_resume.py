"""A scan that was stopped goes on where it was, and finds what it would have found."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from corpora import Record, write_jsonl

import corpus_guard as cg
from corpus_guard.config import ReadOptions, ScanOptions
from corpus_guard.errors import UsageError
from corpus_guard.flow import scan
from corpus_guard.flow.parts import plan_parts
from corpus_guard.flow.progress import Silence
from corpus_guard.read import plan_shards
from corpus_guard.report.json_report import to_text
from corpus_guard.types import ScanResult

PART_BYTES = 1 << 13
SLOW_SCAN = """
import signal
import sys
from functools import partial
from corpus_guard.flow import runner, scan
from corpus_guard.flow.parts import plan_parts
from corpus_guard.read import plan_shards
if __name__ == "__main__":
    scan.plan_shards = partial(plan_shards, shard_bytes=1 << 12)
    scan.plan_parts = partial(plan_parts, part_bytes=1 << 12)
    runner.SMALL_TARGET = 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # may be ignored where tests run
    from corpus_guard.cli import run
    sys.exit(run(sys.argv[1:]))
"""


class Interrupting(Silence):
    """Stops a scan after some blocks; keeps what it was told."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.notes: list[str] = []

    def advance(self, bytes_done: int, records_done: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "plan_shards", partial(plan_shards, shard_bytes=PART_BYTES))
    monkeypatch.setattr(scan, "plan_parts", partial(plan_parts, part_bytes=PART_BYTES))


@pytest.fixture
def path(reviews: list[Record], tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "data.jsonl", reviews)


@pytest.fixture
def options(tmp_path: Path) -> ScanOptions:
    return ScanOptions(out=tmp_path / "out", jobs=1)


@pytest.fixture
def stopped(small_parts: None, path: Path, options: ScanOptions) -> Path:
    """The work folder of a scan that was interrupted in the middle."""
    with pytest.raises(KeyboardInterrupt):
        scan.run_scan([str(path)], options, Interrupting(25))
    assert options.out is not None
    return options.out / "work"


def told(result: ScanResult) -> tuple[str, bytes]:
    """Return the report less its timing, and the rows."""
    rows = (result.out / "rows.parquet").read_bytes()
    return to_text(replace(result, timing={})), rows


def undisturbed(path: Path, options: ScanOptions, tmp_path: Path) -> tuple[str, bytes]:
    return told(scan.run_scan([str(path)], replace(options, out=tmp_path / "undisturbed")))


def parts_read(path: Path, options: ScanOptions) -> tuple[int, ScanResult]:
    """Return how many parts were taken over from before, and the result."""
    shown = Interrupting(0)
    result = scan.run_scan([str(path)], options, shown)
    return (int(shown.notes[0].split()[2]) if shown.notes else 0), result


def test_an_interrupted_scan_goes_on(
    stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    reused, result = parts_read(path, options)
    assert reused >= 9  # so many that merged counts had been saved
    assert told(result) == undisturbed(path, options, tmp_path)
    assert not stopped.exists()


def test_a_fresh_scan_starts_over(stopped: Path, path: Path, options: ScanOptions) -> None:
    reused, result = parts_read(path, replace(options, resume=False))
    assert (reused, result.exit_code) == (0, 1)


def test_a_scan_stopped_again_and_again_goes_on(
    small_parts: None, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            scan.run_scan([str(path)], options, Interrupting(7))
    reused, result = parts_read(path, options)
    assert reused > 0
    assert told(result) == undisturbed(path, options, tmp_path)


def test_a_limited_scan_goes_on(
    small_parts: None, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    limited = replace(options, read=ReadOptions(limit=700))
    with pytest.raises(KeyboardInterrupt):
        scan.run_scan([str(path)], limited, Interrupting(12))
    reused, result = parts_read(path, limited)
    assert reused > 0
    assert told(result) == undisturbed(path, limited, tmp_path)


def test_a_changed_file_is_read_again(
    stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"qelvo", b"zorbi"))
    reused, result = parts_read(path, options)
    assert reused == 0
    assert told(result) == undisturbed(path, options, tmp_path)


def test_other_options_use_nothing_of_before(
    stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    other = replace(options, disable=("CG401",))
    reused, result = parts_read(path, other)
    assert reused == 0
    assert told(result) == undisturbed(path, other, tmp_path)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_last_line_counts_as_not_done(
    cut: int, stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    journal = stopped / "journal.jsonl"
    lines = journal.read_bytes()
    journal.write_bytes(lines[:-cut])
    reused, result = parts_read(path, options)
    assert reused == lines.count(b"\n") - 1
    assert told(result) == undisturbed(path, options, tmp_path)


def test_a_line_that_was_edited_counts_as_not_done(
    stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    journal = stopped / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[-1] = lines[-1].replace(b'"seen":[[', b'"seen":[[1')
    journal.write_bytes(b"".join(lines))
    reused, result = parts_read(path, options)
    assert reused == len(lines) - 1
    assert told(result) == undisturbed(path, options, tmp_path)


@pytest.mark.parametrize("name", ["batches.arrow", "content.column"])
def test_a_part_that_is_cut_short_is_read_again(
    name: str, stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    lines = (stopped / "journal.jsonl").read_bytes().count(b"\n")
    for part in sorted((stopped / "parts").iterdir())[:2]:
        os.truncate(part / name, 10)
    reused, result = parts_read(path, options)
    assert reused < lines
    assert told(result) == undisturbed(path, options, tmp_path)


@pytest.mark.parametrize("name", ["document_frequencies.sketch", "keys.txt"])
def test_damaged_merged_sketches_are_made_again(
    name: str, stopped: Path, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    os.truncate(stopped / "merged" / name, 30)
    _, result = parts_read(path, options)
    assert told(result) == undisturbed(path, options, tmp_path)


def test_a_typo_on_the_way_loses_nothing(stopped: Path, path: Path, options: ScanOptions) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        scan.run_scan([f"{path}x"], options)
    reused, _ = parts_read(path, options)
    assert reused > 0


def test_a_folder_in_use_is_refused(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    descriptor = os.open(out, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match=r"another scan is writing to .*--out"):
        cg.scan(path, out=out)
    os.close(descriptor)
    assert cg.scan(path, out=out).exit_code == 1


def command(path: Path, out: Path, tmp_path: Path) -> list[str]:
    """Return a command line that scans in small parts on two workers."""
    script = tmp_path / "slow_scan.py"
    script.write_text(SLOW_SCAN)
    return [sys.executable, str(script), "scan", str(path), "--out", str(out), "--jobs", "2"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("parts", [1, 12])
def test_a_killed_scan_goes_on(
    parts: int, path: Path, options: ScanOptions, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    journal = out / "work" / "journal.jsonl"
    with subprocess.Popen(
        command(path, out, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= parts)
        running.send_signal(signal.SIGKILL)
    again = subprocess.run(command(path, out, tmp_path), capture_output=True, text=True)
    assert again.returncode == 1
    assert "going on: " in again.stderr
    expected = cg.scan(path, out=tmp_path / "undisturbed")
    rows = (out / "rows.parquet").read_bytes()
    assert rows == (expected.out / "rows.parquet").read_bytes()


def test_an_interrupt_stops_the_workers_quietly(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    journal = out / "work" / "journal.jsonl"
    with subprocess.Popen(
        command(path, out, tmp_path),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        wait_for(journal.exists)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate()
    assert running.returncode == 130
    assert said == "corpus-guard: interrupted; run the same command again to go on\n"


def test_a_full_disk_is_told_and_the_scan_goes_on(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def no_large_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    arguments = [*command(path, out, tmp_path)[:-1], "1"]
    unmeasured = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    full = subprocess.run(  # what measures coverage would write files of its own, and complain
        arguments, capture_output=True, text=True, preexec_fn=no_large_files, env=unmeasured
    )
    assert full.returncode == 2
    assert "the system refused: File too large" in full.stderr
    assert "Traceback" not in full.stderr
    again = subprocess.run(arguments, capture_output=True, text=True)
    assert again.returncode == 1
