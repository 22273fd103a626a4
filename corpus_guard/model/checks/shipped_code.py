"""CG601: code that comes with a model.

Loading with `trust_remote_code` runs it, and so do kernels and attention functions that a configuration
names from a hub. We never load that way; whoever deploys the model may. High where the model's settings
point to code, low for a file that merely lies there. Misses: code in the name of another file.
"""

from collections.abc import Iterator, Mapping

from corpus_guard.escape import safe_text
from corpus_guard.model.checks.rule import Rule
from corpus_guard.model.files import Folder
from corpus_guard.model.jsons import LARGEST_SETTINGS, members, value_in
from corpus_guard.probe_types import FileFinding

SCRIPTS = (".py", ".ipynb", ".sh", ".bat", ".ps1")
BINARIES = (".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".jar")
POINTERS = ("auto_map", "custom_generate", "custom_pipelines", "custom_pipeline")
SWITCHES = ("trust_remote_code", "use_kernels")
IMPORTED = ("parent_library", "megatron_core", "megatron_config")
"""Keys of an adapter's settings whose values are imported as modules."""

_RULE = Rule(
    "CG601", "Load it only with trust_remote_code=False; read the code before anything runs it."
)


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield a finding for every setting that points to code and every file that is code."""
    for name in folder.ending(".json"):
        if folder.size(name) <= LARGEST_SETTINGS:
            yield from _pointed_at(folder, name)
    for name in (*folder.names, *folder.absent):
        found = _file(name)
        if found is not None:
            yield found


def points_to_code(key: str, value: object) -> bool:
    """Say whether a setting makes a library run code that is not its own."""
    if not value:
        return False
    if key in POINTERS or key in SWITCHES:
        return True
    if key in IMPORTED:
        return value not in ("transformers", "megatron.core", "peft")
    return key.endswith(("attn_implementation", "experts_implementation")) and _names_a_repo(value)


def _names_a_repo(value: object) -> bool:
    values = value.values() if isinstance(value, Mapping) else (value,)
    return any(isinstance(one, str) and "/" in one for one in values)


def _pointed_at(folder: Folder, name: str) -> Iterator[FileFinding]:
    settings = value_in(folder.path(name))
    for key in sorted({key for key, value in members(settings) if points_to_code(key, value)}):
        yield _RULE.finding(
            "high", name, "The model's settings point to code",
            f"{name} sets {key}, which makes a library run code that is not its own.", key=key,
        )  # fmt: skip


def _file(name: str) -> FileFinding | None:
    lower = name.lower()
    shown = safe_text(name, 200)
    if lower.endswith(BINARIES):
        return _RULE.finding(
            "medium", name, "A program lies beside the model",
            f"{shown} is machine code or byte code; a model needs none.",
        )  # fmt: skip
    if lower.startswith("custom_generate/") and lower.endswith(".py"):
        return _RULE.finding(
            "high", name, "The model brings code of its own to generate with",
            f"{shown} runs when text is generated with trust_remote_code.", key="custom_generate",
        )  # fmt: skip
    if lower.endswith(SCRIPTS):
        return _RULE.finding(
            "low", name, "A script lies beside the model",
            f"{shown} is code; nothing in the model's settings has to point to it.",
        )  # fmt: skip
    return None
