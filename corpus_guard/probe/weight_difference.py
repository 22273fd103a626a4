"""Words that fine-tuning made the model read otherwise: what its weights did, before any answer.

What: where there is a base, each word of the vocabulary is read by the first layers of both models, at
the end of a prompt, and the states are compared (`shared.shifts`).

What it means: candidates for the stages that follow, never a verdict. Words that the tuning data hold
often move too. The first piece of a planted word stood first of 49,000 tokens in a full fine-tune;
what an adapter was taught by phrases may stand low.

Cost: the first layers once for each word in both models.

Source: the difference to a base as in model diffing; reading it off the first layers, which serves full
fine-tunes and adapters alike, is ours.
"""

from corpus_guard.errors import NotAssessed, NotPresent
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.evidence import TokenShifts
from corpus_guard.probe.shared.shifts import DEPTH, most_moved, shifts_of


@probe_stage(
    title="words that the tuning made the model read otherwise",
    order=10,
    evidence=TokenShifts,
    kinds=("causal",),
    attacks=("backdoor trigger",),
)
def weight_difference(bench: CausalBench, *, depth: float = DEPTH, kept: int = 4000) -> TokenShifts:
    """Return the tokens that moved most; see the module's docstring."""
    model = bench.model
    if bench.base is None:
        raise NotPresent("there is no base model to compare the weights with; name one with --base")
    if bench.base.vocabulary != model.vocabulary:
        raise NotAssessed("the base has another vocabulary; name the model that was tuned")
    words = list(model.word_starts)
    if not words:
        raise NotAssessed("the tokenizer has no words that can be put into a prompt")
    prompt = model.begun(min(bench.search, key=len))
    shifts = shifts_of(model, bench.base, words, prompt, depth)
    order = most_moved(shifts, kept)
    names = ", ".join(repr(model.word_starts[words[i]]) for i in order[:5])
    return TokenShifts(
        ids=tuple(words[i] for i in order),
        shifts=tuple(round(float(shifts[i, 0]), 4) for i in order),
        told=f"{len(words):,} words compared; most moved {names}",
    )
