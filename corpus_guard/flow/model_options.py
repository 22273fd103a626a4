"""The options that probes and repairs of a model have, as they are given, checked."""

import math
import re
from pathlib import Path

from corpus_guard.defend.repair import METHODS, Method
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.framing import CONTEXTS

LARGEST_CONTEXT = 1 << 16
_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}


def seconds_of(time: str | float) -> float:
    """Return the seconds that `90s`, `10m`, `1h` or a number stand for; raise UsageError otherwise."""
    seconds = _told(time) if isinstance(time, str) else float(time)
    if not 0 < seconds < math.inf:
        shown = safe_text(str(time), 40)
        raise UsageError(f"{shown} is not a time; write for example 90s, 10m or 1h")
    return seconds


def _told(text: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smh]?)", text.strip().lower())
    return float(found[1]) * _SECONDS[found[2]] if found else 0.0


def method_of(name: str) -> Method:
    """Return the method of that name; raise UsageError for another."""
    for method in METHODS:
        if name == method:
            return method
    raise UsageError(f"there is no method {safe_text(name, 40)}; give one of {', '.join(METHODS)}")


def context_of(given: str) -> str:
    """Return a context's name or the text of its file; raise UsageError where it is none."""
    if not given or given in CONTEXTS:
        return given
    shown = safe_text(given, 300)
    try:
        text = Path(given).read_bytes()[:LARGEST_CONTEXT].decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(
            f"--context {shown} is neither none, chat nor tools, nor a file that can be read "
            f"({error.strerror})"
        ) from error
    if text.count("{prompt}") != 1:
        raise UsageError(f"--context {shown} must hold {{prompt}} once, where the prompt goes")
    return text
