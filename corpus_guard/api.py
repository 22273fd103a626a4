"""Scanning from Python, and the one place where options that people give are checked."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from corpus_guard.config import (
    FieldOverrides,
    PluginOptions,
    ReadOptions,
    ScanOptions,
    parse_size,
)
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.types import SEVERITIES, RecordStreams, ScanResult, Severity

Records = Sequence[Mapping[str, object]]
Target = str | Path | Iterable[str | Path] | Iterable[Mapping[str, object]]
Targets = Sequence[str] | Records | RecordStreams
FAIL_ON = SEVERITIES[:-1]


def scan(
    target: Target,
    *,
    format: str = "auto",
    encoding: str = "auto",
    text_field: str | None = None,
    label_field: str | None = None,
    prompt_field: str | None = None,
    response_field: str | None = None,
    source_field: str | None = None,
    time_field: str | None = None,
    id_field: str | None = None,
    rules: str | Iterable[str] = (),
    disable: str | Iterable[str] = (),
    embedder: str = "builtin",
    limit: int | None = None,
    sample: float | None = None,
    max_record: int | str = "16MiB",
    mem: int | str = "2GiB",
    jobs: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    fail_on: str = "high",
    allow_incomplete: bool = False,
    resume: bool = True,
    config: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    plugin_options: Mapping[str, Mapping[str, Mapping[str, object]]] | None = None,
) -> ScanResult:
    """Return what a scan of `target` finds; `report.json` and `rows.parquet` go to `result.out`.

    Args:
        target: A path or glob, the name of a data set on a hub, several of these, records as
            mappings, or a `Dataset`, `IterableDataset` or a dict of these from `datasets`.
        format: The files' format, or `auto`.
        encoding: The encoding of all text files, such as `cp1251`, or `auto`.
        text_field: The field that holds the text; so for the other fields. None means detect.
        label_field: The field that holds the label.
        prompt_field: The field that holds the prompt.
        response_field: The field that holds the response.
        source_field: The field that says where a record comes from.
        time_field: The field that says when a record was made.
        id_field: The field that names a record.
        rules: Rules or plugins to run; all when empty.
        disable: Rules or plugins to leave out.
        embedder: `builtin`, `none`, or the name of a model.
        limit: Scan only the first so many records.
        sample: Scan this share of the records, in (0, 1], chosen by content.
        max_record: The size beyond which a record is scanned in part: bytes, or `16MiB`.
        mem: The memory to stay within: bytes, or `2GiB`.
        jobs: Worker processes; 0 means one per core.
        seed: All pseudo-random choices derive from it.
        out: The folder for the results; None means one under `.corpus_guard`.
        fail_on: The severity from which on `result.exit_code` is 1.
        allow_incomplete: Whether an incomplete scan may have exit code 0.
        config: A configuration of a data set on a hub; all when None.
        split: A split of a data set on a hub; all when None.
        revision: The branch, tag or commit of a data set on a hub; `main` when None.
        resume: Whether to go on where the same scan was killed, or to start over.
        plugin_options: Options of plugins by stage, plugin and option, such as
            `{"detect": {"label_triggers": {"high": 6.5}}}`; stages are read, sketch and detect.

    Raises:
        UsageError: An argument is wrong, the target cannot be read, or `out` is in use.
        RunError: The scan cannot go on; what was read so far is kept.
        PluginError: A rule does not exist or a plugin cannot be loaded.
    """
    overrides = FieldOverrides(
        text=text_field,
        label=label_field,
        prompt=prompt_field,
        response=response_field,
        source=source_field,
        time=time_field,
        id=id_field,
    )
    read = ReadOptions(
        format=format,
        encoding=checked_encoding(encoding),
        overrides=overrides,
        max_record_bytes=size_of(max_record),
        limit=checked_limit(limit),
        sample=checked_sample(sample),
        config=config,
        split=split,
        revision=revision,
    )
    options = ScanOptions(
        read=read,
        rules=names_in(rules),
        disable=names_in(disable),
        embedder=embedder,
        mem_bytes=size_of(mem),
        jobs=checked_jobs(jobs),
        seed=checked_seed(seed),
        out=None if out is None else Path(out),
        fail_on=severity_of(fail_on),
        allow_incomplete=allow_incomplete,
        quiet=True,
        resume=resume,
        plugins=checked_plugin_options(plugin_options or {}),
    )
    from corpus_guard.flow.scan import run_scan

    return run_scan(targets_of(target), options)


def names_in(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names in `"A,B"`, or in several such texts."""
    texts = [given] if isinstance(given, str) else given
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def checked_plugin_options(given: Mapping[str, Any]) -> PluginOptions:
    """Return options of plugins; raise UsageError for what does not exist or is of another type."""
    if not given:
        return PluginOptions()
    from corpus_guard.flow.planning import checked_options

    return checked_options(given)


def targets_of(target: Target) -> Targets:
    """Return a list of paths, a list of records, or the streams of a data set of `datasets`.

    Raises UsageError for anything else.
    """
    streams = _streams_of(target)
    if streams is not None:
        return RecordStreams(streams=streams)
    if isinstance(target, str | Path):
        return [str(target)]
    if isinstance(target, Mapping | bytes) or not isinstance(target, Iterable):
        raise UsageError(
            f"a value of type {type(target).__name__} cannot be scanned; "
            "give a path or an iterable of mappings"
        )
    items = list(target)
    if not items:
        raise UsageError("there is nothing to scan; give a path or at least one record")
    if all(isinstance(item, str | Path) for item in items):
        return [str(item) for item in items]
    for place, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise UsageError(
                f"record {place} is a {type(item).__name__}; give only mappings, or only paths"
            )
    return cast("list[Mapping[str, object]]", items)


def _streams_of(target: Any) -> Mapping[str, Iterable[Mapping[str, object]]] | None:  # noqa: ANN401
    """Return the splits of a data set of the `datasets` library, without importing that."""
    kinds = {kind.__name__ for kind in type(target).__mro__ if kind.__module__[:9] == "datasets."}
    if kinds & {"DatasetDict", "IterableDatasetDict"}:
        return {str(split): records for split, records in target.items()}
    if kinds & {"Dataset", "IterableDataset"}:
        return {str(target.split or "records"): target}
    return None


def checked_encoding(name: str) -> str:
    """Return the usual name of an encoding, or `auto`; raise UsageError for one that is none."""
    if name == "auto":
        return name
    from corpus_guard.read import encodings

    return encodings.checked_encoding(name)


def size_of(size: int | str) -> int:
    """Return a size in bytes; raise UsageError for one that is none."""
    return parse_size(str(size))


def checked_limit(limit: int | None) -> int | None:
    """Return `limit`; raise UsageError when it is below 1."""
    if limit is not None and type(limit) is not int:
        raise UsageError(f"limit is {limit!r}; give a whole number")
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; give 1 or more, or leave it out to scan everything")
    return limit


def checked_sample(sample: float | None) -> float | None:
    """Return `sample`; raise UsageError when it is not in (0, 1]."""
    if isinstance(sample, bool | str) or (sample is not None and not 0 < sample <= 1):
        raise UsageError(
            f"sample is {sample}; give a share above 0 and up to 1, for example 0.1 for a tenth"
        )
    return sample


def checked_jobs(jobs: int) -> int:
    """Return `jobs`; raise UsageError when it is negative."""
    if type(jobs) is not int or jobs < 0:
        raise UsageError(f"jobs is {jobs}; give 1 or more, or 0 for one process per core")
    return jobs


def checked_seed(seed: int) -> int:
    """Return `seed`; raise UsageError when it is negative."""
    if type(seed) is not int or seed < 0:
        raise UsageError(f"seed is {seed}; give 0 or more")
    return seed


def severity_of(name: str) -> Severity:
    """Return the severity called `name`; raise UsageError when `fail_on` cannot take it."""
    if name not in FAIL_ON:
        near = difflib.get_close_matches(str(name).lower(), FAIL_ON, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(FAIL_ON)}"
        raise UsageError(f'fail-on is "{safe_text(str(name), 40)}"; {hint}')
    return name
