"""Tell from a JSON value how records lie in it.

Only structure decides, never the name of a file, in this order:

* Rows: an array of arrays of plain values, all equally long, beside an array of as many distinct strings
  (pandas `split`). Or an array of such arrays alone (`values`); its first row is a header if it is made
  of short, distinct names and another row is not.
* A table by id: at least four values (two, if the keys only differ by a number), four fifths of them
  objects that have most of their keys in common (pandas `index`). Where instead the inner keys count up,
  or there are 64 and more of them than outer ones, it is a table of columns (pandas `columns`).
* Columns: at least two arrays of two values and more make up most of the values and are equally long, or
  the longest has 16 and no other less than half as many. Arrays of objects join from eight on. An array
  of 16 longer strings and more is a column by itself, if nothing else is an array.
* Wrapped: arrays of objects that are no turns of a chat (data, rows, splits, pandas `table`).
* What lies deeper in objects that hold no long text (a response's data).

All else is one record.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from corpus_guard.read.text.json_head import first_value
from corpus_guard.read.text.json_lists import are_conversations, are_turns

_WHITE = b" \t\r\n"
_SEPARATORS = _WHITE + b","
_HEAD_OF_ARRAY = 64 << 10
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[{\]}]', re.DOTALL)
_OBJECT = re.compile(rb"\s*\{")
_TURN = re.compile(rb'\s*\{[^{}\[\]]{0,200}?"(?:role|from|speaker)"\s*:')
_NAME = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+){0,2}")
_COUNTED = re.compile(r"\d+")
_FEWEST_BY_ID, _FEWEST_COUNTED = 4, 2
_MANY, _FEWEST_UNEVEN, _FEWEST_OBJECTS, _FEWEST_TEXTS = 64, 16, 8, 16
_SHORT_NAME, _SHORT_TEXT, _LONG_TEXT = 40, 24, 200
_FEWEST_ROWS = 4
_DEEPEST = 6
_LOOKED_AT = 200


class Shape(NamedTuple):
    """How the records of a value lie in it.

    They begin with the byte `first` in arrays or, if that is a quote, by key in objects; those lie
    `depth` brackets deep, their own counted; 0 means that the value is one record, or the array itself.
    `columns` name the values of rows, `has_header` says that their first row does. A table of columns
    (`is_table`) lies at `path` and has to be read as a whole.
    """

    depth: int = 0
    first: int = 0x7B
    is_rows: bool = False
    columns: tuple[str, ...] = ()
    has_header: bool = False
    is_table: bool = False
    path: tuple[str, ...] = ()


PLAIN = Shape()


def shape_of_head(head: bytes) -> Shape:
    """Return the shape of a file that begins with `head`; PLAIN if it goes on behind its first value."""
    text = head.lstrip(_WHITE)
    begun = first_value(text[:_HEAD_OF_ARRAY] if text.startswith(b"[") else text)
    if begun is None:
        return Shape(2) if _wraps_records(head) else PLAIN
    if not begun.is_cut and text[begun.end :].strip(_SEPARATORS) and text.startswith(b"{"):
        return PLAIN
    return shape_of(begun.value, is_cut=begun.is_cut)


def shape_of(value: object, *, is_cut: bool) -> Shape:
    """Return the shape of a file's only value, of which the end `is_cut` off or not."""
    if isinstance(value, list):
        return _rows(value, 0) if _are_rows(value, is_cut) else PLAIN
    return _of_object(value, is_cut, 1, ()) if isinstance(value, dict) else PLAIN


def _of_object(node: dict[str, Any], is_cut: bool, depth: int, path: tuple[str, ...]) -> Shape:
    lists = [value for value in node.values() if isinstance(value, list)]
    objects = [value for value in node.values() if isinstance(value, dict)]
    if found := _named_rows(lists, is_cut, depth):
        return found
    if _hold_columns(objects, node, is_cut) or _are_columns(lists, node, is_cut):
        return Shape(is_table=True, path=path)
    if _are_by_id(objects, node):
        return Shape(depth, 0x22)
    if any(_are_records(found, 1 if depth == 1 or is_cut else 2) for found in lists):
        return Shape(depth + 1, 0x7B)
    if any(are_conversations(found) for found in lists):
        return Shape(depth + 1, 0x5B)
    if len(lists) == 1 and len(lists[0]) >= _FEWEST_ROWS and _are_rows(lists[0], is_cut):
        return _rows(lists[0], depth + 1)
    if len(lists) == 1 and _are_texts(lists[0]):
        return Shape(is_table=True, path=path)
    return _inside(node, is_cut, depth, path)


def _named_rows(lists: list[list[Any]], is_cut: bool, depth: int) -> Shape | None:
    """Return the shape of rows beside the names of their values."""
    for rows in lists:
        names = next((n for n in lists if _are_names(n) and _are_rows(rows, is_cut, len(n))), None)
        if names:
            return Shape(depth + 1, 0x5B, is_rows=True, columns=tuple(names))
    return None


def _inside(node: dict[str, Any], is_cut: bool, depth: int, path: tuple[str, ...]) -> Shape:
    """Return the shape of the first object in an object that is more than one record."""
    if depth >= _DEEPEST or any(map(_is_content, node.values())):
        return PLAIN
    last = next(reversed(node), None)
    shapes = (
        _of_object(value, is_cut and key == last, depth + 1, (*path, key))
        for key, value in node.items()
        if isinstance(value, dict)
    )
    return next((shape for shape in shapes if shape != PLAIN), PLAIN)


def _is_content(value: object) -> bool:
    """Say whether a value is what records have and wrappers have not."""
    return (isinstance(value, str) and len(value) > _LONG_TEXT) or are_turns(value)


def _rows(rows: list[list[Any]], depth: int) -> Shape:
    first, others = rows[0], rows[1:_LOOKED_AT]
    has_header = _are_like_names(first) and not all(map(_are_like_names, others))
    columns = first if has_header else range(len(first))
    return Shape(depth, 0x5B, is_rows=True, columns=tuple(map(str, columns)), has_header=has_header)


def _are_rows(found: list[Any], is_cut: bool, width: int | None = None) -> bool:
    """Say whether a list holds rows of plain values; the last that is cut off is not asked."""
    seen = found[: -1 if is_cut and len(found) > 1 else None][:_LOOKED_AT]
    if not seen or not isinstance(seen[0], list) or not seen[0]:
        return False
    wide = len(seen[0]) if width is None else width
    has_names = width is not None or (len(seen) > 1 and _are_like_names(seen[0]))
    return (len(found) > 1 or width is not None) and all(
        isinstance(row, list)
        and len(row) == wide
        and (has_names or not any(isinstance(cell, list | dict) for cell in row))
        for row in seen
    )


def _are_names(found: list[Any]) -> bool:
    return (
        0 < len(found) <= _LOOKED_AT
        and all(isinstance(name, str) and 0 < len(name) <= _SHORT_NAME for name in found)
        and len(set(found)) == len(found)
    )


def _are_like_names(found: object) -> bool:
    return isinstance(found, list) and _are_names(found) and all(map(_NAME.fullmatch, found))


def _are_records(found: list[Any], fewest: int) -> bool:
    """Say whether a list holds objects that are no turns of a chat."""
    return (
        len(found) >= fewest
        and all(isinstance(item, dict) for item in found[:_LOOKED_AT])
        and not are_turns(found)
    )


def _are_texts(found: list[Any]) -> bool:
    if len(found) < _FEWEST_TEXTS or not all(isinstance(text, str) for text in found):
        return False
    return sum(map(len, found)) >= _SHORT_TEXT * len(found)


def _are_by_id(objects: list[dict[str, Any]], node: Mapping[str, Any]) -> bool:
    fewest = _FEWEST_COUNTED if _count_up(node) else _FEWEST_BY_ID
    if len(objects) < max(fewest, 0.8 * len(node)):
        return False
    seen = objects[:_LOOKED_AT]
    held = Counter(key for record in seen for key in record)
    common = sum(times for times in held.values() if times >= len(seen) / 2)
    return common >= 0.6 * held.total() and common > 0


def _hold_columns(objects: list[dict[str, Any]], node: Mapping[str, Any], is_cut: bool) -> bool:
    """Say whether objects are columns: their keys are those of the rows."""
    if not objects or len(objects) < 0.8 * len(node):
        return False
    rows = objects[0]
    whole = objects[:-1] if is_cut else objects
    if len(rows) < 2 or any(rows.keys() != column.keys() for column in whole):
        return False
    if _count_up(node) and len(node) > 1 and not (_are_numbers(rows) and not _are_numbers(node)):
        return False
    if any(isinstance(cell, dict) for column in objects for cell in list(column.values())[:8]):
        return _are_numbers(rows) and not _are_numbers(node)
    return (_are_numbers(rows) and (len(rows) >= 8 or len(objects) > 1)) or (
        len(rows) >= _MANY and len(rows) > len(objects)
    )


def _count_up(node: Mapping[str, Any]) -> bool:
    """Say whether keys only differ by a number."""
    keys = list(node)[:_LOOKED_AT]
    return len({_COUNTED.sub("0", key) for key in keys}) == 1 and any(map(str.isdigit, keys[0]))


def _are_numbers(node: Mapping[str, Any]) -> bool:
    return all(key.isdecimal() for key in list(node)[:_LOOKED_AT])


def _may_be_column(value: object) -> bool:
    """Say whether a value that is cut off may be the first column, so that more has to be read."""
    if not isinstance(value, list) or len(value) < _MANY or are_conversations(value[:-1]):
        return False
    return not (_are_rows(value, True) or any(isinstance(c, dict) for c in value[:_LOOKED_AT]))


def _are_columns(lists: list[list[Any]], node: Mapping[str, Any], is_cut: bool) -> bool:
    if is_cut and node and _may_be_column(list(node.values())[-1]):
        return True
    if len(lists) <= len(node) / 2:
        return False
    sizes = [len(found) for found in (lists[:-1] if is_cut and len(lists) > 1 else lists)]
    longest, shortest = max(sizes), min(sizes)
    if shortest < 2 or any(are_turns(found) for found in lists):
        return False
    of_objects = [all(isinstance(item, dict) for item in found[:_LOOKED_AT]) for found in lists]
    if all(of_objects) or (any(of_objects) and shortest < _FEWEST_OBJECTS):
        return False
    if len(lists) == 1:
        return False
    return longest == shortest or (longest >= _FEWEST_UNEVEN and shortest >= longest / 2)


def _wraps_records(head: bytes) -> bool:
    """Say whether a damaged text is one object with an array of objects that are no turns of a chat."""
    if not _OBJECT.match(head):
        return False
    depth, holds = 0, False
    for found in _MARKS.finditer(head):
        mark = head[found.start()]
        if found[0] == b'"':  # the head ends inside a string
            break
        if mark in b"{[":
            depth += 1
            if depth == 2 and mark == 0x5B and _OBJECT.match(head, found.end()):
                holds = holds or not _TURN.match(head, found.end())
        elif mark in b"]}":
            depth -= 1
            if depth == 0:  # more values may follow: then each is a record
                return holds and not head[found.end() :].strip(_SEPARATORS)
    return holds
