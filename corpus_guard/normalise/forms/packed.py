"""Texts that hold data: JSON, Python literals as tables have them, and what JSON escapes hide."""

import ast
import re
from collections.abc import Mapping

import orjson

LONGEST_LITERAL = 64 << 10
"""Python literals are parsed by the compiler's own parser, which takes 100 times their size."""

LONGEST_JSON = 4 << 20
DEEPEST_LITERAL = 32
MOST_ITEMS = 4096

_OPENED, _CLOSED = "[{", "]}"
_ARRAY_GAP = re.compile(r"(?<=[}\]'\"])\s*\n\s*(?=[{\['\"])")
"""Where NumPy prints an array of objects on lines of their own, without commas."""

_HIDDEN = re.compile(
    r"\\u(?:00ad|034f|061c|115f|1160|17b[45]|180[b-f]|200[b-f]|202[a-e]|206[0-9a-f]|2800|3164"
    r"|fe0[0-9a-f]|feff|ffa0|db40|d83[0-9a-f]\\udd)",
    re.IGNORECASE,
)
"""JSON escapes of characters that nobody sees; of others a text in JSON may have many."""


def may_hold_data(text: str) -> bool:
    """Say whether a text begins and ends like an array or object; only then it is worth a parser."""
    return text[:1] in _OPENED and len(text) > 2 and text.rstrip()[-1:] in _CLOSED


def data_in(text: str) -> object:
    """Return the array or object that a text holds as JSON or as a Python literal, else None."""
    if not may_hold_data(text):
        return None
    value = _json(text)
    if value is None and len(text) <= LONGEST_LITERAL and _is_shallow(text):
        value = _literal(text)
        if value is None and "\n" in text:
            value = _literal(_ARRAY_GAP.sub(", ", text))
    return value if isinstance(value, list | dict) and value else None


def unescaped(text: str) -> object:
    """Return the data in a text of which JSON escapes hide characters that nobody sees, else None."""
    return data_in(text) if hides_characters(text) else None


def hides_characters(text: str) -> bool:
    """Say whether JSON escapes in a text stand for characters that nobody sees."""
    return "\\u" in text and _HIDDEN.search(text) is not None


def _json(text: str) -> object:
    if len(text) > LONGEST_JSON:
        return None
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        return None


def _is_shallow(text: str) -> bool:
    """Say whether a text may be given to the parser: not too deep, and not too many parts."""
    depth = 0
    for found in re.finditer(r"[\[{(]|[\]})]", text):
        depth += 1 if found[0] in "[{(" else -1
        if depth > DEEPEST_LITERAL:
            return False
    return text.count(",") <= MOST_ITEMS


def _literal(text: str) -> object:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return _plain(value)


def _plain(value: object) -> object:
    """Return a literal as JSON would have it: tuples and sets as lists, names as texts."""
    if isinstance(value, Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=repr)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
