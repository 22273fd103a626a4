"""A clean folder for a loader: links to vetted weights, and settings without anything that runs code.

What a library finds there is all that it can find: no script, no pickle, no path that leads elsewhere.
The index of shards is our own, made of their headers.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from corpus_guard.model.checks.shipped_code import (
    IMPORTED,
    POINTERS,
    SWITCHES,
)
from corpus_guard.model.files import ModelFiles, listed
from corpus_guard.model.headers import read_safetensors
from corpus_guard.model.jsons import read_object
from corpus_guard.model.weights import ADAPTER, INDEX, SETTINGS, VOCABULARY

GGUF = "model.gguf"
_DROPPED = frozenset((*POINTERS, *SWITCHES, *IMPORTED, "name_or_path", "_name_or_path"))
_CHOSEN_BY_US = ("attn_implementation", "experts_implementation")
_PATHS = ("_file", "_path", "_dir")


@contextmanager
def staged(files: ModelFiles) -> Iterator[Path]:
    """Give a folder that holds just what a model is loaded from, while the block runs."""
    with TemporaryDirectory(prefix="corpus-guard-model-") as made:
        folder = Path(made)
        if files.weight_format == "gguf":
            (folder / GGUF).symlink_to(files.weights[0].resolve())
        else:
            _stage_settings(files.folder, folder)
            _stage_weights(files, folder)
        yield folder


def without_code(value: object) -> object:
    """Return settings without keys that name code, files or another place, at any depth."""
    if isinstance(value, dict):
        return {
            key: without_code(inner) for key, inner in value.items() if not _is_dropped(key, inner)
        }
    return [without_code(inner) for inner in value] if isinstance(value, list) else value


def _is_dropped(key: str, value: object) -> bool:
    is_path = key.endswith(_PATHS) and isinstance(value, str)
    return key in _DROPPED or key.endswith(_CHOSEN_BY_US) or is_path


def _stage_settings(source: Path, folder: Path) -> None:
    present = listed(source).names  # links that lead elsewhere are not among them
    for name in SETTINGS:
        if name != ADAPTER and name in present:
            cleaned = without_code(read_object(source / name))
            (folder / name).write_text(json.dumps(cleaned), encoding="utf-8")
    for name in VOCABULARY:
        if name in present:
            shutil.copyfile(source / name, folder / name)


def _stage_weights(files: ModelFiles, folder: Path) -> None:
    """Link the weights under names of our own."""
    if len(files.weights) == 1:
        (folder / "model.safetensors").symlink_to(files.weights[0].resolve())
        return
    places = {}
    for number, path in enumerate(files.weights, start=1):
        shard = f"model-{number:05d}-of-{len(files.weights):05d}.safetensors"
        (folder / shard).symlink_to(path.resolve())
        places.update({tensor.name: shard for tensor in read_safetensors(path).tensors})
    index = {"metadata": {}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
