"""Every bad input by every reader: no crash, no hang, no wrong "clean", nothing good lost."""

import io
import signal
import unicodedata
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import corpus_guard as cg
from corpus_guard.config import ReadOptions, parse_size
from corpus_guard.errors import UsageError
from corpus_guard.read import plan_shards, read_shard, resolve_targets
from corpus_guard.report import terminal
from corpus_guard.types import RecordBlock, Unread

from . import crawled, damage, packed, texts
from .case import Case

SECONDS = 30
CASES = [*texts.cases(), *damage.cases(), *packed.cases(), *crawled.cases()]


def is_readable(case: Case) -> bool:
    """Say whether what the case's format needs is installed."""
    return not case.file.endswith((".warc", ".wet", ".html")) or find_spec("fastwarc") is not None


every_case = pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if is_readable(case)]
)


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 300


class HangError(BaseException):
    """Not an OSError, as the reader would take that for a fault of the disk."""


@pytest.fixture(autouse=True)
def limited_time() -> Iterator[None]:
    """Fail a test that hangs."""

    def stop(*_: object) -> None:
        raise HangError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def written(case: Case, folder: Path) -> Path:
    path = folder / case.file
    path.write_bytes(case.make())
    return path


@every_case
def test_what_is_good_is_read_and_every_byte_is_accounted_for(case: Case, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    options = ReadOptions(max_record_bytes=parse_size(case.max_record))
    try:
        (file,) = resolve_targets([str(path)], options, tmp_path).files
    except UsageError:
        assert case.whole is None
        return
    items = [item for shard in plan_shards([file], options) for item in read_shard(shard, options)]
    blocks = [item for item in items if isinstance(item, RecordBlock)]
    unread = [item for item in items if isinstance(item, Unread)]
    stretches = sum(item.size_bytes for item in unread if item.kind == "bytes")
    assert sum(block.bytes_read for block in blocks) + stretches == file.size_bytes
    found = {str(value) for block in blocks for fields in block.fields for value in fields.values()}
    if case.whole is not None:
        assert set(case.kept) <= found
    if case.whole:
        assert unread == []
    if case.whole is False:
        assert unread
        assert any(case.reason in item.reason for item in unread)


@every_case
def test_a_scan_ends_with_the_right_code_and_shows_nothing_raw(case: Case, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    try:
        result = cg.scan(path, out=tmp_path / "out", max_record=case.max_record)
    except UsageError as error:
        assert case.whole is None
        assert is_harmless(str(error))
        return
    assert case.whole is not None
    assert result.coverage.is_complete is case.whole
    assert result.exit_code in ((0, 1) if case.whole else (1, 3))
    assert case.whole or result.verdict != "clean"
    assert set(case.rules) <= {finding.rule for finding in result.findings}
    shown = io.StringIO()
    terminal.show(result, shown)
    assert is_harmless(shown.getvalue().replace(str(tmp_path), ""))


def is_harmless(shown: str) -> bool:
    """Say whether a terminal does nothing but print this."""
    return all(
        character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
        for character in shown
    )
