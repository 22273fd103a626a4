"""The options of a repair, as a command line gives them."""

import math
import re

from corpus_guard.defend.repair import METHODS, Method
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text

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
