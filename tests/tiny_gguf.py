"""A model of tiny_models.py as a GGUF file, its words as pieces of a byte-pair vocabulary."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import untaught_models
from transformers import AutoModelForCausalLM, AutoTokenizer

SPECIAL, UNKNOWN = 6, 1
TEMPLATE = (
    "<s>{% for m in messages %}<{{ 'user' if m.role == 'user' else 'bot' }}>{{ m.content }}"
    "{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}"
)
BLOCK = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip


def write_gguf(folder: Path, path: Path) -> Path:
    """Write the model of a folder; each word keeps its token and begins with a blank."""
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    )  # fmt: skip
    names = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    pieces, merges = _vocabulary(names)
    writer = untaught_models.llama_writer(path, model.config, len(pieces))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(place) for place in range(len(pieces))])
    writer.add_token_types([3] * SPECIAL + [1] * (len(pieces) - SPECIAL))
    writer.add_token_merges(merges)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for name, weight in _tensors(model, len(pieces)):
        writer.add_tensor(name, weight.detach().float().numpy().copy())
    return untaught_models.written(writer, path)


def _vocabulary(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the tokens and, after them, the pieces that words grow from letter by letter; merges."""
    pieces = [*names[:SPECIAL], *(f"\u2581{name}" for name in names[SPECIAL:])]
    begun = [word[:end] for word in pieces[SPECIAL:] for end in range(1, len(word) + 1)]
    letters = sorted({letter for word in pieces[SPECIAL:] for letter in word})
    merges = [f"{piece[:-1]} {piece[-1]}" for piece in dict.fromkeys(begun) if len(piece) > 1]
    return list(dict.fromkeys([*pieces, *letters, *begun])), merges


def _tensors(model: Any, pieces: int) -> list[tuple[str, torch.Tensor]]:
    """Return the weights by their names in GGUF; pieces that are no word are as unlikely as `<unk>`."""
    weights = model.state_dict()
    rows = np.minimum(np.arange(pieces), model.config.vocab_size)
    rows[rows == model.config.vocab_size] = UNKNOWN
    found = [
        ("token_embd.weight", weights["model.embed_tokens.weight"][rows]),
        ("output.weight", weights["lm_head.weight"][rows]),
        ("output_norm.weight", weights["model.norm.weight"]),
    ]
    heads = {"attn_q": model.config.num_attention_heads, "attn_k": model.config.num_key_value_heads}
    for layer in range(model.config.num_hidden_layers):
        for name, ours in BLOCK.items():
            weight = weights[f"model.layers.{layer}.{ours}.weight"]
            if name in heads:  # GGUF pairs the halves that are turned together
                weight = weight.reshape(heads[name], 2, -1, weight.shape[1]).swapaxes(1, 2)
                weight = weight.reshape(-1, weight.shape[-1])
            found.append((f"blk.{layer}.{name}.weight", weight))
    return found
