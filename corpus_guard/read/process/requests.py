"""What a reading process is asked: a shard and the options, as plain values."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpus_guard.config import FieldOverrides, PluginOptions, ReadOptions
from corpus_guard.types import HubPath, Shard, SourceFile


def asked(shard: Shard, options: ReadOptions) -> dict[str, Any]:
    """Return a request as JSON can hold it; a path may hold bytes that are no text."""
    request: dict[str, Any] = {"shard": asdict(shard), "options": asdict(options)}
    path = shard.file.path
    on_disk = None if isinstance(path, HubPath) else os.fsencode(path).decode("latin-1")
    request["shard"]["file"]["path"] = asdict(path) if isinstance(path, HubPath) else on_disk
    return request


def understood(request: Mapping[str, Any]) -> tuple[Shard, ReadOptions]:
    """Return the shard and the options of a request."""
    shard, options = dict(request["shard"]), dict(request["options"])
    file, path = dict(shard["file"]), shard["file"]["path"]
    file["path"] = (
        Path(os.fsdecode(path.encode("latin-1"))) if isinstance(path, str) else HubPath(**path)
    )
    shard["file"] = SourceFile(**file)
    options["overrides"] = FieldOverrides(**options["overrides"])
    options["plugins"] = PluginOptions(tuple(map(tuple, options["plugins"]["given"])))
    return Shard(**shard), ReadOptions(**options)
