"""`corpus-guard explain`."""

from typing import Annotated

import typer

from corpus_guard.cli.output import print_text


def explain(
    rule: Annotated[
        str | None,
        typer.Argument(metavar="[RULE|PLUGIN]", help="For example CG201; without it, all rules."),
    ] = None,
) -> int:
    """Say what a rule finds, how it decides, and when it is wrong."""
    from corpus_guard.report import explain as pages

    print_text(pages.list_rules() if rule is None else pages.explain(rule))
    return 0
