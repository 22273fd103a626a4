"""A record of a program as a line of JSON, whatever values it holds.

What says nothing (NaN, NaT, NA) becomes null; arrays, sets and scalars of libraries what they hold;
bytes the text that they are; and any other object its text.
"""

import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
NOTHING = frozenset({"NaTType", "NAType"})
"""Pandas's types of values that are missing."""


def json_line(record: Mapping[str, object], place: int) -> bytes:
    """Return a record as a line of JSON; raise UsageError for one that is none, by its number."""
    try:
        return orjson.dumps(record, default=_plainer, option=_OPTIONS)
    except TypeError:  # a key, a large number, half a surrogate, another kind of mapping
        pass
    try:
        return json.dumps(_plain(record)).encode() + b"\n"
    except RecursionError as error:
        raise UsageError(
            f"record {place} is nested too deep, or holds itself; leave such values out"
        ) from error
    except Exception as error:  # an object's own methods raise anything
        why = f"{type(error).__name__}: {safe_text(str(error), 120)}"
        raise UsageError(f"record {place} cannot be scanned ({why}); give plain values") from error


def _plainer(value: Any) -> Any:  # noqa: ANN401
    """Return what stands for a value that JSON does not know."""
    if type(value).__name__ in NOTHING:
        return None
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, AbstractSet):
        return sorted(value, key=repr)
    for name in ("as_py", "tolist", "to_list"):  # of Arrow, NumPy and torch, Polars and pandas
        if callable(method := getattr(value, name, None)):
            return method()
    return str(value)


def _plain(value: object) -> object:
    """Return a value made of what `json` writes as it should be."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain(_plainer(value))


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(key)
