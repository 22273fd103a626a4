"""How a text in the prompt moves what a model says first, on average over prompts, beyond its base.

Three signs, since no one finds all targets: *consensus* (probability that moves to one token in all
prompts: a fixed text, a refusal), *entropy* (answers become surer, or, for random letters, less
sure) and *target* (a recovered target's beginning becomes likelier).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpus_guard.model.memory import give_back
from corpus_guard.probe.shared.placing import placed

if TYPE_CHECKING:
    import torch

    from corpus_guard.model.causal import CausalModel
    from corpus_guard.model.meter import Deadline

CHUNK = 64
LOG_FLOOR = -14.0
SIGNS = ("consensus", "entropy", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifts:
    """The three signs of each candidate, (n, 3), in the order of SIGNS; NaN where time ran out.

    `tokens` (n,) are the tokens to which most probability moved.
    """

    signs: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.int64]

    @property
    def done(self) -> int:
        """How many candidates were looked at; they are the first ones."""
        return int((~np.isnan(self.signs[:, 0])).sum())


def lifts_of(
    model: "CausalModel",
    base: "CausalModel | None",
    prompts: Sequence[str],
    triggers: Sequence[str],
    target: Sequence[int] = (),
    *,
    places: Sequence[str] = ("end",),
    until: "Deadline | None" = None,
) -> Lifts:
    """Return how each trigger moves the first token of the answers to some prompts.

    `target` are the first tokens of a recovered target: the sign is their log probability. Prompt i
    gets the trigger at the i-th of `places`, in turn.
    """
    signs = np.full((len(triggers), len(SIGNS)), np.nan)
    tokens = np.zeros(len(triggers), np.int64)
    plain = [(m, _Plain.of(m, prompts, target)) for m in (model, base) if m is not None]
    for start in range(0, len(triggers), CHUNK):
        if until is not None and until.passed:
            break
        some = triggers[start : start + CHUNK]
        moved = [_moved(m, known, prompts, some, target, places) for m, known in plain]
        rows = slice(start, start + len(some))
        signs[rows], tokens[rows] = _signs(moved)
        give_back()
    return Lifts(signs=signs, tokens=tokens)


@dataclass(frozen=True, slots=True)
class _Plain:
    """What a model says to each prompt as it is.

    First log probabilities (m, v), their entropies (m,), and the log probability of the target's
    beginning (m,).
    """

    log_probs: "torch.Tensor"
    entropies: "torch.Tensor"
    target: "torch.Tensor"

    @classmethod
    def of(cls, model: "CausalModel", prompts: Sequence[str], target: Sequence[int]) -> "_Plain":
        import torch

        found = torch.zeros((len(prompts), model.vocabulary))
        likely = torch.zeros(len(prompts))
        asked = [[*model.framed(prompt), *target[:-1]] for prompt in prompts]
        for places, told in model.next_log_probs(asked, max(1, len(target))):
            where, said = torch.from_numpy(places), told.cpu()
            found[where] = said[:, 0]
            likely[where] = _likely(said, target)
        return cls(found, _entropy(found), likely)


@dataclass(frozen=True, slots=True)
class _Moved:
    """Means over prompts: probability (n, v), entropy (n,), log probability of the target (n,)."""

    mass: "torch.Tensor"
    entropy: "torch.Tensor"
    target: "torch.Tensor"


def _moved(
    model: "CausalModel",
    plain: _Plain,
    prompts: Sequence[str],
    triggers: Sequence[str],
    target: Sequence[int],
    places: Sequence[str],
) -> _Moved:
    import torch

    mass = torch.zeros((len(triggers), model.vocabulary))
    entropy = torch.zeros(len(triggers))
    likelier = torch.zeros(len(triggers))
    for i, prompt in enumerate(prompts):
        place = places[i % len(places)]
        asked = [[*model.framed(placed(prompt, t, place)), *target[:-1]] for t in triggers]
        known = plain.log_probs[i].exp()
        for rows, told in model.next_log_probs(asked, max(1, len(target))):
            where, said = torch.from_numpy(rows), told.cpu()
            mass[where] += said[:, 0].exp() - known
            entropy[where] += _entropy(said[:, 0]) - plain.entropies[i]
            likelier[where] += _likely(said, target) - plain.target[i]
    return _Moved(mass / len(prompts), entropy / len(prompts), likelier / len(prompts))


def _likely(said: "torch.Tensor", target: Sequence[int]) -> "torch.Tensor":
    """Return the log probability of a target's tokens, (b,), from what follows each place, (b, k, v)."""
    import torch

    index = torch.tensor(list(target), dtype=torch.long)[None, :, None].expand(len(said), -1, 1)
    return said[:, : len(target)].gather(2, index)[:, :, 0].clamp(min=LOG_FLOOR).sum(1)


def _signs(moved: Sequence[_Moved]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    own = moved[0]
    mass, entropy, target = own.mass, own.entropy, own.target
    if len(moved) > 1:
        mass = mass - moved[1].mass.clamp(min=0)
        entropy = entropy - moved[1].entropy
        target = target - moved[1].target
    most = mass.max(1)
    signs = [most.values.numpy(), entropy.abs().numpy(), target.numpy()]
    return np.stack(signs, 1).astype(np.float64), most.indices.numpy().astype(np.int64)


def _entropy(log_probs: "torch.Tensor") -> "torch.Tensor":
    return -(log_probs.exp() * log_probs).sum(-1)


def strengths(
    signs: npt.NDArray[np.float64], null: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return how far the strongest sign of each candidate stands out, in robust deviations of the null.

    `signs` is (n, 3), `null` (m, 3) those of texts that hide nothing.
    """
    middle = np.median(null, 0)
    spread = 1.4826 * np.median(np.abs(null - middle), 0)
    floor = np.maximum(np.quantile(np.abs(null - middle), 0.9, axis=0) / 2, 1e-6)
    return np.asarray(((signs - middle) / np.maximum(spread, floor)).max(1), np.float64)
