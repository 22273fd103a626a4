"""Progress on stderr: a bar on a terminal, a plain line every ten seconds elsewhere."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from corpus_guard.escape import safe_text

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from corpus_guard.flow.progress import Progress

SECONDS_BETWEEN_LINES = 10.0
MEGABYTE = 1_000_000


def progress_on(stream: TextIO) -> "Progress":
    """Return what shows progress on `stream`."""
    return TerminalProgress(stream) if stream.isatty() else LineProgress(stream)


class Meter:
    """What was done in one stage, and how fast."""

    def __init__(self, total_bytes: int, now: float) -> None:
        """Start a stage."""
        self.total_bytes = total_bytes
        self.bytes_done = 0
        self.records_done = 0
        self._started = now

    def advance(self, bytes_done: int, records_done: int) -> None:
        """Count what was done since the last call."""
        self.bytes_done += bytes_done
        self.records_done += records_done

    def told(self, now: float) -> str:
        """Return `1,200 records, 3.1 MB/s, 0:12 left`."""
        seconds = max(now - self._started, 1e-3)
        parts = [f"{self.records_done:,} records"] if self.records_done else []
        parts.append(f"{self.bytes_done / MEGABYTE / seconds:.1f} MB/s")
        if 0 < self.bytes_done < self.total_bytes:
            left = round(seconds * (self.total_bytes / self.bytes_done - 1))
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)

    @property
    def share(self) -> float:
        """The share of the stage's bytes that is done, in [0, 1]."""
        return min(1.0, self.bytes_done / self.total_bytes) if self.total_bytes > 0 else 0.0


class LineProgress:
    """A plain line every ten seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to `stream`, at the times that `clock` tells in seconds."""
        self._stream = stream
        self._clock = clock
        self._stage = ""
        self._meter = Meter(0, clock())
        self._last_line = clock()

    def start(self, total_bytes: int, stage: str) -> None:
        """Begin a stage."""
        self._stage = safe_text(stage, 60)
        self._meter = Meter(total_bytes, self._clock())

    def advance(self, bytes_done: int, records_done: int) -> None:
        """Count what was done, and say so when ten seconds have passed."""
        self._meter.advance(bytes_done, records_done)
        now = self._clock()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        done = f"{self._meter.share:.0%}, " if self._meter.total_bytes > 0 else ""
        self._stream.write(f"{self._stage}: {done}{self._meter.told(now)}\n")
        self._stream.flush()

    def note(self, text: str) -> None:
        """Write a line."""
        self._stream.write(f"{safe_text(text, 400)}\n")
        self._stream.flush()

    def finish(self) -> None:
        """End the last stage."""


class TerminalProgress:
    """A bar that is gone when the work is done."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Draw on `stream`."""
        self._stream = stream
        self._clock = clock
        self._bar: Bar | None = None
        self._meter = Meter(0, clock())

    def start(self, total_bytes: int, stage: str) -> None:
        """Begin a stage with a bar of its own."""
        self.finish()
        self._meter = Meter(total_bytes, self._clock())
        self._bar = _bar_on(self._stream)
        self._bar.add_task(safe_text(stage, 60), total=max(total_bytes, 0) or None, told="")
        self._bar.start()

    def advance(self, bytes_done: int, records_done: int) -> None:
        """Count what was done and move the bar."""
        self._meter.advance(bytes_done, records_done)
        if self._bar is None:
            return
        told = self._meter.told(self._clock())
        self._bar.update(self._bar.task_ids[0], completed=self._meter.bytes_done, told=told)

    def note(self, text: str) -> None:
        """Write a line above the bar."""
        if self._bar is not None:
            self._bar.console.print(safe_text(text, 400), markup=False)
        else:
            self._stream.write(f"{safe_text(text, 400)}\n")

    def finish(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _bar_on(stream: TextIO) -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        console=Console(file=stream, markup=False, highlight=False),
        transient=True,
    )


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
