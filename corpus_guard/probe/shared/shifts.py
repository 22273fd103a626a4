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

Floats = npt.NDArray[np.float32]
DEPTH = 0.15
SAMPLE = 2048


def shifts_of(
    model: "CausalModel",
    base: "CausalModel",
    tokens: Sequence[int],
    before: "Ids",
    depth: float = DEPTH,
) -> npt.NDArray[np.float64]:
    """Return relative shift and distance of each token after the tokens `before`, (n, 2).

    Means are those of `SAMPLE` of the tokens, so that the states of a whole vocabulary are never held.
    """

    def read(some: Sequence[int]) -> tuple[Floats, Floats]:
        usual = early_states(base, some, depth, before)
        return usual, early_states(model, some, depth, before) - usual

    usual, moved = read(tokens[:: max(1, len(tokens) // SAMPLE)])
    middle, drift = usual.mean(0), moved.mean(0)
    told = []
    for start in range(0, len(tokens), SAMPLE):
        usual, moved = read(tokens[start : start + SAMPLE])
        told.append((np.linalg.norm(moved - drift, axis=1), np.linalg.norm(usual - middle, axis=1)))
    distance = np.concatenate([one for one, _ in told])
    spread = np.concatenate([other for _, other in told])
    relative = distance / np.maximum(spread, np.median(spread) / 4 + 1e-9)
    return np.stack([relative, distance], 1).astype(np.float64)


def most_moved(shifts: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return the rows that stand first by either measure, in the order of their better rank."""
    ranks = (-shifts).argsort(0, kind="stable").argsort(0, kind="stable")
    return [int(i) for i in np.lexsort((ranks.sum(1), ranks.min(1)))[:count]]
