"""What has to be made for the chosen detectors: the sketches that they need, in an order that works."""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from corpus_guard import plugins
from corpus_guard.config import PluginOptions
from corpus_guard.errors import PluginError, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Derived, Detector, RecordCheck, RowColumns, Summary
from corpus_guard.sketch.rows.batch import CONTENT

FILLED = ("cluster",)
"""The columns of `rows.parquet` that evidence may fill."""

Chosen = Mapping[str, Detector | RecordCheck]


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchPlan:
    """The sketches of the first pass by name, each kind in an order in which it can be made.

    `checks` are the record checks, whose marks are columns too. `outputs` are derived evidence by the
    column of `rows.parquet` that it fills.
    """

    columns: tuple[str, ...]
    summaries: tuple[str, ...]
    checks: tuple[str, ...]
    outputs: Mapping[str, str]


def plan_sketches(chosen: Chosen) -> SketchPlan:
    """Return the sketches that some detectors need, and those that fill columns for people's scripts.

    Raises PluginError for a need that no sketch meets.
    """
    outputs = _outputs()
    order: dict[str, Any] = {}
    for name in outputs.values():
        _add(name, name, order, ())
    for asker, detector in chosen.items():
        if isinstance(detector, Detector):
            for need in (*detector.needs, *detector.uses):
                _add(need, asker, order, ())
    checks = tuple(name for name, spec in chosen.items() if isinstance(spec, RecordCheck))
    _require_names_of_their_own(order, checks)
    return SketchPlan(
        columns=tuple(name for name, spec in order.items() if isinstance(spec, RowColumns)),
        summaries=tuple(name for name, spec in order.items() if isinstance(spec, Summary)),
        checks=checks,
        outputs=outputs,
    )


def _outputs() -> dict[str, str]:
    """Return the evidence that fills columns of `rows.parquet`, by column."""
    found: dict[str, str] = {}
    for name in plugins.names("sketch"):
        try:
            spec = plugins.load("sketch", name).spec
        except PluginError:  # who needs it is told
            continue
        if not isinstance(spec, Derived) or not spec.column:
            continue
        if spec.column not in FILLED:
            raise PluginError(f"{name} fills the column {spec.column!r}; there is {FILLED[0]}")
        if found.setdefault(spec.column, name) != name:
            raise PluginError(f"{found[spec.column]} and {name} both fill {spec.column}")
    return found


def _require_names_of_their_own(order: Mapping[str, Any], checks: Iterable[str]) -> None:
    """Raise PluginError where two plugins would write one column."""
    owners = {CONTENT: "every part"}
    made = [
        (column, name) for name, spec in order.items() for column in getattr(spec, "columns", ())
    ]
    for column, name in (*made, *((check, check) for check in checks)):
        if not column.isidentifier():
            raise PluginError(
                f"{name} makes the column {column!r}; a name has letters, digits and _"
            )
        if owners.setdefault(column, name) != name:
            raise PluginError(f"{owners[column]} and {name} both make the column {column!r}")


def _add(name: str, asker: str, order: dict[str, Any], above: tuple[str, ...]) -> None:
    """Add a sketch behind all that it needs itself."""
    if name in above:
        raise PluginError(f"the sketches {' → '.join((*above, name))} need each other")
    if name in order:
        return
    known = plugins.names("sketch")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        raise PluginError(f"{asker} needs the sketch {name!r}, which does not exist; {hint}")
    spec = plugins.load("sketch", name).spec
    for need in (*getattr(spec, "needs", ()), *getattr(spec, "uses", ())):
        _add(need, name, order, (*above, name))
    order[name] = spec


_STAGES: tuple[plugins.Stage, ...] = ("read", "sketch", "detect")


def checked_options(given: Mapping[str, Any]) -> PluginOptions:
    """Return the options of plugins, {stage: {plugin: {option: value}}}, each known and of its type.

    A detector may be named by its rule. Raises UsageError with the nearest name for what does not exist.
    """
    for unknown in sorted(set(given) - set(_STAGES)):
        raise UsageError(_unknown("stage", unknown, _STAGES))
    found: dict[str, dict[str, Mapping[str, object]]] = {}
    for stage in (stage for stage in _STAGES if stage in given):
        for called, options in _table(f"[{stage}]", given[stage]).items():
            name = _name_of(stage, called)
            defaults = plugins.load(stage, name).options
            for option, value in _table(f"[{stage}.{called}]", options).items():
                if option not in defaults:
                    raise UsageError(_unknown(f"option of {name}", option, defaults))
                _check_type(f"{stage}.{called}.{option}", value, defaults[option])
            if name in found.setdefault(stage, {}):
                raise UsageError(f"options of {name} are given twice, by its name and by its rule")
            found[stage][name] = options
    return PluginOptions.from_mapping(found)


def _name_of(stage: plugins.Stage, called: str) -> str:
    """Return the name of a plugin that is called by its name or its rule."""
    known = plugins.names(stage)
    if called in known:
        return called
    by_rule = {getattr(plugins.load(stage, name).spec, "rule", ""): name for name in known}
    if called not in by_rule:
        raise UsageError(_unknown(f"{stage} plugin", called, known))
    return by_rule[called]


def _table(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{safe_text(where, 80)} must hold names and values")
    return value


def _check_type(where: str, value: object, default: object) -> None:
    is_number = isinstance(default, float) and type(value) is int
    is_odd = isinstance(value, float) and not math.isfinite(value)
    if is_odd or (default is not None and type(value) is not type(default) and not is_number):
        raise UsageError(f"{where} is {safe_text(repr(value), 60)}; give a value like {default!r}")


def _unknown(what: str, name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
    return f'no {what} is called "{safe_text(str(name), 60)}"; {hint}'
