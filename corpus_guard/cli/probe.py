"""`corpus-guard probe`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus_guard.cli.output import print_text, readers_may_leave

if TYPE_CHECKING:
    from corpus_guard.probe_types import ProbeResult


def probe(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A folder, a .gguf file, or ORG/NAME on a hub.")
    ],
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model that it was tuned from.")
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(metavar="DIR", help="A LoRA adapter to merge into it first.")
    ] = None,
    triggers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The report.json of a scan, or a text, one trigger a line."
        ),
    ] = None,
    context: Annotated[
        str,
        typer.Option(metavar="NAME", help="none, chat, tools, or a file with {prompt} in it."),
    ] = "",
    prompts: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Prompts to ask; unlabelled texts for a classifier."),
    ] = None,
    stages: Annotated[
        list[str] | None, typer.Option(metavar="NAME,...", help="Run only these stages.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Processor time to spend, such as 10m or 1h.")
    ] = None,
    decoys: Annotated[
        int | None, typer.Option(metavar="N", help="How many decoys a trigger is compared with.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="3 minutes and 99 decoys.")] = False,
    full: Annotated[bool, typer.Option("--full", help="30 minutes and 999 decoys.")] = False,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu, cuda, or auto.")] = "auto",
    seed: Annotated[int, typer.Option(metavar="N", help="Fixes all pseudo-random choices.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go; .corpus_guard/... if left out."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Go on where a killed probe stopped, or start over."),
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print probe.json, not a summary.")] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an internal error arose.")
    ] = False,
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
    say = (lambda text: None) if quiet else _say
    result = run_probe(model, options, say)
    _print(result, as_json=json)
    return result.exit_code


def _say(text: str) -> None:
    from corpus_guard.escape import safe_text

    sys.stderr.write(f"{safe_text(text, 400)}\n")
    sys.stderr.flush()


def _print(result: "ProbeResult", *, as_json: bool) -> None:
    if as_json:
        from corpus_guard.report import probe_json

        print_text(probe_json.to_text(result))
        return
    from corpus_guard.report import probe_terminal

    with readers_may_leave():
        probe_terminal.show(result, sys.stdout)
