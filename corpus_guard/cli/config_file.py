"""`--config-file`: options of the command, and options of plugins, from a TOML file.

    [scan]                     # the options of the command, by their names
    fail-on = "medium"
    disable = ["CG103"]

    [detect.label_triggers]    # those of a plugin: read, sketch or detect, then its name or rule
    high = 6.5

What is given on the command line goes before what the file says. No file is read that was not named.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text

COMMAND = "scan"
NOT_IN_A_FILE = frozenset({"targets", "config_file", "help"})


def take_config_file(context: typer.Context, path: Path | None) -> Path | None:
    """Make the file's options the defaults of the command, and keep those of plugins for it."""
    if path is None:
        return None
    told = _loaded(path)
    own = told.pop(COMMAND, {})
    if not isinstance(own, Mapping):
        raise UsageError(f"{_shown(path)}: [{COMMAND}] must hold names and values")
    known = {p.name for p in context.command.params if p.name} - NOT_IN_A_FILE
    defaults = {name.replace("-", "_"): value for name, value in own.items()}
    for name in defaults.keys() - known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0].replace('_', '-')}?" if near else ""
        raise UsageError(f'{_shown(path)}: no option is called "{safe_text(name, 60)}"{hint}')
    for name in ("rules", "disable"):
        if isinstance(defaults.get(name), str):
            defaults[name] = [defaults[name]]
    context.default_map = defaults
    context.meta["plugin_options"] = told
    return path


def plugin_options(context: typer.Context) -> dict[str, Any]:
    """Return what the file said of plugins."""
    found: dict[str, Any] = context.meta.get("plugin_options", {})
    return found


def _loaded(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{_shown(path)} cannot be read ({error.strerror}); give the path of a TOML file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{_shown(path)} is no TOML ({safe_text(str(error), 200)}); mend it there"
        ) from error


def _shown(path: Path) -> str:
    return safe_text(str(path), 200)
