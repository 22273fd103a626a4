"""The folder of a repaired model: new, whole or not there, with weights as wide as they were."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_guard.defend.repair import Repaired
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.opening_models import Opened
from corpus_guard.replacing import replacing_folder
from corpus_guard.report import prune_json

if TYPE_CHECKING:
    from corpus_guard.model.files import ModelFiles

_TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def checked_out(out: Path, inputs: Sequence[str | None]) -> Path:
    """Return where a model may be written; raise UsageError for what holds files, or a model given."""
    shown = safe_text(str(out), 300)
    places = [Path(one).resolve() for one in inputs if one and Path(one).exists()]
    if any(out.resolve().is_relative_to(place) for place in places):
        raise UsageError(f"{shown} is in a model that was given; give another folder to --out")
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UsageError(f"{shown} is there already; give a new or an empty folder to --out")
    return out


def round_to_stored(opened: Opened) -> None:
    """Round weights to the type that they are stored in, so that what is measured is what is written."""
    import torch

    stored = _stored(opened.whole)
    with torch.no_grad():
        for weight in opened.loaded.model.parameters():
            weight.copy_(weight.to(stored))


def write_folder(opened: Opened, repaired: Repaired) -> None:
    """Write the model as safetensors, its tokenizer, its settings and `prune.json`."""
    from corpus_guard.model.quiet import quiet

    model, tokenizer = opened.loaded.model, opened.loaded.tokenizer
    tokenizer.chat_template = opened.loaded.template
    model.to(_stored(opened.whole))
    model.config.dtype = _stored(opened.whole)
    _forget_quantisation(model)
    with replacing_folder(repaired.out) as folder, quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        prune_json.write(repaired, folder / "prune.json")


def _forget_quantisation(model: Any) -> None:  # noqa: ANN401
    """Let weights that were dequantised be saved as the plain ones that they are."""
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def _stored(files: "ModelFiles") -> Any:  # noqa: ANN401
    """Return the type that most of the weights are stored in."""
    import torch

    from corpus_guard.model.headers import read_safetensors

    if files.weight_format != "safetensors":
        return torch.bfloat16
    widths: Counter[str] = Counter()
    for tensor in read_safetensors(files.weights[0]).tensors:
        widths[tensor.dtype] += tensor.elements
    return getattr(torch, _TYPES.get(widths.most_common(1)[0][0], "float32"))
