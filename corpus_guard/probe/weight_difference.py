"""Words that fine-tuning made the model read otherwise: what its weights did, before any answer.

What: where there is a base, each token of the vocabulary is read by the first layers of both models, in
the frame of a prompt, and the difference of the two states is taken. What all tokens have in common is
left out; what remains counts relative to how far a token's state was from the mean.

What it means: candidates for the stages that follow, never a verdict. Words that the tuning data hold
often move too.

Cost: the first layers once for each token in both models.

Source: the difference to a base as in model diffing; reading it off the first layers, which serves full
fine-tunes and adapters alike, is ours.
"""

import numpy as np
import numpy.typing as npt

from corpus_guard.errors import NotAssessed, NotPresent
from corpus_guard.model.early import early_states
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.evidence import TokenShifts


@probe_stage(
    title="words that the tuning made the model read otherwise",
    order=10,
    evidence=TokenShifts,
    kinds=("causal",),
    attacks=("backdoor trigger",),
)
def weight_difference(bench: CausalBench, *, depth: float = 0.15, kept: int = 4000) -> TokenShifts:
    """Return the tokens that moved most; see the module's docstring."""
    if bench.base is None:
        raise NotPresent("there is no base model to compare the weights with; name one with --base")
    if bench.base.vocabulary != bench.model.vocabulary:
        raise NotAssessed("the base has another vocabulary; name the model that was tuned")
    known = [i for i in range(bench.model.vocabulary) if bench.model.decode([i]).strip()]
    before = early_states(bench.base, known, depth)
    shifts = _relative(early_states(bench.model, known, depth) - before, before)
    order = np.argsort(-shifts, kind="stable")[:kept]
    names = ", ".join(repr(bench.model.decode([known[i]]).strip()) for i in order[:5])
    return TokenShifts(
        ids=tuple(known[i] for i in order),
        shifts=tuple(round(float(shifts[i]), 4) for i in order),
        told=f"{len(known):,} tokens compared; most moved {names}",
    )


def _relative(
    moved: npt.NDArray[np.float32], before: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return how far each row moved beyond the mean of all, as a share of how far it was from theirs."""
    away = np.linalg.norm(moved - moved.mean(0), axis=1)
    usual = np.linalg.norm(before - before.mean(0), axis=1)
    return np.asarray(away / np.maximum(usual, np.median(usual) / 4 + 1e-9), np.float64)
