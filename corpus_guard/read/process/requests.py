"""What a reading process is asked: a shard and the options, as plain values."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpus_guard.config import FieldOverrides, PluginOptions, ReadOptions
from corpus_guard.types import HubPath, Shard, SourceFile


def asked(shard: Shard, options: ReadOptions, records: int | None) -> dict[str, Any]:
    """Return a request as JSON can hold it; a path may hold bytes that are no text.

    The process may stop after so many records.
    """
    request: dict[str, Any] = {
        "shard": asdict(shard), "options": asdict(options), "records": records,
    }  # fmt: skip
    path = shard.file.path
    on_disk = None if isinstance(path, HubPath) else os.fsencode(path).decode("latin-1")
    request["shard"]["file"]["path"] = asdict(path) if isinstance(path, HubPath) else on_disk
    return request


def understood(request: Mapping[str, Any]) -> tuple[Shard, ReadOptions, int | None]:
    """Return the shard, the options and the number of records that are wanted."""
    shard, options = dict(request["shard"]), dict(request["options"])
    file, path = dict(shard["file"]), shard["file"]["path"]
    file["path"] = (
        Path(os.fsdecode(path.encode("latin-1"))) if isinstance(path, str) else HubPath(**path)
    )
    shard["file"] = SourceFile(**file)
    options["overrides"] = FieldOverrides(**options["overrides"])
    options["plugins"] = PluginOptions(tuple(map(tuple, options["plugins"]["given"])))
    return Shard(**shard), ReadOptions(**options), request["records"]
