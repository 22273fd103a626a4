"""What a scan is pointed at: paths, or records that a program holds."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from corpus_guard.config import ScanOptions
from corpus_guard.errors import CorpusGuardError, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.lines import json_line
from corpus_guard.read import Resolved, resolve_targets
from corpus_guard.types import RecordStreams

Targets = Sequence[str] | Sequence[Mapping[str, object]] | RecordStreams
_Items = Sequence[str | Mapping[str, object]]


def default_out(given: Targets, options: ScanOptions) -> Path:
    """Return `.corpus_guard/<target>-<hash>`: one folder per target and set of options."""
    plain = replace(options, out=None, jobs=0, quiet=False, resume=True)
    wanted = hashlib.sha256(repr(plain).encode())
    name = "records"
    items: _Items = list(given.streams) if isinstance(given, RecordStreams) else given
    for place, item in enumerate(items):
        if isinstance(item, Mapping):
            wanted.update(json_line(item, place))
        else:
            name = Path(item).stem if place == 0 else name
            wanted.update(item.encode("utf-8", "surrogateescape") + b"\0")
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
    return Path(".corpus_guard") / f"{name[:40] or 'target'}-{wanted.hexdigest()[:8]}"


def resolve(given: Targets, options: ScanOptions, folder: Path) -> Resolved:
    """Return the files to read; records are written to `folder` first, one JSON object a line."""
    if isinstance(given, RecordStreams):
        return _written(given.streams, given.name, options, folder)
    items: _Items = given
    paths = [item for item in items if isinstance(item, str)]
    if paths or not given:
        return resolve_targets(paths, options.read, folder)
    records = (item for item in items if isinstance(item, Mapping))
    return _written({"<records>": records}, "<records>", options, folder)


def _written(
    streams: Mapping[str, Iterable[Mapping[str, object]]],
    name: str,
    options: ScanOptions,
    folder: Path,
) -> Resolved:
    paths: dict[str, str] = {}
    is_empty = True
    for place, (split, records) in enumerate(streams.items()):
        path = folder / f"records-{place}.jsonl"
        paths[str(path)] = split
        with path.open("wb") as lines:
            for number, record in enumerate(_each(records, split)):
                is_empty = False
                lines.write(json_line(record, number))
                if options.read.limit is not None and number >= options.read.limit:
                    break
    if is_empty:
        raise UsageError("there is nothing to scan; give at least one record")
    # What was written is JSON Lines in UTF-8, whatever files of the user are.
    as_written = replace(options.read, format="jsonl", encoding="utf-8")
    resolved = resolve_targets(list(paths), as_written, folder)
    files = tuple(replace(file, name=paths[str(file.path)]) for file in resolved.files)
    return replace(resolved, name=name, files=files)


def _each(records: Iterable[Mapping[str, object]], split: str) -> Iterable[Mapping[str, object]]:
    """Yield the records; say where their source fails."""
    try:
        yield from records
    except (CorpusGuardError, OSError, MemoryError):
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {safe_text(str(error), 200)}"
        raise UsageError(
            f"the records of {safe_text(split, 60)} cannot be had ({why}); "
            "mend their source, or scan its files"
        ) from error
