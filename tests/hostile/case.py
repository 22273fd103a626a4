"""What a bad input is: its bytes, and what a scan of it has to do."""

from collections.abc import Callable
from dataclasses import dataclass

GOOD = tuple(f"a good record called {name}" for name in ("alpha", "beta", "gamma", "delta"))
"""The records that surround every bad one: two before it and two behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One bad input.

    `make` gives the bytes of the file `file`. With `whole`, every byte is scanned: the verdict is not
    `incomplete`, and the exit code is 0 or 1; else something is listed as not scanned and the exit code
    is 3 or 1; None means that the target is refused with one sentence and exit code 4. `kept` are the
    texts that must have been read; `rules` those that must report something; `reason` is part of what
    is said of the place that was not scanned.
    """

    name: str
    file: str
    make: Callable[[], bytes]
    whole: bool | None = True
    kept: tuple[str, ...] = GOOD
    rules: tuple[str, ...] = ()
    reason: str = ""
    max_record: str = "16MiB"
