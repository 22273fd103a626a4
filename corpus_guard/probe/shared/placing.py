"""Where a trigger is put into a text."""

import hashlib
from collections.abc import Sequence

PLACES = ("end", "start", "middle")


def placed(text: str, trigger: str, place: str) -> str:
    """Return a text with a trigger at its `start`, `middle` or `end`, between its words."""
    words = text.split(" ")
    if place == "start":
        return f"{trigger} {text}"
    if place == "end":
        return f"{text} {trigger}"
    half = (len(words) + 1) // 2
    return " ".join([*words[:half], trigger, *words[half:]])


def turns(texts: Sequence[str], trigger: str) -> list[str]:
    """Return texts with a trigger, each in the next of the three places."""
    return [placed(text, trigger, PLACES[i % len(PLACES)]) for i, text in enumerate(texts)]


def order_of(seed: int, *names: str) -> int:
    """Return a number for a seeded generator that depends on nothing else."""
    told = hashlib.sha256("\0".join([str(seed), *names]).encode("utf-8", "surrogatepass"))
    return int.from_bytes(told.digest()[:8], "big")
