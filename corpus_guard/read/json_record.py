"""Parse one JSON record, whatever it holds: never a crash, no value lost in silence.

orjson reads what is well formed. What it refuses is read by the standard library after its nesting has
been measured, with invalid UTF-8 and lone surrogates replaced, `NaN` accepted and several objects
on a line told apart. Of a key that occurs twice every value is kept.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from corpus_guard.config import ReadOptions

_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_RAW_FIELD = "_raw"


class Parsed(NamedTuple):
    """One record, what was odd about it, and why it was read only in part (or None)."""

    fields: dict[str, Any]
    oddities: tuple[str, ...]
    partial: str | None


class Malformed(ValueError):
    """The text is not JSON; the message says why."""


def parse_records(raw: bytes, options: ReadOptions) -> list[Parsed]:
    """Return the records in `raw`, usually one; raise Malformed when it is not JSON."""
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if _may_be_deep(raw, options.max_depth) and depth_of(raw) > options.max_depth:
        reason = f"nested deeper than {options.max_depth}; its text was scanned as it stands"
        return [Parsed({_RAW_FIELD: raw.decode("utf-8", "replace")}, ("deep_nesting",), reason)]
    try:
        value, oddities = orjson.loads(raw), ()
    except (orjson.JSONDecodeError, RecursionError):
        return _leniently(raw, options)
    if type(value) is dict and raw.count(b'":') + raw.count(b'" :') != len(value):
        value, oddities = _with_duplicates(raw, value)
    return [_record(value, oddities, options)]


def depth_of(raw: bytes) -> int:
    """Return how deep brackets outside strings nest."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(raw):
        first = raw[found.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _may_be_deep(raw: bytes, most: int) -> bool:
    return raw.count(b"[") + raw.count(b"{") > most


def _leniently(raw: bytes, options: ReadOptions) -> list[Parsed]:
    text = raw.decode("utf-8", "replace")
    oddities = ("invalid_utf8",) if "�" in text and "�".encode() not in raw else ()
    decoder = json.JSONDecoder(object_pairs_hook=_keep_all, strict=False)
    found, place = [], 0
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise Malformed(_reason(error)) from None
        found.append(_record(value, (*oddities, *_marks(value)), options))
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
    if not found:
        raise Malformed("nothing but white space")
    return found


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply or a number too long"


class _Object(dict[str, Any]):
    """A parsed object that remembers that a key occurred twice in it."""

    repeated = False


def _keep_all(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object()
    for key, value in pairs:
        if key in found:
            found.repeated = True
            spare = f"{key} (duplicate)"
            while spare in found:
                spare += "*"
            found[spare] = found[key]
        found[key] = value
    return found


def _with_duplicates(raw: bytes, value: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the record with every value of a repeated key, if one is."""
    if _count_keys(value) >= _structural_keys(raw):
        return value, ()
    kept = json.loads(raw, object_pairs_hook=_keep_all)
    return kept, _marks(kept)


def _structural_keys(raw: bytes) -> int:
    keys = 0
    for found in _BRACKETS.finditer(raw):
        if raw[found.start()] == 0x22:
            after = found.end()
            while after < len(raw) and raw[after] in b" \t\r\n":
                after += 1
            keys += raw[after : after + 1] == b":"
    return keys


def _count_keys(value: object) -> int:
    total, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            total += len(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return total


def _marks(value: object) -> tuple[str, ...]:
    return ("duplicate_keys",) if any(item.repeated for item in _objects(value)) else ()


def _objects(value: object) -> Iterator[_Object]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, _Object):
            yield item
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _record(value: object, oddities: tuple[str, ...], options: ReadOptions) -> Parsed:
    if isinstance(value, str):
        return Parsed({"text": value}, oddities, None)
    if not isinstance(value, dict):
        text = json.dumps(value, ensure_ascii=False)
        return Parsed({_RAW_FIELD: text}, (*oddities, "not_an_object"), None)
    if len(value) <= options.max_keys:
        return Parsed(value, oddities, None)
    kept = dict(list(value.items())[: options.max_keys])
    return Parsed(kept, (*oddities, "many_keys"), f"more than {options.max_keys} keys")


def has_surrogate(text: str) -> bool:
    """Say whether a string holds half of a surrogate pair, which UTF-8 cannot."""
    return _SURROGATE.search(text) is not None
