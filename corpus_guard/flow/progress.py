"""How a job tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """What shows progress; called from the main process only."""

    def start(self, total_bytes: int, stage: str) -> None:
        """Begin a stage of `total_bytes`."""
        ...

    def advance(self, bytes_done: int, records_done: int) -> None:
        """Add what was done since the last call."""
        ...

    def note(self, text: str) -> None:
        """Say something once, beside the progress."""
        ...

    def finish(self) -> None:
        """End the last stage."""
        ...


class Silence:
    """Shows nothing."""

    def start(self, total_bytes: int, stage: str) -> None:
        """Ignore."""

    def advance(self, bytes_done: int, records_done: int) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""
