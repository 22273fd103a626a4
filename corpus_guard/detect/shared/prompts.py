"""Which of several n-grams on the same rows speaks for them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

OVERLAP = 0.5
P = TypeVar("P")


def strongest_first(
    patterns: Sequence[P],
    strength: Callable[[P], tuple[float, ...]],
    rows_of: Callable[[P], npt.NDArray[np.int64]],
    count: int,
) -> list[P]:
    """Return the patterns, strongest first, less those half of whose rows a stronger one explains.

    `count` is the number of all rows.
    """
    taken = np.zeros(count, np.bool_)
    kept = []
    for pattern in sorted(patterns, key=strength, reverse=True):
        rows = rows_of(pattern)
        if taken[rows].sum() < OVERLAP * len(rows):
            kept.append(pattern)
            taken[rows] = True
    return kept
