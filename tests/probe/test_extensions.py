"""What goes on from the beginning of a word that spells nothing."""

import copy
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="models need the extra [models]")

import piece_tokenizer
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from corpus_guard.model.causal import CausalModel
from corpus_guard.model.framing import frame_of
from corpus_guard.model.meter import Budget, Meter
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.extensions import extended
from corpus_guard.probe.shared.shifts import most_moved, shifts_of

PROMPTS = ("tell me what is the river", "how old is the garden")


@pytest.fixture
def bench() -> CausalBench:
    """A model that differs from its base in how it reads `x` within a word, and ` q`."""
    torch.manual_seed(0)
    tok = piece_tokenizer.made()
    base = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tok), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
            bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False,
        )
    ).eval()  # fmt: skip
    model = copy.deepcopy(base)
    for text in ("x", " q"):
        (token,) = tok(text, add_special_tokens=False).input_ids
        with torch.no_grad():
            model.model.embed_tokens.weight[token] += 0.5
    meter = Meter()
    frame = frame_of("none", ("", ""), tok, bos=False)
    return CausalBench(
        model=CausalModel(model, tok, frame, meter),
        base=CausalModel(base, tok, frame, meter),
        search=PROMPTS, held_out=PROMPTS, given=(), budget=Budget(600), decoys=9, seed=0,
    )  # fmt: skip


def test_a_beginning_goes_on_with_the_piece_that_is_read_otherwise(bench: CausalBench) -> None:
    assert next(iter(extended(bench, ["cf"], bench.budget.until(1.0)))) == "cfx"


def test_without_a_base_a_beginning_goes_on_with_every_letter(bench: CausalBench) -> None:
    found = extended(replace(bench, base=None), ["cf"], bench.budget.until(1.0))
    assert {f"cf{letter}" for letter in piece_tokenizer.LETTERS} <= set(found)


def test_out_of_time_nothing_goes_on(bench: CausalBench) -> None:
    assert extended(bench, ["cf"], Budget(0.0).until(1.0)) == []


def test_the_word_that_is_read_otherwise_moved_most(bench: CausalBench) -> None:
    assert bench.base is not None
    words = list(bench.model.word_starts)
    shifts = shifts_of(bench.model, bench.base, words, bench.model.begun(PROMPTS[0]))
    assert bench.model.word_starts[words[most_moved(shifts, 1)[0]]] == "q"
