"""Records inside records: which field holds them, and each of them with what stands around it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpus_guard.normalise.turns import is_chat, is_message_list

Record = Mapping[str, object]
Plain = dict[str, object]

DEEPEST = 4
MOST_FLAT = 256
MANY_ROUNDS = 32
LONGEST_INHERITED = 64 << 10
MOST_GROWTH = 8
"""What many records inherit from the one around them may take so many times its size; then only the
first has it."""


def flat(record: Record, kept: frozenset[str] = frozenset()) -> Plain:
    """Return a record whose mappings are opened: `{"body": {"text": …}}` as `body.text`.

    Fields in `kept` stay as they are, and so do messages, mappings of more than MOST_FLAT fields, and
    what is nested deeper than DEEPEST.
    """
    found: Plain = {}
    for name, value in record.items():
        _open(found, str(name), value, 0 if name in kept else DEEPEST)
    return found


def _open(found: Plain, name: str, value: object, depth: int) -> None:
    if depth == 0 or not isinstance(value, Mapping) or not value or len(value) > MOST_FLAT:
        found[_free(found, name)] = value
    elif is_message_list([value]):
        found[_free(found, name)] = value
    else:
        for key, inner in value.items():
            _open(found, f"{name}.{key}", inner, depth - 1)


def _free(found: Plain, name: str) -> str:
    while name in found:
        name += "*"
    return name


def lists_of_records(record: Record) -> list[str]:
    """Return the fields that hold a list of records or of chats, the largest first."""
    found = [name for name, value in record.items() if _holds_records(value)]
    return sorted(found, key=lambda name: (-_weight(record[name]), name))


def are_many_rounds(value: object) -> bool:
    """Say whether a list holds so many pairs of question and answer that they are records, no chat."""
    return (
        isinstance(value, list)
        and len(value) >= MANY_ROUNDS
        and isinstance(value[0], Mapping)
        and not is_message_list(value[:1])
        and is_chat(value[:2])
    )


def _holds_records(value: object) -> bool:
    if are_many_rounds(value):
        return True
    if not isinstance(value, list) or not value or is_chat(value):
        return False
    items = value[:8]
    if all(isinstance(item, Mapping) for item in items):
        return True
    return all(isinstance(item, list) and is_message_list(item) for item in items)


def _weight(value: Any) -> int:  # noqa: ANN401  # any list
    return sum(len(item) if isinstance(item, Mapping | list) else 1 for item in value)


def exploded(record: Record, name: str) -> Iterator[Plain]:
    """Yield each record in a field, with the plain values around it.

    A field of its own beats one of the same name around it, which then comes as `NAME (around)`. What
    is no plain value, or too large to be repeated, comes with the first record only.
    """
    inside: Any = record[name]
    around = {key: value for key, value in record.items() if key != name}
    light = {key: value for key, value in around.items() if _is_light(value)}
    size = sum(len(str(value)) for value in light.values())
    budget = MOST_GROWTH * (size + sum(_length(item) for item in inside) + 1)
    for place, item in enumerate(inside):
        shared = around if place == 0 else light if budget > 0 else {}
        budget -= size
        yield _joined(_as_record(item), shared)


def _as_record(item: object) -> Plain:
    if isinstance(item, Mapping):
        return {str(key): value for key, value in item.items()}
    return {"messages" if isinstance(item, list) else "value": item}


def _joined(own: Plain, around: Record) -> Plain:
    for key, value in around.items():
        own[key if key not in own else f"{key} (around)"] = value
    return own


def _is_light(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_INHERITED
    return isinstance(value, int | float) or value is None


def _length(item: object) -> int:
    values: Sequence[object] = list(item.values()) if isinstance(item, Mapping) else [item]
    return sum(len(value) if isinstance(value, str) else 8 for value in values)
