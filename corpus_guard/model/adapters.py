"""A base model with a LoRA adapter merged into it, from vetted files of both.

Only settings of LoRA that name no code and no file reach peft: it imports what `megatron_core` and
`parent_library` name. The adapter has to fit the base, tensor by tensor.
"""

from collections.abc import Mapping
from typing import Any

from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.files import ModelFiles, listed
from corpus_guard.model.jsons import read_object
from corpus_guard.model.loading import (
    Attention,
    DType,
    Loaded,
    load,
    refuse,
    template_of,
    tokenizer_of,
    told_in_a_sentence,
)
from corpus_guard.model.quiet import quiet
from corpus_guard.model.staging import staged
from corpus_guard.model.weights import ADAPTER

_KEPT = (
    "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "modules_to_save", "bias",
    "fan_in_fan_out", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern",
    "use_rslora", "use_dora", "lora_bias", "target_parameters", "trainable_token_indices",
)  # fmt: skip
_WITHOUT_EFFECT = (
    "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "eva_config", "inference_mode",
    "init_lora_weights", "loftq_config", "megatron_config", "megatron_core", "peft_type",
    "peft_version", "qalora_group_size", "revision", "runtime_config", "task_type",
)  # fmt: skip
"""Settings that change nothing once an adapter is merged; any other is refused, not left out."""

_CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Ways to begin training that change the base's weights, so that the adapter alone does not tell."""


def load_adapter(
    base: ModelFiles,
    adapter: ModelFiles,
    *,
    device: str = "cpu",
    dtype: DType = "auto",
    attention: Attention = "sdpa",
) -> Loaded:
    """Return the base with the adapter's weights merged into its own.

    The tokenizer is the adapter's where it brings one that fits, else the base's. Raises UsageError
    where the second is no adapter, UnreadableTarget where it was refused or does not fit the base.
    """
    shown = safe_text(adapter.name, 300)
    if adapter.kind != "adapter":
        raise UsageError(f"{shown} is no adapter; give a folder with adapter_config.json")
    refuse(adapter)
    settings = read_object(adapter.folder / ADAPTER)
    _refuse_other_kinds(shown, settings)
    loaded = load(base, device=device, dtype=dtype, attention=attention)
    with told_in_a_sentence(adapter), quiet():
        model = _merged(shown, loaded, settings, adapter)
        tokenizer, template = _tokenizer(adapter, model, loaded)
    return Loaded(model=model, tokenizer=tokenizer, kind=loaded.kind, template=template)


def _refuse_other_kinds(shown: str, settings: Mapping[str, object]) -> None:
    if settings.get("peft_type") != "LORA":
        kind = safe_text(str(settings.get("peft_type")), 40)
        raise UnreadableTarget(f"{shown} is a {kind} adapter; merge it yourself, only LoRA is read")
    for key, value in settings.items():
        if value and key not in (*_KEPT, *_WITHOUT_EFFECT):
            raise UnreadableTarget(f"{shown} sets {safe_text(key, 60)}; merge it yourself")
    start = str(settings.get("init_lora_weights", "")).lower()
    if start.startswith(_CHANGES_BASE):
        raise UnreadableTarget(
            f"{shown} was trained on a changed base ({safe_text(start, 40)}); merge it yourself"
        )


def _merged(shown: str, loaded: Loaded, settings: Mapping[str, object], adapter: ModelFiles) -> Any:  # noqa: ANN401
    import peft
    from safetensors.torch import load_file

    kept: dict[str, Any] = {key: settings[key] for key in _KEPT if settings.get(key) is not None}
    task = "SEQ_CLS" if loaded.kind == "classifier" else "CAUSAL_LM"
    config = peft.LoraConfig(**kept, task_type=task, inference_mode=True)
    model = peft.get_peft_model(loaded.model, config, autocast_adapter_dtype=False)
    weights = load_file(adapter.weights[0])
    told = peft.set_peft_model_state_dict(model, weights)
    unfilled = [name for name in told.missing_keys if "lora_" in name or "modules_to_save" in name]
    if told.unexpected_keys or unfilled:
        first = safe_text(sorted((*told.unexpected_keys, *unfilled))[0], 100)
        raise UnreadableTarget(
            f"{shown} does not fit the base ({first}); give the base it was made for"
        )
    return model.merge_and_unload().eval()


def _tokenizer(adapter: ModelFiles, model: Any, loaded: Loaded) -> tuple[Any, str | None]:  # noqa: ANN401
    present = listed(adapter.folder).names
    if not {"tokenizer_config.json", "tokenizer.json"} <= set(present):
        return loaded.tokenizer, loaded.template
    with staged(adapter) as folder:
        tokenizer = tokenizer_of(adapter, folder)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        return loaded.tokenizer, loaded.template
    return tokenizer, template_of(adapter, tokenizer) or loaded.template
