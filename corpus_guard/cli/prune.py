"""`corpus-guard prune`."""

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
    Quiet,
    Seed,
    Traceback,
)
from corpus_guard.cli.output import print_text, readers_may_leave, say

if TYPE_CHECKING:
    from corpus_guard.defend.repair import Repaired


def prune(
    model: Model,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder for the repaired model.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Clean prompts with answers; the model's own if left out."
        ),
    ] = None,
    base: Base = None,
    adapter: Adapter = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A probe.json: its confirmed triggers are unlearned."),
    ] = None,
    trigger: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="A known trigger; may be repeated.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(metavar="NAME", help="prune, tune, or auto: prune, and tune if that fails."),
    ] = "auto",
    budget: Budget[str] = "10m",
    context: Context = "",
    device: Device = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print prune.json, not a summary.")] = False,
    traceback: Traceback = False,
) -> int:
    """Repair a model with a hidden trigger: silence the parts that carry it, or unlearn it.

    Exit codes: 0 no known trigger works in more than 5 % of the prompts; 1 one does; 2 internal error;
    3 no trigger is known, so success cannot be measured; 4 usage or unreadable model; 130 interrupted.
    """
    from corpus_guard import api
    from corpus_guard.flow.model_options import context_of, method_of, seconds_of
    from corpus_guard.flow.prune import PruneOptions, run_prune

    options = PruneOptions(
        out=out,
        data=data,
        base=base,
        adapter=adapter,
        report=report,
        triggers=tuple(trigger or ()),
        method=method_of(method),
        budget_s=seconds_of(budget),
        context=context_of(context),
        device=device,
        seed=api.checked_seed(seed),
    )
    repaired = run_prune(model, options, (lambda text: None) if quiet else say)
    _print(repaired, as_json=json)
    return repaired.exit_code


def _print(repaired: "Repaired", *, as_json: bool) -> None:
    if as_json:
        from corpus_guard.report import prune_json

        print_text(prune_json.to_text(repaired))
        return
    from corpus_guard.report import prune_terminal

    with readers_may_leave():
        prune_terminal.show(repaired, sys.stdout)
