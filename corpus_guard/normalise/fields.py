"""Values of a record as text: dotted paths, nested values, and what is in no role."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from corpus_guard.normalise.forms.packed import unescaped

LONGEST_PATH = 100
LONGEST_HOST = 253
NOTHING: tuple[object, ...] = (None, "", [], {}, ())

_NAME = re.compile(r"[\w.-]*", re.ASCII)


def is_name(key: object) -> bool:
    """Say whether a key is no more than a name; any other may carry text, and is kept as text."""
    text = str(key)
    return (text.isidentifier() and text.isascii()) or _NAME.fullmatch(text) is not None


def leaf(name: str) -> str:
    """Return the last part of a path; a name that is no path as it is."""
    return name.rpartition(".")[2]


def field_value(record: Mapping[str, object], name: str) -> object:
    """Return the value of a field, by its name or by a dotted path into nested values; else None.

    A number in a path is a place in a list, from 0, or from -1 backwards.
    """
    if name in record or "." not in name:
        return record.get(name)
    value: object = record
    for part in name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and (place := _place(part, value)) is not None:
            value = value[place]
        else:
            return None
    return value


def _place(part: str, values: list[object]) -> int | None:
    """Return the place in a list that a part of a path means, if the list has it."""
    digits = part.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        return None
    place = int(part)
    return place if -len(values) <= place < len(values) else None


def as_text(value: object) -> str | None:
    """Return a value as text: strings as they are, nested values flattened, None for nothing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == value and abs(value) < 2**53 and value == int(value):
        return str(int(value))
    if isinstance(value, Mapping | list | tuple):
        return "\n".join(f"{path}: {leaf}" if path else leaf for path, leaf in leaves(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def leaves(value: object) -> Iterator[tuple[str, str]]:
    """Yield (dotted path, text) of every value inside a nested value, at any depth; lists add no path.

    So that all the text together stays about as large as the value, a path stands only before the
    first leaf of a list, and one longer than LONGEST_PATH is a leaf of its own, below which a new one
    begins. So is one that ends in a key that is more than a name, whatever is below.
    """
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        path, item = pending.pop()
        if isinstance(item, Mapping):
            pending.extend(reversed(list(_entries(path, item))))
        elif isinstance(item, list | tuple):
            pending.extend(reversed(list(_items(path, item))))
        elif isinstance(item, str) and (hidden := unescaped(item)) is not None:
            pending.append((path, hidden))
        elif text := as_text(item):
            yield path, text


def _entries(path: str, item: Mapping[Any, object]) -> Iterator[tuple[str, object]]:
    for key, below in item.items():
        name = f"{path}.{key}" if path else str(key)
        if len(name) > LONGEST_PATH or not is_name(key):
            yield "", name
            name = ""
        yield name, below


def _items(path: str, item: Iterable[object]) -> Iterator[tuple[str, object]]:
    for below in item:
        yield path, below
        path = path if below in NOTHING else ""


def host_of(url: str | None) -> str | None:
    """Return the host of an address in lower case, without its port; None where there is none."""
    scheme, found, rest = (url or "").strip().partition("//")
    if not found or (scheme and not scheme.endswith(":")):
        return None
    place = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2].lower()
    host = place.partition("]")[0] + "]" if place.startswith("[") else place.partition(":")[0]
    return host[:LONGEST_HOST].rstrip(".") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The fields that play a role; all others go to `other`.

    `whole`: their names and paths. `inside`: by a field's name, the paths that are used inside it.
    `telling`: those names that may carry text of their own.
    """

    whole: frozenset[str]
    inside: Mapping[str, tuple[str, ...]]
    telling: frozenset[str]

    @classmethod
    def of(cls, roles: Mapping[str, tuple[str, ...]]) -> Self:
        """Return what the roles use."""
        whole = frozenset(name for names in roles.values() for name in names)
        inside: dict[str, tuple[str, ...]] = {}
        for path in sorted(name for name in whole if "." in name):
            first = path.split(".")[0]
            inside[first] = (*inside.get(first, ()), path)
        telling = frozenset(name for name in whole if not is_name(name))
        return cls(whole=whole, inside=inside, telling=telling)

    def rest(self, record: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        """Yield the name and the value of what is in no role."""
        for name, value in record.items():
            if name in self.whole:
                continue
            for path in self.inside.get(name, ()):
                if path not in record:  # else the path is a name, and means that field
                    value = _without(value, path.split(".")[1:])
            yield name, value

    def other(self, record: Mapping[str, object]) -> str | None:
        """Return what is in no role as `name: value` lines; None for nothing."""
        if not self.telling and self.whole.issuperset(record):
            return None
        lines = [str(name) for name in record if name in self.telling]
        for name, value in self.rest(record):
            if text := as_text(value):
                lines.append(f"{name}: {text}")
            elif not is_name(name):
                lines.append(str(name))
        return "\n".join(lines) or None


def _without(value: object, path: list[str]) -> object:
    """Return a nested value without what stands at a path; lists and objects are copied."""
    place: Any = path[0]
    copy: Any
    if isinstance(value, Mapping) and place in value:
        copy = dict(value)
    elif isinstance(value, list) and (place := _place(path[0], value)) is not None:
        copy = list(value)
    else:
        return value
    if len(path) > 1:
        copy[place] = _without(copy[place], path[1:])
    elif isinstance(copy, dict):
        del copy[place]
    else:
        copy[place] = None
    return copy
