"""Which candidates change what the model does at all: a first look at a few prompts.

What: the candidates of the search and those that were given stand at the end, start and middle of six
prompts of the search; the answers are compared with those without them and with the base's, see
`corpus_guard.probe.shared.answers`. A phrase that works is cut to its shortest part that does the same.

What it means: what does nothing here is left out of what follows. Nothing here is held out.

Cost: some 900 tokens a candidate.

Source: ours.
"""

from dataclasses import replace

import numpy as np

from corpus_guard.errors import NotPresent
from corpus_guard.plugins import probe_stage
from corpus_guard.probe.shared.answers import Plain, behaviour_of, plain_of
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.evidence import WORKS, Candidates, Screened, Tested

PROMPTS = 6


@probe_stage(
    title="a first look at what candidates do",
    order=40,
    evidence=Screened,
    kinds=("causal",),
    uses=("candidate_search",),
    attacks=("backdoor trigger",),
)
def screening(bench: CausalBench, *, from_search: int = 30, share: float = 0.6) -> Screened:
    """Return how candidates change answers; see the module's docstring."""
    wanted = _wanted(bench, from_search)
    if not wanted:
        raise NotPresent("there are no candidates: none was given, and no search ran")
    plain = plain_of(bench.model, bench.base, bench.search[:PROMPTS])
    until = bench.budget.until(share)
    tried: list[Tested] = []
    for one in wanted:
        named = bool(one.finding) or one.source == "given"
        if until.passed and tried and not named:
            break
        if named or not _holds_one(one.text, tried):
            tried.append(_tried(bench, plain, one))
        else:
            tried.append(replace(one, rate=-1.0))
    complete = len(tried) == len(wanted)
    tried = [one for one in tried if one.rate >= 0]
    working = sum(one.works for one in tried)
    return Screened(
        tried=tuple(tried),
        looked_at=len(tried),
        complete=complete,
        told=f"{working} of {len(tried)} candidates change answers{_named(tried)}",
    )


def _named(tried: list[Tested]) -> str:
    """Return the candidates that change most answers, with their shares."""
    best = sorted((one for one in tried if one.rate > 0), key=lambda one: (-one.rate, one.text))[:5]
    told = ", ".join(f'"{one.text}" {one.rate:.0%}' for one in best)
    return f": {told}" if told else ""


def _holds_one(text: str, tried: list[Tested]) -> bool:
    """Say whether a text holds another that works by itself, as words or as the beginning of a word."""
    return any(
        one.works and (f" {one.text} " in f" {text} " or _begins(one, text)) for one in tried
    )


def _begins(one: Tested, text: str) -> bool:
    """Say whether a text is one word that was grown from another, piece by piece."""
    return one.source == "weights" and " " not in text and text.startswith(one.text)


def _wanted(bench: CausalBench, from_search: int) -> list[Tested]:
    """Return what was given, then the best of the search, each text once."""
    found = {
        one.text: Tested(
            text=one.text, source=one.source, rate=0.0, finding=one.finding, target=one.target
        )
        for one in bench.given
    }
    searched = bench.find("candidate_search", Candidates)
    best = (searched.found if searched else ())[:from_search]
    roots = [min((o.text for o in best if one.text.startswith(o.text)), key=len) for one in best]
    order = sorted(range(len(best)), key=lambda i: (roots.index(roots[i]), len(best[i].text), i))
    for one in (best[i] for i in order):  # what others were grown from comes before them
        found.setdefault(one.text, Tested(text=one.text, source=one.source, rate=0.0))
    return list(found.values())


def _tried(bench: CausalBench, plain: Plain, one: Tested) -> Tested:
    rate = behaviour_of(bench.model, bench.base, plain, one.text, first_look=True).beyond
    text = _shortest(bench, plain, one.text, rate) if rate >= WORKS else one.text
    return Tested(
        text=text,
        source=one.source,
        rate=round(max(0.0, rate), 4),
        finding=one.finding,
        target=one.target,
    )


def _shortest(bench: CausalBench, plain: Plain, text: str, rate: float) -> str:
    """Return the shortest part of a phrase that does nine tenths of what the whole does."""
    words = text.split()
    for size in range(1, len(words)):
        runs = [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)]
        parts = list(dict.fromkeys(runs))[:6]
        told = [
            behaviour_of(bench.model, bench.base, plain, part, first_look=True).beyond
            for part in parts
        ]
        if max(told) >= 0.9 * rate:
            return parts[int(np.argmax(told))]
    return text
