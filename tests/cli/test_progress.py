import io
from collections.abc import Iterator

import pytest

from corpus_guard.cli.progress import LineProgress, TerminalProgress, progress_on


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def ticking(*times: float) -> Iterator[float]:
    yield from times


def test_a_pipe_gets_lines_and_a_terminal_a_bar() -> None:
    assert isinstance(progress_on(io.StringIO()), LineProgress)
    assert isinstance(progress_on(Terminal()), TerminalProgress)


def test_a_line_every_ten_seconds_tells_records_speed_and_time_left() -> None:
    times = ticking(0, 0, 0, 9.9, 10, 11, 20)
    stream = io.StringIO()
    progress = LineProgress(stream, lambda: next(times))
    progress.start(100_000_000, "reading")
    for _ in range(4):
        progress.advance(10_000_000, 1000)
    progress.finish()
    assert stream.getvalue().splitlines() == [
        "reading: 20%, 2,000 records, 2.0 MB/s, 0:40 left",
        "reading: 40%, 4,000 records, 2.0 MB/s, 0:30 left",
    ]


def test_a_stage_of_unknown_size_tells_no_share() -> None:
    times = ticking(0, 0, 0, 10)
    stream = io.StringIO()
    progress = LineProgress(stream, lambda: next(times))
    progress.start(0, "comparing\x1b")
    progress.advance(5_000_000, 0)
    assert stream.getvalue() == "comparing<U+001B>: 0.5 MB/s\n"


def test_long_times_have_hours() -> None:
    times = ticking(0, 0, 0, 10)
    stream = io.StringIO()
    progress = LineProgress(stream, lambda: next(times))
    progress.start(1_000_000_000, "reading")
    progress.advance(1_000_000, 1)
    assert "2:46:30 left" in stream.getvalue()


@pytest.mark.parametrize("total", [0, 1000])
def test_the_bar_runs_over_several_stages(total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    progress = TerminalProgress(stream)
    progress.advance(1, 1)
    for stage in ("reading", "looking again"):
        progress.start(total, stage)
        progress.advance(500, 10)
    progress.finish()
    progress.finish()
    assert "looking again" in stream.getvalue()
    assert "10 records" in stream.getvalue()
