"""JSON files of a model, read with bounds on their size, depth and number of values."""

import json
from collections.abc import Iterator
from pathlib import Path

LARGEST_SETTINGS = 10 << 20
LARGEST_VOCABULARY = 128 << 20
MOST_OBJECTS = 200_000
MOST_IN_VOCABULARY = 4_000_000
VOCABULARIES = ("tokenizer.json", "vocab.json")


class Malformed(ValueError):  # noqa: N818  # says what happened
    """A JSON file cannot be read; the message says why."""


def is_vocabulary(name: str) -> bool:
    """Say whether a JSON file may be large, as it holds a vocabulary."""
    return name.rsplit("/", 1)[-1] in VOCABULARIES or name.endswith(".index.json")


def read_json(path: Path) -> object:
    """Return what a JSON file holds; raise Malformed where it is too large, too deep or no JSON."""
    large = is_vocabulary(path.name)
    most = LARGEST_VOCABULARY if large else LARGEST_SETTINGS
    with path.open("rb") as stream:
        raw = stream.read(most + 1)
    return _parsed(raw, most, MOST_IN_VOCABULARY if large else MOST_OBJECTS)


def value_in(path: Path) -> object:
    """Return what a JSON file holds, None where it cannot be read, which CG606 tells."""
    try:
        return read_json(path)
    except (Malformed, OSError):
        return None


def read_object(path: Path) -> dict[str, object]:
    """Return the object that a JSON file holds; raise Malformed for anything else."""
    return _object(read_json(path))


def object_in(raw: bytes) -> dict[str, object]:
    """Return the object that bytes hold as JSON, with the bounds of settings; raise Malformed else."""
    return _object(_parsed(raw, LARGEST_SETTINGS, MOST_OBJECTS))


def _parsed(raw: bytes, most: int, most_objects: int) -> object:
    if len(raw) > most:
        raise Malformed(f"it is larger than {most >> 20} MiB")
    if raw.count(b"{") + raw.count(b"[") > most_objects:
        raise Malformed("it holds too many lists and objects")
    try:
        value: object = json.loads(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise Malformed("it is nested too deep") from error
    except ValueError as error:
        raise Malformed("it is not valid JSON") from error
    if depth(value) > 100:
        raise Malformed("it is nested too deep")
    return value


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Malformed("it is no JSON object")
    return value


def depth(value: object) -> int:
    """Return how many lists and objects lie around the innermost value."""
    deepest, below = 0, [value]
    while below:
        below = [inner for outer in below for inner in _inside(outer)]
        deepest += 1
    return deepest - 1


def members(value: object) -> Iterator[tuple[str, object]]:
    """Yield every key with its value, at any depth."""
    left = [value]
    while left:
        outer = left.pop()
        if isinstance(outer, dict):
            yield from outer.items()
        left.extend(_inside(outer))


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
