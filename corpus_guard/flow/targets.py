"""What a scan is pointed at: paths, or records that a program holds."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from corpus_guard.config import ScanOptions
from corpus_guard.errors import UsageError
from corpus_guard.read import Resolved, resolve_targets

Targets = Sequence[str] | Sequence[Mapping[str, object]]
_Items = Sequence[str | Mapping[str, object]]


def default_out(given: Targets, options: ScanOptions) -> Path:
    """Return `.corpus_guard/<target>-<hash>`: one folder per target and set of options."""
    wanted = hashlib.sha256(
        repr(replace(options, out=None, jobs=0, quiet=False, resume=True)).encode()
    )
    name = "records"
    items: _Items = given
    for place, item in enumerate(items):
        if isinstance(item, Mapping):
            wanted.update(_line(item, place))
        else:
            name = Path(item).stem if place == 0 else name
            wanted.update(item.encode("utf-8", "surrogateescape") + b"\0")
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
    return Path(".corpus_guard") / f"{name[:40] or 'target'}-{wanted.hexdigest()[:8]}"


def resolve(given: Targets, options: ScanOptions, folder: Path) -> Resolved:
    """Return the files to read; records are written to `folder` first, one JSON object a line."""
    items: _Items = given
    paths = [item for item in items if isinstance(item, str)]
    if paths or not given:
        return resolve_targets(paths, options.read, folder)
    path = folder / "records.jsonl"
    with path.open("wb") as lines:
        for place, item in enumerate(items):
            if isinstance(item, Mapping):
                lines.write(_line(item, place))
    resolved = resolve_targets([str(path)], options.read, folder)
    files = tuple(replace(file, name="<records>") for file in resolved.files)
    return replace(resolved, name="<records>", files=files)


def _line(record: Mapping[str, object], place: int) -> bytes:
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(record, option=option, default=str)
    except TypeError as error:
        raise UsageError(f"record {place} cannot be scanned: {error}") from error
