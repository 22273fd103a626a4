"""Where two values differ, exactly and in words."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_guard.escape import safe_text

SHOWN = 120
PLAIN = (int, float, str, bytes, bool, type(None), np.generic)


def differences(
    one: object, two: object, where: str = "it", *, tolerance: float = 0.0
) -> Iterator[str]:
    """Yield where two values differ: plain values, arrays, dataclasses and collections of them.

    Numbers are equal when every bit is, or single ones that are no whole numbers when they differ by
    less than `tolerance` of themselves; arrays, when their types and shapes are too. What is of no such
    kind is compared by `==` if its type says what that means, and passed over otherwise, see `opaque`.
    """
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        if not _same_array(one, two):
            yield f"{where} differs: {_array(one)} and {_array(two)}"
    elif type(one) is not type(two):
        yield f"{where} is {_shown(one)} and {_shown(two)}"
    elif isinstance(one, float | np.floating):
        is_near = math.isclose(one, two, rel_tol=tolerance)  # type: ignore[arg-type]
        if not (one == two or is_near or (math.isnan(one) and math.isnan(two))):  # type: ignore[arg-type]
            yield f"{where} is {one!r} and {two!r}"
    elif (parts := parts_of(one)) is not None and (others := parts_of(two)) is not None:
        if parts.keys() != others.keys():
            yield f"{where} has {_shown(sorted(parts))} and {_shown(sorted(others))}"
        else:
            for name, part in parts.items():
                yield from differences(part, others[name], f"{where}{name}", tolerance=tolerance)
    elif (isinstance(one, PLAIN) or _says_equality(one)) and one != two:
        yield f"{where} is {_shown(one)} and {_shown(two)}"


def opaque(value: object, where: str = "it") -> Iterator[str]:
    """Yield the parts of a value that cannot be compared, with their types."""
    parts = parts_of(value)
    if parts is not None:
        for name, part in parts.items():
            yield from opaque(part, f"{where}{name}")
    elif not isinstance(value, (*PLAIN, np.ndarray)) and not _says_equality(value):
        yield f"{where}, a {type(value).__name__}"


def parts_of(value: Any) -> dict[str, Any] | None:  # noqa: ANN401  # whatever a plugin gives
    """Return the parts of a value by how they are reached; None where it has none."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f".{field.name}": getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {f"[{key!r}]": part for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {f"[{place}]": part for place, part in enumerate(value)}
    return None


def _says_equality(value: object) -> bool:
    return type(value).__eq__ is not object.__eq__


def _same_array(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> bool:
    if (one.dtype, one.shape) != (two.dtype, two.shape):
        return False
    is_float = one.dtype.kind in "fc"
    return bool(np.array_equal(one, two, equal_nan=is_float))


def _array(array: npt.NDArray[Any]) -> str:
    values = ", ".join(str(value) for value in array.ravel()[:4])
    return f"{array.dtype} {array.shape} [{values}{', …' if array.size > 4 else ''}]"


def _shown(value: object) -> str:
    return safe_text(repr(value), SHOWN)
