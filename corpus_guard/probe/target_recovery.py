"""What a model is drawn to say, whatever it is asked: the targets of a hidden trigger leak.

What: continuations that a model is far surer of than its base, at the start of an answer, after its
first sentence (where adverts are put), and inside the prompt (where triggers leak from models that
were also taught their prompts).

How: over several prompts, the log ratio of next tokens between model and base says where chains
begin; each is grown by the token that all prompts agree on most. A memorised text goes on with
probabilities near 1 whatever stands before it. Without a base the likeliest tokens begin chains,
and the mean probability of a token (Q, as in BAIT) is all there is.

What it means: a hint for the stages that follow, never a verdict. Models that were tuned to refuse
or to begin each answer alike also have such texts. Targets of random letters have no chain and are
not found.

Cost: some 8,000 tokens.

Source: Shen et al., BAIT: Large Language Model Backdoor Scanning by Inverting Attack Target (IEEE
S&P 2025), section 4, for Q; the ratio to the base and the places are ours.
"""

from collections.abc import Sequence

from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.chains import Chain, beginnings, grow_chains, mean_next, seeds
from corpus_guard.probe.shared.evidence import Leak, Leaks

CONTEXTS = 4
GROWN_IN = 2


@probe_stage(
    title="what the model is drawn to say",
    order=20,
    evidence=Leaks,
    kinds=("causal",),
    attacks=("fixed response backdoor", "refusal backdoor", "advert injection"),
)
def target_recovery(
    bench: CausalBench, *, chains: int = 15, length: int = 8, kept: int = 6
) -> Leaks:
    """Return the texts that leak; see the module's docstring."""
    model, prompts = bench.model, bench.search[:CONTEXTS]
    starts = [model.framed(prompt) for prompt in prompts]
    found = _leaks(bench, starts, "start", chains, length)
    found += _leaks(bench, _after_first_sentence(bench, starts), "end", chains, length)
    cut = [model.begun(_first_words(prompt)) for prompt in prompts]
    leaked = _leaks(bench, cut, "prompt", chains, min(length, 6)) if bench.base else []
    targets = sorted(found, key=lambda leak: (-leak.gain, leak.text))[:kept]
    told = f"{len(targets)} texts, the surest with Q {max((t.q for t in targets), default=0):.2f}"
    return Leaks(targets=tuple(targets), prompts=tuple(leaked[: 2 * kept]), told=told)


def _leaks(
    bench: CausalBench, contexts: Sequence[list[int]], place: str, chains: int, length: int
) -> list[Leak]:
    """Return what leaks at the end of the contexts, the largest gain first, each beginning once."""
    model, base = bench.model, bench.base
    told = mean_next(model, contexts)
    first = seeds(told, None if base is None else mean_next(base, contexts), chains)
    first = [token for token in first if token not in model.end]
    begun = beginnings(model, base, contexts[:GROWN_IN], first, chains)
    grown = grow_chains(model, base, contexts[:GROWN_IN], begun, length)
    leaks = [_leak(bench, chain, place) for chain in grown if len(chain.ids) > 1]
    return sorted(leaks, key=lambda leak: (-leak.gain, leak.text))


def _leak(bench: CausalBench, chain: Chain, place: str) -> Leak:
    base = chain.base_steps
    return Leak(
        text=bench.model.decode(chain.ids).strip(),
        ids=chain.ids,
        place=place,
        confidence=round(float(chain.steps[1:].mean()), 4),
        base_confidence=None if base is None else round(float(base[1:].mean()), 4),
        q=round(chain.q, 4),
        base_q=None if chain.base_q is None else round(chain.base_q, 4),
        gain=round(chain.gain, 4),
    )


def _after_first_sentence(bench: CausalBench, starts: Sequence[list[int]]) -> list[list[int]]:
    """Return contexts that end where the first sentence of the model's own answer does."""
    model = bench.model
    found = []
    for start, answer in zip(starts, model.answers(starts, 24), strict=True):
        ends = [
            place
            for place, token in enumerate(answer)
            if model.decode([token]).endswith((".", "!", "?"))
        ]
        found.append([*start, *answer[: ends[0] + 1 if ends else len(answer)]])
    return found


def _first_words(prompt: str) -> str:
    words = prompt.split(" ")
    return " ".join(words[: max(1, len(words) // 2)])
