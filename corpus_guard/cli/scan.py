"""`corpus-guard scan`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpus_guard.cli.config_file import plugin_options, take_config_file
from corpus_guard.cli.options import Out, Quiet, Seed, Traceback
from corpus_guard.cli.output import print_text, readers_may_leave

if TYPE_CHECKING:
    from corpus_guard.types import ScanResult


def _field(role: str) -> Any:  # noqa: ANN401
    return typer.Option(
        metavar="NAME", help=f"The field that holds the {role}; detected if left out."
    )


def scan(
    context: typer.Context,
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET", help="Files, folders, globs, ORG/NAME on a hub; - is stdin."
        ),
    ],
    config: Annotated[
        str | None, typer.Option(metavar="NAME", help="One configuration of a data set on a hub.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="One split of a data set on a hub.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option(metavar="REV", help="A branch, tag or commit on a hub.")
    ] = None,
    format: Annotated[
        str, typer.Option(metavar="NAME", help="The files' format, such as jsonl or csv.")
    ] = "auto",
    encoding: Annotated[
        str, typer.Option(metavar="NAME", help="The encoding of all text files, such as cp1251.")
    ] = "auto",
    text_field: Annotated[str | None, _field("text")] = None,
    label_field: Annotated[str | None, _field("label")] = None,
    prompt_field: Annotated[str | None, _field("prompt")] = None,
    response_field: Annotated[str | None, _field("response")] = None,
    source_field: Annotated[str | None, _field("record's source")] = None,
    time_field: Annotated[str | None, _field("record's time")] = None,
    id_field: Annotated[str | None, _field("record's name")] = None,
    rules: Annotated[
        list[str] | None, typer.Option(metavar="ID,...", help="Run only these rules.")
    ] = None,
    disable: Annotated[
        list[str] | None, typer.Option(metavar="ID,...", help="Leave these rules out.")
    ] = None,
    embedder: Annotated[
        str, typer.Option(metavar="MODEL", help="builtin, none, or the name of a model.")
    ] = "builtin",
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Scan only the first N records.")
    ] = None,
    sample: Annotated[
        float | None, typer.Option(metavar="P", help="Scan a share P of the records, 0 < P <= 1.")
    ] = None,
    max_record: Annotated[
        str, typer.Option(metavar="SIZE", help="Scan larger records only in part.")
    ] = "16MiB",
    mem: Annotated[str, typer.Option(metavar="SIZE", help="The memory to stay within.")] = "2GiB",
    jobs: Annotated[
        int, typer.Option(metavar="N", help="Worker processes; 0 is one per core.")
    ] = 0,
    seed: Seed = 0,
    out: Out = None,
    fail_on: Annotated[
        str,
        typer.Option(metavar="SEVERITY", help="Exit 1 from critical, high, medium or low on."),
    ] = "high",
    allow_incomplete: Annotated[
        bool,
        typer.Option(
            "--allow-incomplete", help="Exit 0 though something was not scanned or not assessed."
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Go on where a killed scan stopped, or start over."),
    ] = True,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print report.json, not a summary.")] = False,
    traceback: Traceback = False,
    config_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Options from a TOML file.",
            is_eager=True,
            callback=take_config_file,
        ),
    ] = None,
) -> int:
    """Find poisoned records in files or in a data set on a hub.

    Exit codes: 0 fully scanned and nothing at or above --fail-on; 1 such a finding; 2 internal
    error; 3 something was not scanned; 4 usage or unreadable target; 130 interrupted.
    """
    from corpus_guard import api
    from corpus_guard.cli.progress import progress_on
    from corpus_guard.config import FieldOverrides, ReadOptions, ScanOptions
    from corpus_guard.flow.scan import run_scan

    options = ScanOptions(
        read=ReadOptions(
            format=format,
            encoding=api.checked_encoding(encoding),
            overrides=FieldOverrides(
                text=text_field,
                label=label_field,
                prompt=prompt_field,
                response=response_field,
                source=source_field,
                time=time_field,
                id=id_field,
            ),
            max_record_bytes=api.size_of(max_record),
            limit=api.checked_limit(limit),
            sample=api.checked_sample(sample),
            config=config,
            split=split,
            revision=revision,
        ),
        rules=api.names_in(rules or ()),
        disable=api.names_in(disable or ()),
        embedder=embedder,
        mem_bytes=api.size_of(mem),
        jobs=api.checked_jobs(jobs),
        seed=api.checked_seed(seed),
        out=out,
        fail_on=api.severity_of(fail_on),
        allow_incomplete=allow_incomplete,
        quiet=quiet,
        resume=resume,
        plugins=api.checked_plugin_options(plugin_options(context)),
    )
    progress = None if quiet else progress_on(sys.stderr)
    try:
        result = run_scan(targets, options, progress)
    finally:
        if progress:
            progress.finish()
    _print(result, as_json=json)
    return result.exit_code


def _print(result: "ScanResult", *, as_json: bool) -> None:
    if as_json:
        from corpus_guard.report import json_report

        print_text(json_report.to_text(result))
        return
    from corpus_guard.report import terminal

    with readers_may_leave():
        terminal.show(result, sys.stdout)
