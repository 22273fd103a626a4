"""`corpus-guard version`."""

import typer

from corpus_guard import __version__


def version() -> int:
    """Print the version."""
    return show_version()


def show_version() -> int:
    """Print the version and return the exit code."""
    typer.echo(f"corpus-guard {__version__}")
    return 0
