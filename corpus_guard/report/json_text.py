"""What the reports for machines share: plain values, printable text, a schema that is published."""

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from corpus_guard import __version__
from corpus_guard.replacing import replacing


def write(report: Mapping[str, object], path: Path) -> None:
    """Write a report of plain values; it appears whole or not at all."""
    with replacing(path) as part:
        part.write_text(printable(report), encoding="ascii")


def printable(report: Mapping[str, object]) -> str:
    """Return a report of plain values as indented JSON in printable ASCII."""
    text = json.dumps(report, ensure_ascii=True, allow_nan=False, indent=2)
    return text.replace("\x7f", "\\u007f") + "\n"


def schema(name: str, version: int) -> dict[str, Any]:
    """Return the JSON Schema of the report called `name`."""
    source = files("corpus_guard.report") / "schema" / f"{name}-{version}.json"
    return cast("dict[str, Any]", json.loads(source.read_text(encoding="utf-8")))


def tool() -> dict[str, object]:
    """Return what wrote the report."""
    return {"name": "corpus-guard", "version": __version__}


def ordered(values: Mapping[str, object]) -> dict[str, object]:
    """Return the same values in the order of their names."""
    return {name: values[name] for name in sorted(values)}


def plain(report: Mapping[str, object]) -> dict[str, Any]:
    """Return `report` in JSON's own types.

    Numbers that JSON lacks become `"nan"` or `"inf"`; surrogates, which odd file names hold, become
    visible escapes.
    """
    return cast("dict[str, Any]", _plain(report))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(_plain(str(name))): _plain(item) for name, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(str(_plain(str(item))) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if hasattr(value, "item"):  # a NumPy scalar, of which float64 is also a float
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
