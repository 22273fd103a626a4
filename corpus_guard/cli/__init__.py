"""The `corpus-guard` command: one thin file per subcommand.

Exit codes: 0 fully scanned and nothing at or above --fail-on; 1 such a finding; 2 internal error;
3 incomplete; 4 usage or unreadable target; 130 interrupted. Heavy imports stay inside functions,
so that `--help` is there at once.
"""

import os
import sys
from collections.abc import Sequence

from typer import TyperException, echo

from corpus_guard.errors import CorpusGuardError, MergeError, NotAssessed, RunError
from corpus_guard.escape import safe_text

INTERNAL_ERROR = 2
USAGE_ERROR = 4
INTERRUPTED = 130
_DEFECTS = (MergeError, NotAssessed)
"""Errors that a stage must have caught; seen here they are defects."""


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors are told in a sentence on stderr."""
    from corpus_guard.cli.app import invoke

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")
    try:
        code = invoke(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except TyperException as error:
        said = f"{error.format_message().rstrip('.')}; see corpus-guard --help"
        return _told_error(said, USAGE_ERROR)
    except CorpusGuardError as error:
        if isinstance(error, _DEFECTS):
            return _internal_error(error, arguments)
        code = INTERNAL_ERROR if isinstance(error, RunError) else USAGE_ERROR
        return _told_error(str(error), code)
    except Exception as error:
        return _internal_error(error, arguments)
    if code == INTERRUPTED:
        echo("corpus-guard: interrupted; run the same command again to go on", err=True)
    return code


def _told_error(message: str, code: int) -> int:
    # Newlines and indents in a library's message would break the one sentence.
    echo(f"corpus-guard: {safe_text(' '.join(message.split()))}", err=True)
    return code


def _internal_error(error: Exception, arguments: Sequence[str]) -> int:
    if os.environ.get("CORPUS_GUARD_DEBUG") == "1" or "--traceback" in arguments:
        import traceback

        shown = "".join(traceback.format_exception(error))
        echo("\n".join(safe_text(line) for line in shown.splitlines()), err=True)
    echo(f"corpus-guard: {_told(error)}", err=True)
    return INTERNAL_ERROR


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f" at {safe_text(str(error.filename), 400)}" if error.filename else ""
        return (
            f"the system refused: {safe_text(error.strerror)}{where}; "
            "mend that and run the same command again"
        )
    return (
        f"internal error, {type(error).__name__}: {safe_text(str(error), 300)}; please report it "
        "to the maintainers with what --traceback shows (or CORPUS_GUARD_DEBUG=1)"
    )
