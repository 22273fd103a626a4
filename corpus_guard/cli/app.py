"""The command's subcommands and its own options."""

from collections.abc import Sequence
from typing import Annotated

import typer

from corpus_guard.cli.explain import explain
from corpus_guard.cli.options import Traceback
from corpus_guard.cli.probe import probe
from corpus_guard.cli.prune import prune
from corpus_guard.cli.scan import scan
from corpus_guard.cli.version import show_version, version

app = typer.Typer(
    name="corpus-guard",
    help="Finds poisoned records in the data that language models are trained on.",
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(scan)
app.command()(explain)
app.command()(probe)
app.command()(prune)
app.command()(version)


@app.callback(invoke_without_command=True)
def corpus_guard(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
    traceback: Traceback = False,
) -> int:
    """Finds poisoned records in the data that language models are trained on."""
    if version:
        raise typer.Exit(show_version())
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    return 0


def invoke(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors pass through as exceptions."""
    command = typer.main.get_command(app)
    outcome = command.main(list(arguments), prog_name="corpus-guard", standalone_mode=False)
    return int(outcome or 0)
