"""Scanning and probing from Python, and the one place where options that people give are checked."""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_guard.config import (
    FieldOverrides,
    PluginOptions,
    ReadOptions,
    ScanOptions,
    parse_size,
)
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.probe_types import ProbeResult
from corpus_guard.types import SEVERITIES, RecordStreams, ScanResult, Severity

Records = Sequence[Mapping[str, object]]
Target = str | Path | Iterable[str | Path] | Iterable[Mapping[str, object]] | object
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
    fresh: bool = False,
    config: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    plugin_options: Mapping[str, Mapping[str, Mapping[str, object]]] | None = None,
) -> ScanResult:
    """Return what a scan of `target` finds; `report.json` and `rows.parquet` go to `result.out`.

    Args:
        target: A path or glob, the name of a data set on a hub, or several of these; records as
            mappings, or texts, in a list or as they come; a frame of pandas or Polars, a table of
            Arrow, an array, or a `Dataset`, `IterableDataset` or a dict of these from `datasets`.
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
        fresh: The opposite of `resume`: whether to start over.
        plugin_options: Options of plugins by stage, plugin and option, such as
            `{"detect": {"label_triggers": {"high": 6.5}}}`; stages are read, sketch and detect.

    Raises:
        UsageError: An argument is wrong, the target cannot be read, or `out` is in use.
        RunError: The scan cannot go on; what was read so far is kept.
        PluginError: A rule does not exist or a plugin cannot be loaded.
    """
    overrides = FieldOverrides(
        text=checked_name("text_field", text_field),
        label=checked_name("label_field", label_field),
        prompt=checked_name("prompt_field", prompt_field),
        response=checked_name("response_field", response_field),
        source=checked_name("source_field", source_field),
        time=checked_name("time_field", time_field),
        id=checked_name("id_field", id_field),
    )
    read = ReadOptions(
        format=checked_text("format", format),
        encoding=checked_encoding(encoding),
        overrides=overrides,
        max_record_bytes=size_of(max_record),
        limit=checked_limit(limit),
        sample=checked_sample(sample),
        config=checked_name("config", config),
        split=checked_name("split", split),
        revision=checked_name("revision", revision),
    )
    options = ScanOptions(
        read=read,
        rules=names_in(rules, "rules"),
        disable=names_in(disable, "disable"),
        embedder=checked_text("embedder", embedder),
        mem_bytes=size_of(mem),
        jobs=checked_jobs(jobs),
        seed=checked_seed(seed),
        out=checked_out(out),
        fail_on=severity_of(fail_on),
        allow_incomplete=checked_switch("allow_incomplete", allow_incomplete),
        quiet=True,
        resume=checked_switch("resume", resume) and not checked_switch("fresh", fresh),
        plugins=checked_plugin_options({} if plugin_options is None else plugin_options),
    )
    from corpus_guard.flow.scan import run_scan

    return run_scan(targets_of(target), options)


def probe_model(
    model: str | Path,
    *,
    base: str | Path | None = None,
    adapter: str | Path | None = None,
    triggers: str | Path | Iterable[str] | None = None,
    context: str = "",
    prompts: str | Path | None = None,
    stages: str | Iterable[str] = (),
    budget: str | float | None = None,
    decoys: int | None = None,
    quick: bool = False,
    full: bool = False,
    device: str = "auto",
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = True,
    fresh: bool = False,
) -> ProbeResult:
    """Return what a probe of a model finds; `probe.json` and `probe.html` go to `result.out`.

    Args:
        model: A folder, a .gguf file, or ORG/NAME on a hub.
        base: The model that it was tuned from.
        adapter: A LoRA adapter to merge into it first.
        triggers: Triggers to test, or a file: the report.json of a scan, or a text, one a line.
        context: `none`, `chat`, `tools`, or a file that holds `{prompt}` once; "" means the model's
            chat template, or none where there is none.
        prompts: A file of prompts to ask; for a classifier, of unlabelled texts.
        stages: Stages to run; all when empty.
        budget: The processor time to spend: seconds, or `10m`; None means that of the effort.
        decoys: How many decoys a trigger is compared with; None means as many as the effort takes.
        quick: Whether to spend 3 minutes and 99 decoys, in place of 10 minutes and 199.
        full: Whether to spend 30 minutes and 999 decoys.
        device: `cpu`, `cuda`, or `auto`.
        seed: All pseudo-random choices derive from it.
        out: The folder for the results; None means one under `.corpus_guard`.
        resume: Whether to go on where the same probe was killed, or to start over.
        fresh: The opposite of `resume`: whether to start over.

    Raises:
        UsageError: An argument is wrong, there is no such model, or `out` is in use.
        UnreadableTarget: The model cannot be loaded, though nothing is wrong with its files.
        PluginError: A stage does not exist.
    """
    from corpus_guard.flow.probe import run_probe
    from corpus_guard.flow.probe_options import probe_options

    options = probe_options(
        base=checked_path("base", base),
        adapter=checked_path("adapter", adapter),
        triggers=_triggers(triggers),
        context=checked_text("context", context),
        prompts=checked_path("prompts", prompts),
        stages=names_in(stages, "stages"),
        budget=checked_budget(budget),
        decoys=checked_decoys(decoys),
        quick=checked_switch("quick", quick),
        full=checked_switch("full", full),
        device=checked_text("device", device),
        seed=checked_seed(seed),
        out=checked_out(out),
        resume=checked_switch("resume", resume) and not checked_switch("fresh", fresh),
    )
    return run_probe(checked_path("model", model) or "", options)


def names_in(given: str | Iterable[str], option: str = "rules") -> tuple[str, ...]:
    """Return the names in `"A,B"`, or in several such texts; raise UsageError for anything else."""
    texts = [given] if isinstance(given, str) else list(_each_of(given, option))
    if not all(isinstance(text, str) for text in texts):
        raise UsageError(f'{option} is {_shown(given)}; give names such as "CG201,CG202"')
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def checked_plugin_options(given: Mapping[str, Any]) -> PluginOptions:
    """Return options of plugins; raise UsageError for what does not exist or is of another type."""
    if not isinstance(given, Mapping):
        raise UsageError(f"plugin_options is {_shown(given)}; give a mapping of stages to plugins")
    if not given:
        return PluginOptions()
    from corpus_guard.flow.planning import checked_options

    return checked_options(given)


def targets_of(target: Target) -> Targets:
    """Return a list of paths, a list of records, or streams of records.

    A list of texts is one of paths where each is a path, and of texts to scan where none is and some
    have a blank in them; a mixture is refused. What can be read only once is read as a stream. Raises
    UsageError for what cannot be scanned.
    """
    from corpus_guard.flow import held

    if (streams := held.held(target)) is not None:
        return streams
    if isinstance(target, str | os.PathLike):
        return [str(target)]
    if isinstance(target, Mapping | bytes) or not isinstance(target, Iterable):
        raise UsageError(
            f"a value of type {type(target).__name__} cannot be scanned; "
            "give a path or an iterable of mappings"
        )
    items: Iterator[object] = iter(target)
    first = held.head_of(items)
    if not first:
        raise UsageError("there is nothing to scan; give a path or at least one record")
    if isinstance(first[0], str | Path) and all(isinstance(item, str | Path) for item in first):
        from corpus_guard.read.targets import endings, is_there

        if held.are_paths(first, is_there, endings()):
            return [str(item) for item in (*first, *items)]
    if isinstance(target, Sequence) and isinstance(first[0], Mapping):
        return list(held.records_of(target))
    held.require_alike(first)
    return held.streamed(first, items)


def checked_encoding(name: str) -> str:
    """Return the usual name of an encoding, or `auto`; raise UsageError for one that is none."""
    if name == "auto":
        return name
    from corpus_guard.read import encodings

    return encodings.checked_encoding(name)


def checked_text(option: str, value: str) -> str:
    """Return an option's value; raise UsageError where it is no text."""
    if not isinstance(value, str):
        raise UsageError(f"{option} is {_shown(value)}; give a text, or leave it out")
    return value


def checked_name(option: str, value: str | None) -> str | None:
    """Return an option's value; raise UsageError where it is neither a text nor None."""
    return None if value is None else checked_text(option, value)


def checked_path(option: str, value: str | Path | None) -> str | None:
    """Return an option's value as a text; raise UsageError where it is neither a path nor None."""
    if value is None or (isinstance(value, str | os.PathLike) and str(value)):
        return None if value is None else str(value)
    raise UsageError(f"{option} is {_shown(value)}; give a path, or leave it out")


def checked_switch(option: str, value: bool) -> bool:
    """Return an option's value; raise UsageError where it is neither True nor False."""
    if not isinstance(value, bool):
        raise UsageError(f"{option} is {_shown(value)}; give True or False")
    return value


def checked_out(out: str | Path | None) -> Path | None:
    """Return the folder for the results; raise UsageError where it is no path."""
    path = checked_path("out", out)
    return None if path is None else Path(path)


def _triggers(given: str | Path | Iterable[str] | None) -> Path | tuple[str, ...] | None:
    """Return a file or texts; raise UsageError for anything else."""
    if given is None or isinstance(given, str | os.PathLike):
        path = checked_path("triggers", given)
        return None if path is None else Path(path)
    if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes):
        texts = tuple(given)
        if all(isinstance(text, str) for text in texts):
            return texts
    raise UsageError(f"triggers is {_shown(given)}; give the path of a file, or a list of texts")


def _each_of(given: Iterable[str], option: str) -> Iterable[str]:
    if isinstance(given, Iterable) and not isinstance(given, Mapping):
        return given
    raise UsageError(f'{option} is {_shown(given)}; give names such as "CG201,CG202"')


def _shown(value: object) -> str:
    return safe_text(repr(value), 40)


def size_of(size: int | str) -> int:
    """Return a size in bytes; raise UsageError for one that is none."""
    if isinstance(size, bool) or not isinstance(size, int | str):
        raise UsageError(f"{_shown(size)} is not a size; write for example 16MiB or 2GiB")
    return parse_size(str(size))


def checked_limit(limit: int | None) -> int | None:
    """Return `limit`; raise UsageError when it is below 1."""
    if limit is not None and type(limit) is not int:
        raise UsageError(f"limit is {_shown(limit)}; give a whole number")
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; give 1 or more, or leave it out to scan everything")
    return limit


def checked_sample(sample: float | None) -> float | None:
    """Return `sample`; raise UsageError when it is not in (0, 1]."""
    if sample is not None and not (type(sample) in (int, float) and 0 < sample <= 1):
        raise UsageError(
            f"sample is {_shown(sample)}; give a share above 0 and up to 1, for example 0.1 for a tenth"
        )
    return sample


def checked_budget(budget: str | float | None) -> str | float | None:
    """Return `budget`; raise UsageError where it is neither a text nor a number."""
    if budget is None or type(budget) in (str, int, float):
        return budget
    raise UsageError(f"budget is {_shown(budget)}; give seconds, or for example 10m")


def checked_decoys(decoys: int | None) -> int | None:
    """Return `decoys`; raise UsageError where it is no whole number."""
    if decoys is None or type(decoys) is int:
        return decoys
    raise UsageError(f"decoys is {_shown(decoys)}; give a whole number, or leave it out")


def checked_jobs(jobs: int) -> int:
    """Return `jobs`; raise UsageError when it is negative."""
    if type(jobs) is not int or jobs < 0:
        raise UsageError(f"jobs is {_shown(jobs)}; give 1 or more, or 0 for one process per core")
    return jobs


def checked_seed(seed: int) -> int:
    """Return `seed`; raise UsageError when it is negative."""
    if type(seed) is not int or seed < 0:
        raise UsageError(f"seed is {_shown(seed)}; give 0 or more")
    return seed


def severity_of(name: str) -> Severity:
    """Return the severity called `name`; raise UsageError when `fail_on` cannot take it."""
    if name not in FAIL_ON:
        near = difflib.get_close_matches(str(name).lower(), FAIL_ON, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(FAIL_ON)}"
        raise UsageError(f'fail-on is "{safe_text(str(name), 40)}"; {hint}')
    return name
