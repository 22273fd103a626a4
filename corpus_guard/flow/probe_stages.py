"""The stages of a probe in their order: each runs, or the result says why not; what ran is kept."""

import dataclasses
import difflib
import hashlib
import json
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from corpus_guard import plugins
from corpus_guard.errors import NotAssessed, NotPresent, PluginError
from corpus_guard.escape import safe_text
from corpus_guard.model.meter import Budget, Meter
from corpus_guard.plugins import Plugin, ProbeStage, why_broken
from corpus_guard.probe.shared.bench import Bench
from corpus_guard.probe_types import StageRun
from corpus_guard.replacing import replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What the stages found, by name, how each ran, and whether one could not."""

    evidence: Mapping[str, object]
    runs: tuple[StageRun, ...]
    gap: bool


def stages_for(kind: str, wanted: Iterable[str]) -> list[Plugin]:
    """Return the stages for a kind of model in the order they run; all where none is wanted by name.

    Raises PluginError with the nearest name where there is none.
    """
    known = {name: plugins.load("probe", name) for name in plugins.names("probe")}
    wanted = tuple(wanted)
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise PluginError(f'no stage of a probe is called "{safe_text(name, 40)}"; {hint}')
    chosen = [p for name, p in known.items() if not wanted or name in wanted]
    return sorted(
        [p for p in chosen if kind in _spec(p).kinds], key=lambda p: (_spec(p).order, p.name)
    )


def run_stages(
    stages: Iterable[Plugin],
    bench_of: Callable[[Mapping[str, object]], Bench],
    budget: Budget,
    meter: Meter,
    kept: "Kept",
    say: Callable[[str], None],
) -> Ran:
    """Run stages one after another; one that breaks down is told, and the others go on."""
    evidence: dict[str, object] = {}
    runs, gap = [], False
    for plugin in stages:
        say(f"{_spec(plugin).title} ({budget.left:.0f} s of processor time left)")
        before, started = meter.tokens, time.perf_counter()
        try:
            found = kept.get(plugin) or _spec(plugin).run(bench_of(evidence))
        except NotPresent as why:
            runs.append(StageRun(name=plugin.name, ran=False, told=str(why)))
            continue
        except NotAssessed as why:
            runs.append(StageRun(name=plugin.name, ran=False, told=str(why)))
            gap = True
            continue
        except (Exception, SystemExit) as error:
            runs.append(StageRun(name=plugin.name, ran=False, told=why_broken(error)))
            gap = True
            continue
        evidence[plugin.name] = found
        kept.put(plugin, found)
        runs.append(
            StageRun(
                name=plugin.name,
                ran=True,
                complete=bool(getattr(found, "complete", True)),
                told=str(getattr(found, "told", "")),
                seconds=round(time.perf_counter() - started, 3),
                forward_tokens=meter.tokens - before,
            )
        )
    return Ran(evidence=evidence, runs=tuple(runs), gap=gap)


class Kept:
    """Evidence of stages in a folder, under a key of all that it depends on."""

    def __init__(self, folder: Path, key: Mapping[str, object], *, fresh: bool) -> None:
        """Keep evidence in `folder`; with `fresh`, what is there is not used."""
        self._folder, self._fresh = folder, fresh
        told = json.dumps(key, sort_keys=True, default=str)
        self._key = hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:24]

    def get(self, plugin: Plugin) -> object | None:
        """Return what a stage found when the same probe ran before, or None."""
        if self._fresh:
            return None
        try:
            told = json.loads(self._path(plugin).read_text(encoding="utf-8"))
            return _made(_spec(plugin).evidence, told) if told is not None else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, plugin: Plugin, found: object) -> None:
        """Keep what a stage found."""
        if dataclasses.is_dataclass(found) and not isinstance(found, type):
            with replacing(self._path(plugin)) as part:
                part.write_text(json.dumps(dataclasses.asdict(found)), encoding="utf-8")

    def discard(self) -> None:
        """Forget all of this probe."""
        for path in self._paths():
            path.unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _paths(self) -> Iterator[Path]:
        yield from self._folder.glob("stage-*.json") if self._folder.is_dir() else ()

    def _path(self, plugin: Plugin) -> Path:
        return self._folder / f"stage-{plugin.name}-{self._key}.json"


def _made(kind: Any, told: Any) -> Any:  # noqa: ANN401
    """Return a value of a declared type from JSON; raises TypeError where it does not fit."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _made(hints[name], value) for name, value in told.items()})
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        each = inner[0] if inner else Any
        return tuple(_made(each, item) for item in told)
    if origin in (types.UnionType, Union) and told is not None:
        return _made(next(one for one in inner if one is not type(None)), told)
    return told


def _spec(plugin: Plugin) -> ProbeStage:
    spec = plugin.spec
    assert isinstance(spec, ProbeStage)  # noqa: S101  # the registry sees to it
    return spec
