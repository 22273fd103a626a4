"""CG603: paths that lead out of a model's folder.

An index that names `../../etc/passwd` as a shard, an adapter whose base is a path, a tokenizer setting
with an absolute path, a link to another place: a careless loader follows them. We never do. Links of a
hub's cache to its own blobs are as they should be.
"""

import re
from collections.abc import Iterator

from corpus_guard.escape import safe_text
from corpus_guard.model.checks.rule import Rule
from corpus_guard.model.files import Folder
from corpus_guard.model.jsons import members, value_in
from corpus_guard.probe_types import FileFinding
from corpus_guard.types import Severity

_DRIVE = re.compile(r"[A-Za-z]:")
_RULE = Rule(
    "CG603",
    "Take the model from its source again, or from another one; give no tool this folder as it is.",
)


def leads_outside(path: str) -> bool:
    """Say whether a path in a file may name something that is not in its folder."""
    parts = path.replace("\\", "/").split("/")
    return (
        path.startswith(("/", "\\", "~"))
        or ".." in parts
        or "\0" in path
        or bool(_DRIVE.match(path))
    )


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield a finding for every link, shard and setting that leads outside."""
    for name in folder.outside:
        yield _RULE.finding("high", name, "A link leads out of the folder", "It was not followed.")
    for name in folder.odd:
        yield _RULE.finding("medium", name, "This is no regular file", "It was not opened.")
    for name in folder.names:
        last = name.rsplit("/", 1)[-1]
        if last.endswith(".index.json"):
            yield from _in_index(folder, name)
        elif last == "adapter_config.json":
            yield from _in_settings(folder, name, "low", ("base_model_name_or_path",))
        elif last == "tokenizer_config.json":
            yield from _in_settings(folder, name, "medium", ("vocab_file", "merges_file"))


def _in_index(folder: Folder, name: str) -> Iterator[FileFinding]:
    settings = value_in(folder.path(name))
    shards = settings.get("weight_map") if isinstance(settings, dict) else None
    named = shards.values() if isinstance(shards, dict) else ()
    outside = sorted({shard for shard in named if isinstance(shard, str) and leads_outside(shard)})
    if outside:
        yield _RULE.finding(
            "critical", name, "The index names a shard outside the folder",
            "A loader that follows it reads another file of the machine.",
            path=safe_text(outside[0], 200),
        )  # fmt: skip


def _in_settings(
    folder: Folder, name: str, severity: Severity, keys: tuple[str, ...]
) -> Iterator[FileFinding]:
    settings = value_in(folder.path(name))
    for key, value in members(settings):
        if key in keys and isinstance(value, str) and leads_outside(value):
            yield _RULE.finding(
                severity, name, "A setting names a path outside the folder",
                f"{key} is a path; it was not followed.", path=safe_text(value, 200),
            )  # fmt: skip
