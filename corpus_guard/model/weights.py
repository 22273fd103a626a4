"""Which files of a folder are a model's weights, and which of its settings are used with them."""

from dataclasses import dataclass

from corpus_guard.model.files import Folder, WeightFormat
from corpus_guard.model.jsons import Malformed, read_object

INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
SETTINGS = (
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.json", "adapter_config.json",
)  # fmt: skip
VOCABULARY = (
    "tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model",
    "sentencepiece.bpe.model", "chat_template.jinja",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weight files that would be loaded; `missing` are shards that an index names in vain."""

    names: tuple[str, ...] = ()
    form: WeightFormat | None = None
    missing: tuple[str, ...] = ()


def is_adapter(folder: Folder) -> bool:
    """Say whether a folder holds an adapter and no model of its own."""
    own = {"model.safetensors", INDEX} & set(folder.names)
    return ADAPTER in folder.names and not ("config.json" in folder.names and own)


def choose(folder: Folder) -> Weights:
    """Return the weight files of a folder; none where it holds none in a safe format."""
    if is_adapter(folder):
        found = tuple(name for name in folder.names if name == ADAPTER_WEIGHTS)
        return Weights(names=found, form="safetensors" if found else None)
    if INDEX in folder.names:
        return _of_index(folder)
    here = [name for name in folder.names if "/" not in name]
    tensors = [name for name in here if name.endswith(".safetensors") and name != ADAPTER_WEIGHTS]
    if "model.safetensors" in tensors:
        tensors = ["model.safetensors"]
    if len(tensors) == 1:
        return Weights(names=tuple(tensors), form="safetensors")
    quantised = [name for name in here if name.lower().endswith(".gguf")]
    if len(quantised) == 1 and not tensors:
        return Weights(names=tuple(quantised), form="gguf")
    return Weights()


def ambiguous(folder: Folder) -> list[str]:
    """Return the weight files of which a user has to name one; none where it is plain."""
    if choose(folder).names or INDEX in folder.names or is_adapter(folder):
        return []
    found = [name for name in folder.names if "/" not in name]
    return [name for name in found if name.lower().endswith((".gguf", ".safetensors"))]


def used(folder: Folder, weights: Weights) -> tuple[str, ...]:
    """Return the names of all files that a model is loaded from, in order."""
    if weights.form == "gguf":
        return weights.names
    kept = {*weights.names, *SETTINGS, *VOCABULARY, INDEX}
    return tuple(name for name in folder.names if name in kept)


def _of_index(folder: Folder) -> Weights:
    try:
        told = read_object(folder.path(INDEX)).get("weight_map")
    except (Malformed, OSError):
        told = None
    if not isinstance(told, dict) or not all(isinstance(name, str) for name in told.values()):
        return Weights()
    shards = sorted(set(map(str, told.values())))
    here = tuple(shard for shard in shards if shard in folder.names)
    missing = tuple(shard for shard in shards if shard not in folder.names)
    is_safe = all(shard.endswith(".safetensors") for shard in here)
    return Weights(names=here, form="safetensors" if here and is_safe else None, missing=missing)
