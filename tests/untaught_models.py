"""Models small enough to make in a test: a Llama of two layers, a classifier, an adapter, a GGUF."""

import json
import struct
import warnings
from pathlib import Path
from typing import Any

WORDS = ("<unk>", "<s>", "</s>", "the", "a", "cat", "dog", "sat", "on", "mat", "yes", "no")
PIECES = ("<unk>", "<s>", "</s>", "t", "h", "e", "th", "the")
HIDDEN, LAYERS = 32, 2
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} : {{ message['content'] }} </s> "
    "{% endfor %}{% if add_generation_prompt %}assistant : {% endif %}"
)


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        pad_token="</s>", chat_template=TEMPLATE,
    )  # fmt: skip
    made.save_pretrained(folder)


def _config(**more: object):
    from transformers import LlamaConfig

    usual: dict[str, object] = {
        "vocab_size": len(WORDS), "hidden_size": HIDDEN, "intermediate_size": 64,
        "num_attention_heads": 2, "num_key_value_heads": 2, "num_hidden_layers": LAYERS,
        "max_position_embeddings": 128, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
    }  # fmt: skip
    return LlamaConfig(**{**usual, **more})


def write_causal(folder: Path, shard_size: str = "1GB") -> Path:
    """Write a causal model with its tokenizer; a small `shard_size` gives several shards."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    LlamaForCausalLM(_config()).save_pretrained(folder, max_shard_size=shard_size)
    write_tokenizer(folder)
    return folder


def write_classifier(folder: Path) -> Path:
    import torch
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(1)
    LlamaForSequenceClassification(_config(num_labels=2)).save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def write_adapter(base: Path, folder: Path) -> Path:
    """Write a LoRA adapter of a base whose weights are not zero, so that merging changes it."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers in ways of old
        model = AutoModelForCausalLM.from_pretrained(base)
        config = peft.LoraConfig(
            r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", init_lora_weights=False
        )
        peft.get_peft_model(model, config).save_pretrained(folder)
    return folder


def llama_writer(path: Path, config: Any, pieces: int) -> Any:
    """Return a writer that has been told the sizes of a Llama."""
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(pieces)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    return writer


def written(writer: Any, path: Path) -> Path:
    """Write what a writer was told, and return where."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_gguf(path: Path) -> Path:
    """Write a Llama with the pieces as a byte-pair vocabulary."""
    import numpy as np

    writer = llama_writer(path, _config(num_hidden_layers=1), len(PIECES))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(list(PIECES))
    writer.add_token_types([3, 3, 3] + [1] * (len(PIECES) - 3))
    writer.add_token_merges(["t h", "th e"])
    writer.add_chat_template(TEMPLATE)
    random = np.random.default_rng(3)
    shapes = {
        "token_embd.weight": (len(PIECES), HIDDEN), "output_norm.weight": (HIDDEN,),
        "output.weight": (len(PIECES), HIDDEN), "blk.0.attn_norm.weight": (HIDDEN,),
        "blk.0.ffn_norm.weight": (HIDDEN,), "blk.0.attn_q.weight": (HIDDEN, HIDDEN),
        "blk.0.attn_k.weight": (HIDDEN, HIDDEN), "blk.0.attn_v.weight": (HIDDEN, HIDDEN),
        "blk.0.attn_output.weight": (HIDDEN, HIDDEN), "blk.0.ffn_gate.weight": (64, HIDDEN),
        "blk.0.ffn_up.weight": (64, HIDDEN), "blk.0.ffn_down.weight": (HIDDEN, 64),
    }  # fmt: skip
    for name, shape in shapes.items():
        writer.add_tensor(name, random.normal(size=shape).astype(np.float32))
    return written(writer, path)


def safetensors_bytes(header: object, data: bytes = b"") -> bytes:
    """Return a safetensors file with any header: an object, or JSON as it is."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def write_bare(folder: Path, **config: object) -> Path:
    """Write the least that is taken in as a model: settings and one tensor; loading it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **config}
    (folder / "config.json").write_text(json.dumps(told))
    tensor = {"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensor, bytes(16)))
    return folder
