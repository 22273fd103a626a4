"""How much otherwise than its base a model reads tokens that come next, before any answer.

The states after the first layers are compared. What tuning did to all tokens alike is left out. Two
measures, since each finds what the other misses: the *distance* that a state moved, and the distance
as a share of how far the state was from the mean, which finds rare tokens.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpus_guard.model.early import early_states

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel, Ids

DEPTH = 0.15


def shifts_of(
    model: "CausalModel",
    base: "CausalModel",
    tokens: Sequence[int],
    before: "Ids",
    depth: float = DEPTH,
) -> npt.NDArray[np.float64]:
    """Return relative shift and distance of each token after the tokens `before`, (n, 2)."""
    usual = early_states(base, tokens, depth, before)
    moved = early_states(model, tokens, depth, before) - usual
    distance = np.linalg.norm(moved - moved.mean(0), axis=1)
    spread = np.linalg.norm(usual - usual.mean(0), axis=1)
    relative = distance / np.maximum(spread, np.median(spread) / 4 + 1e-9)
    return np.stack([relative, distance], 1).astype(np.float64)


def most_moved(shifts: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return the rows that stand first by either measure, in the order of their better rank."""
    ranks = (-shifts).argsort(0, kind="stable").argsort(0, kind="stable")
    return [int(i) for i in np.lexsort((ranks.sum(1), ranks.min(1)))[:count]]
