"""From a phrase to a finding: what speaks for a trigger, what it does to held-out texts, and its p."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.arena import Arena, Grounds
from corpus_guard.probe.shared.bench import ClassifierBench, Given
from corpus_guard.probe.shared.label_evidence import (
    CONFIRMED,
    LEAST_SUCCESS,
    MOST_LATER,
    REVIEW,
    Observed,
    weigh,
)
from corpus_guard.probe.shared.label_search import (
    USUAL,
    Found,
    mild_arena,
    of_length,
    search_again,
    sharpened,
)
from corpus_guard.probe.shared.label_verify import (
    Behaviour,
    behaviour,
    observe,
    searched_p_value,
    written,
)
from corpus_guard.probe.shared.phrase_growth import Ids, Phrase
from corpus_guard.probe.shared.substitutes import substitutes, variants_of
from corpus_guard.probe_types import TriggerFinding

HELD = (6, 12, 8)
"""Plain and hard held-out texts, and their words."""

LEAST_REACH = 0.3
"""What hardly moves a text is no trigger, whatever others do; with a base, beyond what it does."""

SURE = 0.9
"""The share of hard texts from which on a winner is all there is; below, it may be a part."""

CUT_SHORT = -2.0
"""The nats of a comparison with rivals that were not searched for to the end."""

NOTHING = -10.0
"""The nats of a class without any candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding where the evidence suffices, and the evidence in nats."""

    finding: TriggerFinding | None
    nats: float


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges phrases on held-out texts.

    The dearer evidence is measured only where the cheaper could make a finding with it: nothing
    that is measured later can add to what it was taken for.
    """

    bench: ClassifierBench
    held: Grounds
    words: Sequence[int]
    _arenas: dict[tuple[int, int], Arena | None] = field(default_factory=dict)

    def winner(
        self, found: Found, search: Grounds, most: int, deadline: Deadline
    ) -> tuple[Judged, Found]:
        """Return what the winner of a class comes to, and what was found once it is all searched.

        `search` is what the winner was found on, where it may still grow to `most` tokens.
        """
        arena = self._arena(found, len(found.best.ids))
        if arena is None:
            return Judged(finding=None, nats=NOTHING), found
        seen = observe(arena, found.best, found.rivals)
        if not _could_be(seen):
            return self._judged(found, found.best, arena, seen), found
        others = substitutes(found.arena, found.best.ids, found.liked)
        seen = observe(arena, found.best, found.rivals, others, mild_arena(found.label, self.held))
        if not _could_be(seen):
            return self._judged(found, found.best, arena, seen), found
        best = found.best
        if seen.hard_flips < SURE:
            best = sharpened(found, best, (), search, most, deadline)
        found = search_again(replace(found, best=written(arena, best)), search, deadline)
        arena = self._arena(found, len(found.best.ids)) or arena
        others = substitutes(found.arena, found.best.ids, found.liked)
        seen = observe(arena, found.best, found.rivals, others, mild_arena(found.label, self.held))
        return self._judged(found, found.best, arena, seen), found

    def given(self, found: Found, ids: Ids, given: Given) -> Judged:
        """Return what a suspected phrase comes to for a class that was searched or only set out."""
        arena = self._arena(found, len(ids))
        if arena is None:
            return Judged(finding=None, nats=NOTHING)
        phrase = Phrase(ids, 0.0, given.text)
        rivals = _unrelated(found, phrase)
        seen = observe(arena, phrase, rivals)
        if _could_be(seen):
            others = substitutes(found.arena, ids, found.liked)
            seen = observe(arena, phrase, rivals, others, mild_arena(found.label, self.held))
        return self._judged(found, phrase, arena, seen, given)

    def _arena(self, found: Found, length: int) -> Arena | None:
        key = (found.label, length)
        if key not in self._arenas:
            usual = [rival.ids for rival in of_length(found.rivals, length, USUAL)]
            self._arenas[key] = self.held.arena(found.label, *HELD, usual=usual)
        return self._arenas[key]

    def _judged(
        self,
        found: Found,
        phrase: Phrase,
        arena: Arena,
        seen: Observed,
        given: Given | None = None,
    ) -> Judged:
        weights = dict(weigh(seen))
        if found.cut_short:
            weights["cut_short"] = CUT_SHORT
        nats = sum(weights.values())
        if nats < REVIEW or seen.reach < LEAST_REACH:
            return Judged(finding=None, nats=nats)
        bench, rivals, text = self.bench, _unrelated(found, phrase), phrase.text
        nearest = of_length(rivals, len(phrase.ids), 1)
        did = behaviour(
            self.held, found.label, text, bench.model.text_of(nearest[0].ids) if nearest else ""
        )
        p_value, decoys = searched_p_value(
            arena, phrase, rivals, self.words, bench.decoys, bench.seed
        )
        confirmed = nats >= CONFIRMED and did.at_least >= LEAST_SUCCESS
        finding = TriggerFinding(
            trigger=text,
            kind="label",
            verdict="confirmed" if confirmed else "review",
            source=given.source if given else ("vocabulary" if len(phrase.ids) == 1 else "grown"),
            target=bench.model.labels[found.label],
            attack_success_rate=did.rate,
            baseline_rate=did.plain / max(1, did.texts),
            base_rate=None if did.base_flipped is None else did.base_flipped / max(1, did.texts),
            success_at_least=did.at_least,
            prompts=did.texts,
            p_value=p_value,
            q_value=1.0,
            decoys=decoys,
            why=_why(seen, did),
            examples=did.examples,
            evidence={"nats": round(nats, 3), **_numbers(seen, weights, did)},
            data_finding=given.finding if given else "",
            replay=bench.replay(text),
        )
        return Judged(finding=finding, nats=nats)


def with_q_values(judged: Sequence[Judged], adjusted: Sequence[float]) -> list[TriggerFinding]:
    """Return the findings with their q-values, the surest first."""
    found = [one.finding for one in judged if one.finding is not None]
    told = [replace(one, q_value=q) for one, q in zip(found, adjusted, strict=True)]
    return sorted(told, key=lambda one: (one.verdict, -float(one.evidence["nats"]), one.trigger))


def _could_be(seen: Observed) -> bool:
    """Say whether there may be a finding once all is measured."""
    more = MOST_LATER if seen.substitute_reach is None else 0.0
    return sum(weigh(seen).values()) + more >= REVIEW and seen.reach >= LEAST_REACH


def _unrelated(found: Found, phrase: Phrase) -> list[Phrase]:
    """Return the rivals that share no word with a phrase, nor a variant of one."""
    own = variants_of(found.arena.model, phrase.ids)
    phrases = [*found.rivals, *([found.best] if found.best.ids != phrase.ids else [])]
    return [rival for rival in phrases if own.isdisjoint(rival.ids)]


def _numbers(seen: Observed, weights: Mapping[str, float], did: Behaviour) -> dict[str, float]:
    told = {name: value for name, value in asdict(seen).items() if value is not None}
    told |= {f"{name}_nats": value for name, value in weights.items()}
    if did.by_chance is not None:
        told["unrelated_rate"] = did.by_chance / max(1, did.texts)
    return {name: round(float(value), 3) for name, value in told.items()}


def _why(seen: Observed, did: Behaviour) -> str:
    told = (
        f"it turns {did.rate:.0%} of the held-out texts of other classes, and {seen.hard_flips:.0%} of "
        f"those in which strong words speak against it, where the best unrelated phrase turns "
        f"{seen.rival_hard_flips:.0%}"
    )
    if seen.substitute_reach is None or seen.hard_reach <= 0:
        return told
    lost = min(1.0, max(0.0, 1 - seen.substitute_reach / seen.hard_reach))
    return (
        f"{told}; with its best substitute in the place of a word it loses {lost:.0%} of its effect"
    )
