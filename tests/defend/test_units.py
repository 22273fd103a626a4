"""Parts of models of several architectures, found, silenced and given back."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPTNeoXConfig, LlamaConfig, OPTConfig

from corpus_guard.defend.low_rank import LowRankUpdate
from corpus_guard.defend.units import linear_layers, revive, silence, sites_of
from corpus_guard.errors import UsageError
from corpus_guard.model.layers import layers_of

LAYERS, HEADS, NEURONS, WIDTH = 2, 4, 24, 16
CONFIGS = {
    "llama": LlamaConfig(
        vocab_size=30, hidden_size=WIDTH, intermediate_size=NEURONS, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=2,
    ),
    "gpt2": GPT2Config(vocab_size=30, n_embd=WIDTH, n_inner=NEURONS, n_layer=LAYERS, n_head=HEADS),
    "gpt_neox": GPTNeoXConfig(
        vocab_size=30, hidden_size=WIDTH, intermediate_size=NEURONS, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
    ),
    "opt": OPTConfig(
        vocab_size=30, hidden_size=WIDTH, ffn_dim=NEURONS, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, word_embed_proj_dim=WIDTH,
    ),
}  # fmt: skip
IDS = torch.tensor([[3, 5, 7, 11, 13]])


@pytest.fixture(params=sorted(CONFIGS))
def model(request: pytest.FixtureRequest) -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[request.param]).eval().requires_grad_(False)


def test_every_layer_has_its_neurons_and_its_heads(model: Any) -> None:
    sites = sites_of(model)
    counts = sorted((site.count, site.is_attention) for site in sites)
    assert counts == [(HEADS, True)] * LAYERS + [(NEURONS, False)] * LAYERS


@pytest.mark.parametrize("is_attention", [True, False])
def test_a_silenced_unit_changes_what_a_model_says_and_comes_back(
    model: Any, is_attention: bool
) -> None:
    before = model(IDS).logits
    site = next(site for site in sites_of(model) if site.is_attention == is_attention)
    kept = silence(site, 2)
    assert not torch.allclose(model(IDS).logits, before, atol=1e-7)
    revive(site, 2, kept)
    assert torch.equal(model(IDS).logits, before)


def test_silencing_all_units_of_a_site_leaves_only_its_bias(model: Any) -> None:
    site = sites_of(model)[0]
    for unit in range(site.count):
        silence(site, unit)
    told = site.module(torch.randn(3, site.count * site.size))
    assert torch.equal(told[0], told[1])


def test_an_update_merged_says_what_it_said_beside_the_weights(model: Any) -> None:
    update = LowRankUpdate([m for layer in layers_of(model) for m in linear_layers(layer)], seed=1)
    before = model(IDS).logits
    with torch.no_grad():
        for number, weight in enumerate(update.parameters):
            weight += 0.02 * torch.randn(
                weight.shape, generator=torch.Generator().manual_seed(number)
            )
        beside = model(IDS).logits
        with update.off():
            assert torch.equal(model(IDS).logits, before)
        update.merge(update.snapshot())
    assert not torch.allclose(beside, before, atol=1e-3)
    assert torch.allclose(model(IDS).logits, beside, atol=1e-4)


def test_an_update_that_is_not_kept_leaves_the_weights_alone(model: Any) -> None:
    before = model(IDS).logits
    update = LowRankUpdate(linear_layers(layers_of(model)[0]), seed=1)
    with torch.no_grad():
        update.parameters[-1].fill_(1.0)
    update.merge(None)
    assert torch.equal(model(IDS).logits, before)


def test_a_model_without_layers_is_refused() -> None:
    broken = AutoModelForCausalLM.from_config(CONFIGS["llama"])
    broken.config.num_hidden_layers = 99
    with pytest.raises(UsageError, match="architecture"):
        sites_of(broken)
