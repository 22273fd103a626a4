"""`corpus-guard probe`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus_guard.cli.options import (
    Adapter,
    Base,
    Budget,
    Context,
    Device,
    Model,
    Out,
    Quiet,
    Seed,
    Traceback,
)
from corpus_guard.cli.output import print_text, readers_may_leave, say

if TYPE_CHECKING:
    from corpus_guard.probe_types import ProbeResult


def probe(
    model: Model,
    base: Base = None,
    adapter: Adapter = None,
    triggers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The report.json of a scan, or a text, one trigger a line."
        ),
    ] = None,
    context: Context = "",
    prompts: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Prompts to ask; unlabelled texts for a classifier."),
    ] = None,
    stages: Annotated[
        list[str] | None, typer.Option(metavar="NAME,...", help="Run only these stages.")
    ] = None,
    budget: Budget[str | None] = None,
    decoys: Annotated[
        int | None, typer.Option(metavar="N", help="How many decoys a trigger is compared with.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="3 minutes and 99 decoys.")] = False,
    full: Annotated[bool, typer.Option("--full", help="30 minutes and 999 decoys.")] = False,
    device: Device = "auto",
    seed: Seed = 0,
    out: Out = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Go on where a killed probe stopped, or start over."),
    ] = True,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print probe.json, not a summary.")] = False,
    traceback: Traceback = False,
) -> int:
    """Say whether a model reacts to a hidden trigger, and whether its files are safe.

    Exit codes: 0 nothing found by the stages that ran; 1 a trigger is confirmed or a file is
    unsafe; 2 internal error; 3 something to review, or a stage could not run; 4 usage or no model;
    130 interrupted.
    """
    from corpus_guard import api
    from corpus_guard.flow.probe import run_probe
    from corpus_guard.flow.probe_options import probe_options

    options = probe_options(
        base=base, adapter=adapter, triggers=triggers, context=context, prompts=prompts,
        stages=api.names_in(stages or (), "stages"), budget=budget, decoys=decoys,
        quick=quick, full=full, device=device, seed=api.checked_seed(seed), out=out, resume=resume,
    )  # fmt: skip
    result = run_probe(model, options, (lambda text: None) if quiet else say)
    _print(result, as_json=json)
    return result.exit_code


def _print(result: "ProbeResult", *, as_json: bool) -> None:
    if as_json:
        from corpus_guard.report import probe_json

        print_text(probe_json.to_text(result))
        return
    from corpus_guard.report import probe_terminal

    with readers_may_leave():
        probe_terminal.show(result, sys.stdout)
