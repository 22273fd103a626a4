"""From vetted files to a model that can be asked, on a CPU or another device.

The libraries see a staging folder only and are told to run no code, to fetch nothing and to read
safetensors. What they say of hostile files comes back as one sentence.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.files import ModelFiles
from corpus_guard.model.headers import read_gguf, read_safetensors
from corpus_guard.model.quiet import quiet
from corpus_guard.model.staging import GGUF, staged
from corpus_guard.probe_types import ModelKind

DType = Literal["auto", "float32", "bfloat16", "float16"]
Attention = Literal["sdpa", "eager"]
_INSTALL = "pip install 'corpus-guard[models]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in evaluation mode with its tokenizer; `template` is the chat template, if it has one."""

    model: Any
    tokenizer: Any
    kind: ModelKind
    template: str | None


def load(
    files: ModelFiles, *, device: str = "cpu", dtype: DType = "auto", attention: Attention = "sdpa"
) -> Loaded:
    """Return the model that the files hold, ready to be asked.

    `dtype` "auto" is what the weights are stored in, but float32 on a CPU without instructions for
    bfloat16. GGUF weights are dequantised. Only `attention` "eager" returns attention weights. Raises
    UsageError for an adapter, UnreadableTarget where the files were refused or cannot be loaded.
    """
    if files.kind == "adapter":
        raise UsageError(f"{_shown(files)} is an adapter; give its base model with --base too")
    refuse(files)
    with told_in_a_sentence(files), quiet(), staged(files) as folder:
        model = _model(files, folder, _dtype(files, device, dtype), attention)
        tokenizer = tokenizer_of(files, folder)
        template = template_of(files, tokenizer)
        model.to(device).eval()
        model.name_or_path = tokenizer.name_or_path = files.name  # not the staging folder's
    kind: ModelKind = "classifier" if files.kind == "classifier" else "causal"
    return Loaded(model=model, tokenizer=tokenizer, kind=kind, template=template)


def refuse(files: ModelFiles) -> None:
    """Raise UnreadableTarget where the files must not be loaded."""
    if files.loadable:
        return
    grave = [one for one in files.findings if one.rule in ("CG604", "CG606", "CG602", "CG603")]
    why = grave[0].message.rstrip(".") if grave else "it has no weights in a safe format"
    raise UnreadableTarget(
        f"{_shown(files)} is not loaded: {why}; get a whole copy in safetensors or GGUF"
    )


@contextmanager
def told_in_a_sentence(files: ModelFiles) -> Iterator[None]:
    """Turn whatever a library raises on the files into one sentence."""
    try:
        yield
    except (UsageError, MemoryError):
        raise
    except ModuleNotFoundError as error:
        named = safe_text(str(error.name), 60)
        raise UsageError(f"loading a model needs {named}; install it: {_INSTALL}") from error
    except Exception as error:
        why = f"{type(error).__name__}: {safe_text(str(error), 200)}"
        raise UnreadableTarget(
            f"{_shown(files)} cannot be loaded as {files.architecture or 'a model'} ({why}); "
            "only architectures that transformers knows can be probed"
        ) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of a library in Rust
            raise
        raise UnreadableTarget(f"{_shown(files)} has a broken tokenizer; get it again") from error


def _model(files: ModelFiles, folder: Path, dtype: Any, attention: Attention) -> Any:  # noqa: ANN401
    import transformers

    auto = (
        transformers.AutoModelForSequenceClassification
        if files.kind == "classifier"
        else transformers.AutoModelForCausalLM
    )
    gguf = {"gguf_file": GGUF} if files.weight_format == "gguf" else {"use_safetensors": True}
    model, told = auto.from_pretrained(
        folder,
        trust_remote_code=False,
        local_files_only=True,
        dtype=dtype,
        attn_implementation=attention,
        output_loading_info=True,
        **gguf,
    )
    missing = sorted(map(str, (*told["missing_keys"], *told["mismatched_keys"])))
    if missing:
        raise UnreadableTarget(
            f"{_shown(files)} lacks {len(missing)} of its tensors or has them in another shape, "
            f"{safe_text(missing[0], 100)} among them; get all its files"
        )
    return model


def tokenizer_of(files: ModelFiles, folder: Path) -> Any:  # noqa: ANN401
    """Return the tokenizer in a staging folder."""
    from transformers import AutoTokenizer

    gguf = {"gguf_file": GGUF} if files.weight_format == "gguf" else {}
    return AutoTokenizer.from_pretrained(
        folder, trust_remote_code=False, local_files_only=True, **gguf
    )


def template_of(files: ModelFiles, tokenizer: Any) -> str | None:  # noqa: ANN401
    """Return the chat template that a model is deployed with, or None."""
    told = getattr(tokenizer, "chat_template", None)
    if isinstance(told, Mapping):
        told = told.get("default")
    if not told and files.weight_format == "gguf":
        told = read_gguf(files.weights[0]).metadata.get("tokenizer.chat_template")
    return told if isinstance(told, str) and told else None


def _dtype(files: ModelFiles, device: str, asked: DType) -> Any:  # noqa: ANN401
    """Return the type to compute in."""
    import torch

    if asked != "auto":
        return getattr(torch, asked)
    if device != "cpu":
        return torch.bfloat16 if files.weight_format == "gguf" else "auto"
    return torch.bfloat16 if _has_native_bfloat16() and _is_half(files) else torch.float32


def _has_native_bfloat16() -> bool:
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^flags\s*:.*\b(avx512_bf16|amx_bf16)\b", told, re.MULTILINE) is not None


def _is_half(files: ModelFiles) -> bool:
    """Say whether the first weight file stores most of its numbers in 16 bits or fewer."""
    read = read_gguf if files.weight_format == "gguf" else read_safetensors
    header = read(files.weights[0])
    wide = sum(tensor.elements for tensor in header.tensors if tensor.dtype in ("F32", "F64"))
    return wide * 2 < header.elements


def _shown(files: ModelFiles) -> str:
    return safe_text(files.name, 300)
