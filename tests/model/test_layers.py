from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="models need the extra [models]")

from transformers import AutoModelForCausalLM, LlamaConfig  # noqa: E402

from corpus_guard.errors import UsageError  # noqa: E402
from corpus_guard.model.layers import layers_of  # noqa: E402


@pytest.fixture
def model() -> Any:
    return AutoModelForCausalLM.from_config(
        LlamaConfig(
            vocab_size=30, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
            num_attention_heads=4,
        )
    )  # fmt: skip


def test_a_longer_list_of_other_modules_is_not_taken_for_layers(model: Any) -> None:
    model.tower = torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(9)])
    assert layers_of(model) is model.model.layers


def test_a_model_whose_settings_count_other_layers_is_refused(model: Any) -> None:
    model.config.num_hidden_layers = 99
    with pytest.raises(UsageError, match="architecture"):
        layers_of(model)
