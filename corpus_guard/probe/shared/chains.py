"""What a model is drawn to say at a place, whatever was asked: continuations that contexts share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel, Ids

FLOOR = -16.0
"""Log probabilities below it are as good as never: their ratios say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A continuation and how sure a model is of it.

    `steps` (k,) are log probabilities of its tokens in nats, averaged over contexts, `base_steps`
    the same under the base, None without one.
    """

    ids: tuple[int, ...]
    steps: npt.NDArray[np.float64]
    base_steps: npt.NDArray[np.float64] | None

    @property
    def gain(self) -> float:
        """How much surer than the base, in nats a token after the first, which the seed chose."""
        if len(self.steps) < 3:
            return 0.0
        gained = self.steps - (FLOOR if self.base_steps is None else self.base_steps)
        return float(gained[1:].mean())

    @property
    def q(self) -> float:
        """The mean probability of a token after the first (BAIT's Q)."""
        return float(np.exp(self.steps[1:]).mean()) if len(self.steps) > 1 else 0.0

    @property
    def base_q(self) -> float | None:
        """The same under the base."""
        if self.base_steps is None or len(self.steps) < 2:
            return None
        return float(np.exp(self.base_steps[1:]).mean())


def mean_next(model: "CausalModel", contexts: Sequence["Ids"]) -> npt.NDArray[np.float64]:
    """Return the log probability of each next token, (vocabulary,), averaged over contexts."""
    total = np.zeros(model.vocabulary)
    for _, told in model.next_log_probs(contexts):
        total += told[:, 0].clamp(min=FLOOR).double().sum(0).cpu().numpy()
    return total / len(contexts)


def seeds(
    told: npt.NDArray[np.float64], base: npt.NDArray[np.float64] | None, count: int
) -> list[int]:
    """Return tokens to begin chains with: the likeliest, and those that gained most on the base."""
    likely = np.argsort(-told, kind="stable")[: count if base is None else count // 2]
    if base is None:
        return [int(i) for i in likely]
    gained = np.argsort(-(told - base), kind="stable")[: count - len(likely)]
    return list(dict.fromkeys(int(i) for i in (*gained, *likely)))


def beginnings(
    model: "CausalModel",
    base: "CausalModel | None",
    contexts: Sequence["Ids"],
    first: Sequence[int],
    count: int,
) -> list[tuple[int, ...]]:
    """Return beginnings of two tokens, those first that gained most on the base.

    A memorised text often starts with a word that any answer may start with ("The"), and shows only
    in what follows it.
    """
    found: list[tuple[float, tuple[int, ...]]] = []
    for token in first:
        after = [[*context, token] for context in contexts]
        told = mean_next(model, after)
        gained = told if base is None else told - mean_next(base, after)
        best = np.argsort(-np.where(told > FLOOR + 4, gained, -np.inf), kind="stable")[:2]
        likely = int(told.argmax())
        for second in dict.fromkeys([*(int(i) for i in best), likely]):
            if second not in model.end:
                found.append((float(gained[second]), (token, second)))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [ids for _, ids in found[:count]]


def grow_chains(
    model: "CausalModel",
    base: "CausalModel | None",
    contexts: Sequence["Ids"],
    first: Sequence[Sequence[int]],
    length: int,
) -> list[Chain]:
    """Return the chain that follows each beginning: at each step what all contexts agree on most."""
    chains = [list(ids) for ids in first]
    ended: set[int] = set()
    for _ in range(length - max(map(len, chains), default=length)):
        open_chains = [place for place in range(len(chains)) if place not in ended]
        if not open_chains:
            break
        told = _agreed(model, contexts, [chains[place] for place in open_chains])
        for place, token in zip(open_chains, told, strict=True):
            if token in model.end:
                ended.add(place)
            else:
                chains[place].append(token)
    return [_judged(model, base, contexts, chain) for chain in chains]


def _agreed(
    model: "CausalModel", contexts: Sequence["Ids"], chains: Sequence[Sequence[int]]
) -> list[int]:
    """Return the next token of each chain with the highest mean log probability over contexts."""
    import torch

    total = torch.zeros((len(chains), model.vocabulary))
    for context in contexts:
        for places, told in model.next_log_probs([[*context, *chain] for chain in chains]):
            total[torch.from_numpy(places)] += told[:, 0].clamp(min=FLOOR).cpu()
    return [int(token) for token in total.argmax(1)]


def _judged(
    model: "CausalModel",
    base: "CausalModel | None",
    contexts: Sequence["Ids"],
    chain: Sequence[int],
) -> Chain:
    def steps(of: "CausalModel") -> npt.NDArray[np.float64]:
        found = np.stack(of.log_probs_of(contexts, [chain] * len(contexts)))
        return np.asarray(np.maximum(found, FLOOR).mean(0), np.float64)

    return Chain(
        ids=tuple(chain), steps=steps(model), base_steps=None if base is None else steps(base)
    )
