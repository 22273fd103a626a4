"""What is in a model's folder: its regular files, and what is not one and is never opened."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus_guard.probe_types import FileFinding

MOST_FILES = 10_000
DEEPEST = 12

WeightFormat = Literal["safetensors", "gguf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model's files and what was found in them; nothing has been loaded.

    `weights` are the files that would be loaded, `weight_format` None where there are none in a safe
    format. `base_hint` is the base that an adapter names, a claim of its author. `digest` is the SHA-256
    of the names and contents of the files that are used. `loadable` is False where loading is refused.
    """

    name: str
    folder: Path
    kind: Literal["causal", "classifier", "adapter"]
    architecture: str
    weights: tuple[Path, ...]
    weight_format: WeightFormat | None
    base_hint: str | None
    findings: tuple[FileFinding, ...]
    digest: str
    loadable: bool
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The files of a model by their names below `root`, with `/` between the parts.

    `outside` are links that lead out of the folder, `odd` what is neither a file nor a folder and
    `absent` files of the model on a hub that were not fetched. `is_cut`: there are more than listed.
    """

    root: Path
    names: tuple[str, ...]
    outside: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    is_cut: bool = False

    def path(self, name: str) -> Path:
        """Return where a file lies."""
        return self.root / name

    def size(self, name: str) -> int:
        """Return a file's size in bytes."""
        return self.path(name).stat().st_size

    def ending(self, *suffixes: str) -> list[str]:
        """Return the names that end so, in whatever case."""
        return [name for name in self.names if name.lower().endswith(suffixes)]


def listed(root: Path, absent: tuple[str, ...] = ()) -> Folder:
    """Return what is in a folder; links are followed only to files in it, or in its hub cache."""
    kept: dict[str, list[str]] = {"file": [], "outside": [], "odd": []}
    roots = _allowed_roots(root)
    is_cut = False
    for count, (entry, name) in enumerate(_entries(root, "", 0)):
        if count == MOST_FILES:
            is_cut = True
            break
        kept[_kind(entry, roots)].append(name)
    return Folder(
        root=root,
        names=tuple(sorted(kept["file"])),
        outside=tuple(sorted(kept["outside"])),
        odd=tuple(sorted(kept["odd"])),
        absent=absent,
        is_cut=is_cut,
    )


def _entries(folder: Path, prefix: str, depth: int) -> Iterator[tuple[Path, str]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if depth < DEEPEST and entry.name != ".git":
                yield from _entries(Path(entry.path), f"{name}/", depth + 1)
        else:
            yield Path(entry.path), name


def _kind(path: Path, roots: tuple[Path, ...]) -> str:
    try:
        if path.is_symlink() and not any(path.resolve().is_relative_to(root) for root in roots):
            return "outside"
        return "file" if stat.S_ISREG(path.stat().st_mode) else "odd"
    except (OSError, RuntimeError):  # a broken link, or one to itself
        return "odd"


def _allowed_roots(root: Path) -> tuple[Path, ...]:
    """Return where links may lead: into the folder, and from a snapshot to its cache's blobs."""
    real = root.resolve()
    cached = real.parent.name == "snapshots"
    return (real, real.parent.parent / "blobs") if cached else (real,)
