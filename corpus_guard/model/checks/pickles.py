"""CG602: pickles, which can run anything when they are loaded.

Known by their names, or by how they begin where they carry another name. Each is judged statically, by
its opcodes, in a child process with bounds; it is never loaded. Critical where it imports what can run
commands, medium otherwise, as no pickle is needed to hand on a model.
Source: `modelaudit-picklescan`.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from corpus_guard.escape import safe_text
from corpus_guard.model.checks.rule import Rule
from corpus_guard.model.child import Child, ChildFailed, Limits
from corpus_guard.model.files import Folder
from corpus_guard.probe_types import FileFinding

SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz")
MOST_JUDGED = 64
LIMITS = Limits(memory_bytes=1 << 30, cpu_s=30, wall_s=60.0)
_PICKLE = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_ZIP, _NUMPY = b"PK\x03\x04", b"\x93NUMPY"
_RULE = Rule("CG602", "Use a safetensors or GGUF file of the model; never load this one.")


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield a finding for every pickle, whatever its name."""
    pickles = [name for name in folder.names if is_pickle(folder, name)]
    for place, name in enumerate(pickles):
        yield _judged(folder, name) if place < MOST_JUDGED else _not_judged(name, "too many")
    for name in folder.absent:
        if name.lower().endswith(SUFFIXES):
            yield _not_judged(name, "not fetched from the hub")


def is_pickle(folder: Folder, name: str) -> bool:
    """Say whether a file is loaded by unpickling it, or would be by one loader or another."""
    lower = name.lower()
    try:
        with folder.path(name).open("rb") as stream:
            start = stream.read(4096)
    except OSError:
        return lower.endswith(SUFFIXES)
    if start.startswith(_NUMPY):
        return b"'descr'" not in start or b"|O" in start
    return lower.endswith(SUFFIXES) or start.startswith((*_PICKLE, _ZIP))


def _judged(folder: Folder, name: str) -> FileFinding:
    if find_spec("modelaudit_picklescan") is None:
        return _not_judged(name, "modelaudit-picklescan is not installed")
    try:
        child = Child("corpus_guard.model.judging_pickles", LIMITS)
        told = child.ask({"path": str(folder.path(name).absolute())})
        child.close()
    except ChildFailed as error:
        return _not_judged(name, str(error))
    return _told(name, told if isinstance(told, dict) else {})


def _told(name: str, told: dict[str, Any]) -> FileFinding:
    imports = ", ".join(map(str, told.get("imports", ())))
    if told.get("verdict") == "malicious" or imports:
        return _RULE.finding(
            "critical", name, "A pickle imports what can run commands",
            f"{safe_text(name, 200)} runs {safe_text(imports, 300)} when it is loaded.",
            imports=safe_text(imports, 300),
        )  # fmt: skip
    judged = "shows no dangerous import" if told.get("is_complete") else "could not be judged whole"
    return _RULE.finding(
        "medium", name, "A pickle, which can run code when it is loaded",
        f"{safe_text(name, 200)} {judged}; it was not loaded.",
        judged=int(bool(told.get("is_complete"))),
    )  # fmt: skip


def _not_judged(name: str, why: str) -> FileFinding:
    return _RULE.finding(
        "medium", name, "A pickle that was not judged",
        f"{safe_text(name, 200)} was neither judged nor loaded: {safe_text(why, 200)}.",
        judged=0,
    )  # fmt: skip
