"""The first value of a JSON text of which only the beginning is at hand."""

import json
import re
from typing import Any, NamedTuple

import orjson

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[{\]},]', re.DOTALL)
_CLOSERS = {0x7B: b"}", 0x5B: b"]"}
_MOST_OPEN = 64
"""How deep a value may nest that is looked at; deeper ones tell nothing of a file's shape."""


class Begun(NamedTuple):
    """A value, or as much of it as is at hand.

    `end` is where it ends; `is_cut` says that it goes on behind the text: then its innermost last parts
    may be missing.
    """

    value: Any
    end: int
    is_cut: bool


def first_value(head: bytes) -> Begun | None:
    """Return the object or array that `head` begins with; None if it begins with none, or a damaged one.

    Of a text that is damaged further behind only what stands before the damage is looked at.
    """
    if head[:1] not in (b"{", b"["):
        return None
    found = _begun(head)
    if found is None:
        damage = _first_damage(head)
        found = _begun(head[:damage]) if damage else None
    return found


def _begun(head: bytes) -> Begun | None:
    open_marks: list[int] = []
    cut = 0
    for found in _MARKS.finditer(head):
        mark = head[found.start()]
        if mark == 0x22:
            if found.end() - found.start() == 1:  # the head ends inside a string
                break
            continue
        cut = found.start() if mark == 0x2C else found.end()
        if mark in _CLOSERS:
            open_marks.append(mark)
            if len(open_marks) > _MOST_OPEN:
                return None
        elif mark != 0x2C:
            if _CLOSERS[open_marks.pop()][0] != mark:
                return None
            if not open_marks:
                break
    closing = b"".join(_CLOSERS[mark] for mark in reversed(open_marks))
    value = _parsed(head[:cut] + closing)
    return None if value is None else Begun(value, cut, bool(open_marks))


def _parsed(text: bytes) -> Any:  # noqa: ANN401  # whatever JSON holds
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _first_damage(text: bytes) -> int:
    """Return the byte where JSON breaks off, 0 if that cannot be told."""
    decoded = text.decode("utf-8", "replace")
    try:
        json.loads(decoded, strict=False)
    except json.JSONDecodeError as error:
        return len(decoded[: error.pos].encode())
    except (ValueError, RecursionError):
        pass
    return 0
