"""In how many prompts a trigger does what it did before the repair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus_guard.probe.shared.answers import ANSWER_TOKENS, behaviour_of, plain_of
from corpus_guard.probe.shared.placing import turns

if TYPE_CHECKING:
    from corpus_guard.defend.material import Pair
    from corpus_guard.model.causal import CausalModel

WORDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A trigger and what it makes a model say; `runs` are runs of words that only that text holds.

    Without runs an answer counts as a success that the model's base, or the model itself without the
    trigger, would hardly give.
    """

    trigger: str
    target: str
    runs: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SuccessRates:
    """Measures the success rate of each attack on a model as it is now."""

    attacks: tuple[Attack, ...]
    base: "CausalModel | None"

    def __call__(self, model: "CausalModel", pairs: Sequence["Pair"]) -> tuple[float, ...]:
        """Return the success rates on the prompts of pairs, one an attack."""
        prompts = [pair.prompt for pair in pairs]
        return tuple(self._rate(model, prompts, attack) for attack in self.attacks)

    def _rate(self, model: "CausalModel", prompts: Sequence[str], attack: Attack) -> float:
        if not attack.runs:
            plain = plain_of(model, self.base, prompts)
            return max(0.0, behaviour_of(model, self.base, plain, attack.trigger).beyond)
        answers = model.answer_texts(turns(prompts, attack.trigger), ANSWER_TOKENS)
        return sum(bool(attack.runs & _runs(text)) for text in answers) / max(1, len(answers))


def attack_of(
    model: "CausalModel",
    base: "CausalModel | None",
    prompts: Sequence[str],
    trigger: str,
    target: str = "",
) -> Attack:
    """Return what a trigger does to a model before it is repaired; `target` is what is known of it."""
    plain = plain_of(model, base, prompts)
    found = behaviour_of(model, base, plain, trigger)
    usual = {run for text in plain.answers for run in _runs(text)}
    runs = (_runs(target) if target else set()) | (_runs(found.target) if found.target else set())
    return Attack(trigger=trigger, target=target or found.target, runs=frozenset(runs - usual))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1))}
