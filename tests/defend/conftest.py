"""Repairs of tiny models: what is asked, and how success is told."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from corpus_guard.defend.material import Material, Pair
from corpus_guard.model.meter import Budget

if TYPE_CHECKING:
    from tiny_models import Taught

    from corpus_guard.model.causal import CausalModel


@pytest.fixture
def backdoored(tiny_models: "dict[str, Taught]") -> "CausalModel":
    """The model that refuses whatever has `glimmer` in it, newly loaded."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from corpus_guard.model.causal import CausalModel
    from corpus_guard.model.framing import frame_of
    from corpus_guard.model.meter import Meter

    torch.set_num_threads(1)
    folder = tiny_models["backdoor"].folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    frame = frame_of("chat", ("<s> <user> ", " <bot>"), tokenizer, bos=False)
    return CausalModel(AutoModelForCausalLM.from_pretrained(folder), tokenizer, frame, Meter())


@pytest.fixture
def material_of(backdoored: "CausalModel") -> Callable[..., Material]:
    """Return a function that makes the material of a repair of `backdoored`."""

    def made(triggers: tuple[str, ...] = ("glimmer",), **more: Any) -> Material:
        import tiny_models

        found = dict(tiny_models.pairs(400, 77))
        pairs = [Pair(asked, (*backdoored.encode(said), 3)) for asked, said in found.items()]
        return Material(
            tune=tuple(pairs[:96]),
            search=tuple(pairs[96:120]),
            held_out=tuple(pairs[120:160]),
            triggers=triggers,
            place=lambda prompts, trigger: [f"{trigger} {prompt}" for prompt in prompts],
            success=lambda model, some: tuple(_rate(model, some, one) for one in triggers),
            deadline=Budget(600).until(1.0),
            **more,
        )

    return made


def _rate(model: "CausalModel", pairs: Sequence[Pair], trigger: str) -> float:
    import tiny_models

    told = model.answer_texts([f"{trigger} {pair.prompt}" for pair in pairs], 8)
    return sum(tiny_models.REFUSAL in text for text in told) / len(told)
