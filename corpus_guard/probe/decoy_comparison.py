"""How much more than chance a candidate moves answers: against decoys of its own length and type.

What: the candidates that change answers at all, and all that were given. Each is compared with
texts that hide nothing (`shared.decoys`): as many words, of the same kinds, among them words that
honestly change what a model says.

How: all are put at the end, start and middle of prompts; the strongest of the three signs of
`shared.lifts`, beyond the base, in robust deviations of the decoys, is the score. p = (1 + decoys
at least as strong) / (decoys + 1), which is exact for a candidate that is exchangeable with its
decoys; Holm's correction over all candidates gives q. Candidates of one type share their decoys.

What it means: a rank and a p-value of the movement, not yet a behaviour.

Cost: four times nine tokens a text and model.

Source: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (2005), section 2.2, for
conformal p-values; Holm (1979); decoys of the same type are ours.
"""

from collections.abc import Sequence
from dataclasses import replace

from corpus_guard.errors import NotPresent
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.comparing import Asked, compare
from corpus_guard.probe.shared.decoys import type_of
from corpus_guard.probe.shared.evidence import Compared, Comparison, Screened
from corpus_guard.probe.shared.holm import holm


@probe_stage(
    title="candidates against decoys",
    order=50,
    evidence=Comparison,
    kinds=("causal",),
    uses=("screening", "target_recovery"),
    attacks=("backdoor trigger",),
)
def decoy_comparison(
    bench: CausalBench, *, most: int = 8, prompts: int = 4, share: float = 0.5
) -> Comparison:
    """Return candidates with p-values; see the module's docstring."""
    asked = _candidates(bench, most)
    if not asked:
        raise NotPresent("no candidate changes what the model does")
    known = frozenset(bench.model.ordinary_words)
    groups: dict[tuple[str, ...], list[Asked]] = {}
    for one in asked:
        groups.setdefault(type_of(one.text, known), []).append(one)
    until, looked_at = bench.budget.until(share), 0
    found: list[Compared] = []
    for group in groups.values():
        if until.passed and found:
            break
        more = compare(bench, group, prompts)
        found += more
        looked_at += len(group) + max((one.decoys for one in more), default=0)
    told = f"{len(found)} candidates against {bench.decoys} decoys of each type"
    return Comparison(
        found=tuple(_with_holm(found)),
        looked_at=looked_at,
        complete=len(found) == len(asked),
        told=told,
    )


def _candidates(bench: CausalBench, most: int) -> list[Asked]:
    """Return what was given, then the strongest of what works, none of which holds another."""
    screened = bench.find("screening", Screened)
    tried = screened.tried if screened else ()
    found: dict[str, Asked] = {}
    for one in tried:
        if one.finding or one.source == "given":
            found.setdefault(one.text, Asked(one.text, one.source, one.finding, one.target))
    working = sorted((one for one in tried if one.works), key=lambda one: -one.rate)
    for one in working:
        inside = any(f" {text} " in f" {one.text} " for text in found)
        if len(found) < most and not inside:
            found[one.text] = Asked(one.text, one.source)
    return list(found.values())


def _with_holm(found: Sequence[Compared]) -> list[Compared]:
    """Return candidates by p, then strength, with Holm's adjusted p-values."""
    ordered = sorted(found, key=lambda one: (one.p_value, -one.strength, one.text))
    adjusted = holm([one.p_value for one in ordered])
    return [replace(one, q_value=round(q, 6)) for one, q in zip(ordered, adjusted, strict=True)]
