"""What a stage of a probe is given: the models, the texts to try, the budget, and what is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from corpus_guard.model.meter import Budget

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel
    from corpus_guard.model.classifier import Classifier

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A trigger that somebody suspects: from a scan, from a file, from the built-in list.

    `target` is what the model is thought to say then, "" where nobody knows. `source` is `scan`,
    `given` or `published`; `finding` the id of the finding of the scan, `rule` its rule.
    """

    text: str
    source: str
    target: str = ""
    finding: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every stage is given.

    `search` and `held_out` are texts that share none: prompts for a model that writes, unlabelled
    inputs for one that classifies. Choices are made on the first, what is said of a trigger is
    measured on the second. `decoys` is how many a trigger is compared with at most.

    `evidence` holds what earlier stages found, by name. `replay(trigger)` is a command that tests
    one trigger again. `say(text)` shows progress.
    """

    search: tuple[str, ...]
    held_out: tuple[str, ...]
    given: tuple[Given, ...]
    budget: Budget
    decoys: int
    seed: int
    replay: Callable[[str], str] = lambda trigger: ""
    say: Callable[[str], None] = lambda text: None
    evidence: Mapping[str, object] = field(default_factory=dict)

    def find(self, stage: str, kind: type[T]) -> T | None:
        """Return the evidence of an earlier stage, None where it did not run."""
        found = self.evidence.get(stage)
        return found if isinstance(found, kind) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierBench(Bench):
    """A model that classifies, and perhaps the one it was tuned from with the same classes."""

    model: "Classifier"
    base: "Classifier | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalBench(Bench):
    """A model that writes, and perhaps the one it was tuned from."""

    model: "CausalModel"
    base: "CausalModel | None" = None
