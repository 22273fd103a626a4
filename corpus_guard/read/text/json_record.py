"""Parse one JSON record, whatever it holds: never a crash, no value lost in silence.

orjson reads what is well formed. What it refuses is read by the standard library after its nesting has
been measured, with invalid UTF-8 and lone surrogates replaced, `NaN` accepted and several objects
on a line told apart. Of a key that occurs twice every value is kept. A list in the place of a record is
a chat, or several chats or records, if it looks so.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BlockBuilder, decode
from corpus_guard.read.text.json_lists import MOST_RECORDS, records_in
from corpus_guard.read.text.lines import Piece
from corpus_guard.types import Unread

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_RAW_FIELD = "_raw"


def add_json(block: BlockBuilder, piece: Piece, options: ReadOptions) -> Iterator[Unread]:
    """Add the records of one piece of JSON to a block; yield what could not be read."""
    try:
        records = parse(piece, options)
    except MalformedError as error:
        yield lose(block, piece, error)
    else:
        yield from add_records(block, piece, records)


def begins_with_line(head: bytes) -> bool:
    """Say whether a file begins with an object that ends with its line, as JSON Lines do."""
    return head.startswith(b"{") and head.split(b"\n", 1)[0].rstrip().endswith(b"}")


class JsonRecord(NamedTuple):
    """One record, what was odd about it, and why it was read only in part (or None)."""

    fields: dict[str, Any]
    oddities: tuple[str, ...]
    partial: str | None


class MalformedError(ValueError):
    """The text is not JSON; the message says why."""


def parse(piece: Piece, options: ReadOptions) -> list[JsonRecord]:
    """Return the records in a piece, usually one; raise MalformedError when it is not JSON."""
    if not piece.cut:
        return _parse(piece.data, options)
    text, oddities = decode(piece.data)
    return [JsonRecord({_RAW_FIELD: text}, oddities, None)]


def add_records(block: BlockBuilder, piece: Piece, records: list[JsonRecord]) -> Iterator[Unread]:
    """Add the records of a piece to a block; yield what of them was not read."""
    is_alone = len(records) == 1
    for record in records:
        if is_alone:
            row = block.add(piece.offset, piece.data, record.fields, record.oddities)
        else:  # the bytes are those of all of them
            row = block.add_values(record.fields, record.oddities, piece.offset)
        if piece.cut:
            yield block.cut(row, piece)
        elif record.partial:
            yield block.partial(row, piece.offset, 0, record.partial)


def lose(block: BlockBuilder, piece: Piece, error: MalformedError) -> Unread:
    """Return a malformed piece as a record that could not be read."""
    return block.lose(piece.offset, piece.length, f"malformed JSON: {error}")


def _parse(raw: bytes, options: ReadOptions) -> list[JsonRecord]:
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if raw.count(b"[") + raw.count(b"{") > options.max_depth and _depth(raw) > options.max_depth:
        reason = f"nested deeper than {options.max_depth}; its text was scanned as it stands"
        text, oddities = decode(raw)
        return [JsonRecord({_RAW_FIELD: text}, oddities, reason)]
    try:
        value = orjson.loads(raw)
    except (orjson.JSONDecodeError, RecursionError):
        return _parse_leniently(raw, options)
    if type(value) is dict and _may_repeat_keys(raw, value):
        return _parse_leniently(raw, options)
    return _records(value, (), options)


def _depth(raw: bytes) -> int:
    """Return how deep brackets outside strings nest."""
    depth = deepest = 0
    for found in _TOKENS.finditer(raw):
        first = raw[found.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _may_repeat_keys(raw: bytes, value: dict[str, Any]) -> bool:
    """Say whether `raw` holds more keys than its parsed `value`."""
    if raw.count(b'":') == len(value) and not any(colon in raw for colon in _SPACED_COLONS):
        return False  # each `":` ends a key, and there are as many as keys that were kept
    return _written_keys(raw) > sum(len(item) for item in _objects(value))


def _written_keys(raw: bytes) -> int:
    keys = 0
    for found in _TOKENS.finditer(raw):
        if raw[found.start()] == 0x22:
            after = found.end()
            while raw[after : after + 1] in (b" ", b"\t", b"\r", b"\n"):
                after += 1
            keys += raw[after : after + 1] == b":"
    return keys


def _objects(value: object) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


class _Object(dict[str, Any]):
    """A parsed object that remembers that a key occurred twice in it."""

    repeated = False


def _keep_all(pairs: list[tuple[str, Any]]) -> _Object:
    """Return an object whose keys have their last value, as in most parsers, and its other values."""
    found = _Object(pairs)
    if len(found) == len(pairs):
        return found
    found.repeated = True
    last = {key: place for place, (key, _) in enumerate(pairs)}
    name = "(repeated keys)"
    while name in last:
        name += "*"
    found[name] = [{key: value} for place, (key, value) in enumerate(pairs) if last[key] != place]
    return found


def _parse_leniently(raw: bytes, options: ReadOptions) -> list[JsonRecord]:
    text, oddities = decode(raw)
    decoder = json.JSONDecoder(object_pairs_hook=_keep_all, strict=False)
    found: list[JsonRecord] = []
    place = 0
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise MalformedError(error.msg) from None
        except (ValueError, RecursionError):
            raise MalformedError("nested too deeply, or a number too long") from None
        found += _records(value, (*oddities, *_marks(value)), options)
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
    if not found:
        raise MalformedError("nothing but white space")
    return found


def _marks(value: object) -> Iterator[str]:
    if any(isinstance(item, _Object) and item.repeated for item in _objects(value)):
        yield "duplicate_keys"
    if any(_LONE_SURROGATE.search(text) for text in _strings(value)):
        yield "lone_surrogate"


def _strings(value: object) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending.extend((*item, *item.values()))
        elif isinstance(item, list):
            pending.extend(item)


def _records(value: object, oddities: tuple[str, ...], options: ReadOptions) -> list[JsonRecord]:
    if isinstance(value, str):
        return [JsonRecord({"text": value}, oddities, None)]
    if isinstance(value, dict):
        return [record_of(value, oddities, options)]
    found = records_in(value) if isinstance(value, list) else None
    if found is not None:
        return [record_of(fields, oddities, options) for fields in found]
    text, partial = json.dumps(value, ensure_ascii=False), None
    if isinstance(value, list) and len(value) > MOST_RECORDS:
        partial = f"a list of more than {MOST_RECORDS:,}; scanned as one text"
    return [JsonRecord({_RAW_FIELD: text}, (*oddities, "not_an_object"), partial)]


def record_of(
    fields: dict[str, Any], oddities: tuple[str, ...], options: ReadOptions
) -> JsonRecord:
    """Return an object as a record, with no more keys than are allowed."""
    if len(fields) <= options.max_keys:
        return JsonRecord(fields, oddities, None)
    kept = dict(list(fields.items())[: options.max_keys])
    return JsonRecord(kept, oddities, f"more than {options.max_keys} keys; the first were scanned")
