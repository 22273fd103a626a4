"""From what a user names to a model's files, judged and chosen, with nothing loaded."""

import hashlib
from pathlib import Path
from typing import Literal

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model import hub
from corpus_guard.model.checks import judge
from corpus_guard.model.checks.outside_paths import leads_outside
from corpus_guard.model.checks.weight_headers import header_of
from corpus_guard.model.files import Folder, ModelFiles, listed
from corpus_guard.model.headers import HeaderError
from corpus_guard.model.jsons import Malformed, read_object
from corpus_guard.model.weights import (
    ADAPTER,
    SETTINGS,
    VOCABULARY,
    Weights,
    ambiguous,
    choose,
    is_adapter,
    used,
)
from corpus_guard.probe_types import FileFinding

CHUNK = 1 << 20
SINGLE = (".gguf", ".safetensors")
_BLOCKING = ("CG604", "CG606")
_WHAT = "give a folder with config.json and *.safetensors, a .gguf file, or ORG/NAME on a hub"


def take_in(target: str, *, revision: str | None = None, cache: Path | None = None) -> ModelFiles:
    """Return the files of a model and what was found in them.

    `target` is a folder, a .gguf or .safetensors file, or ORG/NAME (or ORG/NAME/FILE.gguf) on a hub;
    what lies on disk under that name goes first. From a hub only files in safe formats are fetched,
    at one commit. Raises UsageError where there is nothing that can be read as a model.
    """
    if not target or "\0" in target:
        raise UsageError(f"no model was named; {_WHAT}")
    path = Path(target)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):
        is_folder = is_file = False
    if is_folder:
        return _judged(listed(path), target, None)
    if is_file:
        return _judged(_around(path), target, None)
    fetched = hub.fetch(target, revision=revision, cache=cache)
    folder = listed(fetched.folder, fetched.absent)
    if fetched.file:
        folder = _around(fetched.folder / fetched.file)
    return _judged(folder, target, fetched.commit)


def _around(path: Path) -> Folder:
    """Return one weight file, with the settings beside it where its format has none of its own."""
    lower = path.name.lower()
    if not lower.endswith(SINGLE):
        raise UsageError(f"{safe_text(str(path), 300)} is no model; {_WHAT}")
    beside = () if lower.endswith(".gguf") else (*SETTINGS, *VOCABULARY)
    names = [name for name in beside if (path.parent / name).is_file() and name != ADAPTER]
    if path.name == "adapter_model.safetensors":
        raise UsageError(f"{safe_text(str(path), 300)} is an adapter's; give its folder")
    return Folder(root=path.parent, names=tuple(sorted((*names, path.name))))


def _judged(folder: Folder, target: str, revision: str | None) -> ModelFiles:
    _refuse_what_is_no_model(folder, target)
    findings, weights = judge(folder), choose(folder)
    kind, architecture = _kind(folder, weights)
    in_use = used(folder, weights)
    return ModelFiles(
        name=target,
        folder=folder.root,
        kind=kind,
        architecture=architecture,
        weights=tuple(folder.path(name) for name in weights.names),
        weight_format=weights.form,
        base_hint=_base_hint(folder) if kind == "adapter" else None,
        findings=findings,
        digest=_digest(folder, in_use),
        loadable=_has_all(folder, weights) and not any(_blocks(one, in_use) for one in findings),
        revision=revision,
    )


def _has_all(folder: Folder, weights: Weights) -> bool:
    """Say whether there are weights and, where their format has none of its own, settings."""
    settings = ADAPTER if is_adapter(folder) else "config.json"
    return weights.form == "gguf" or (weights.form is not None and settings in folder.names)


def _blocks(finding: FileFinding, in_use: tuple[str, ...]) -> bool:
    is_grave = finding.severity in ("critical", "high")
    return is_grave and finding.rule in _BLOCKING and finding.file in ("", *in_use)


def _refuse_what_is_no_model(folder: Folder, target: str) -> None:
    shown = safe_text(target, 300)
    several = ambiguous(folder)
    if len(several) > 1:
        named = ", ".join(safe_text(name, 80) for name in several[:6])
        raise UsageError(f"{shown} holds several models; name one of its files: {named}")
    is_gguf = bool(folder.ending(".gguf")) and bool(choose(folder).names)
    settings = {"config.json", ADAPTER} & {*folder.names, *folder.outside, *folder.odd}
    if not settings and not is_gguf and not several:
        raise UsageError(f"{shown} has neither config.json nor a .gguf file; {_WHAT}")
    everything = (*folder.names, *folder.outside, *folder.odd, *folder.absent)
    if not any(name.lower().endswith(_WEIGHTS) for name in everything):
        raise UsageError(f"{shown} holds no weights; {_WHAT}")


_WEIGHTS = (
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".onnx",
    ".index.json",
)  # fmt: skip


def _kind(
    folder: Folder, weights: Weights
) -> tuple[Literal["causal", "classifier", "adapter"], str]:
    """Return the kind of a model and its architecture as it calls it, made fit to be shown."""
    if is_adapter(folder):
        return "adapter", safe_text(str(_settings(folder, ADAPTER).get("peft_type") or ""), 100)
    if weights.form == "gguf":
        return "causal", _gguf_architecture(folder, weights.names[0])
    settings = _settings(folder, "config.json")
    told = settings.get("architectures")
    names = [str(name) for name in told] if isinstance(told, list) else []
    name = names[0] if names else str(settings.get("model_type") or "")
    return "classifier" if "ForSequenceClassification" in name else "causal", safe_text(name, 100)


def _gguf_architecture(folder: Folder, name: str) -> str:
    try:
        told = header_of(folder, name).metadata.get("general.architecture", "")
    except (HeaderError, OSError):
        return ""
    return safe_text(str(told), 100)


def _settings(folder: Folder, name: str) -> dict[str, object]:
    try:
        return read_object(folder.path(name)) if name in folder.names else {}
    except (Malformed, OSError):
        return {}


def _base_hint(folder: Folder) -> str | None:
    told = _settings(folder, ADAPTER).get("base_model_name_or_path")
    return told if isinstance(told, str) and told and not leads_outside(told) else None


def _digest(folder: Folder, names: tuple[str, ...]) -> str:
    """Return the SHA-256 over the names, sizes and contents of files."""
    digest = hashlib.sha256()
    for name in names:
        with folder.path(name).open("rb") as stream:
            digest.update(f"{name}\0{folder.size(name)}\0".encode(errors="surrogateescape"))
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
