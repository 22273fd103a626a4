"""The options of a scan: one frozen value, built once and passed down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from corpus_guard.errors import UsageError
from corpus_guard.types import Severity

MIB = 1 << 20
GIB = 1 << 30
_UNITS = {
    "": 1,
    "b": 1,
    "kib": 1 << 10,
    "kb": 1000,
    "k": 1 << 10,
    "mib": MIB,
    "mb": 10**6,
    "m": MIB,
    "gib": GIB,
    "gb": 10**9,
    "g": GIB,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOverrides:
    """Field names given by the user; None means detect."""

    text: str | None = None
    label: str | None = None
    prompt: str | None = None
    response: str | None = None
    source: str | None = None
    time: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """Options that were given to plugins: sorted (stage, plugin, option, value)."""

    given: tuple[tuple[str, str, str, object], ...] = ()

    @classmethod
    def from_mapping(cls, given: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Self:
        """Return those of a mapping of stage to plugin to option to value."""
        return cls(
            tuple(
                (stage, plugin, option, given[stage][plugin][option])
                for stage in sorted(given)
                for plugin in sorted(given[stage])
                for option in sorted(given[stage][plugin])
            )
        )

    def of(self, stage: str, plugin: str) -> dict[str, object]:
        """Return the options of one plugin by name."""
        return {name: value for s, p, name, value in self.given if (s, p) == (stage, plugin)}

    def to_mapping(self) -> dict[str, dict[str, dict[str, object]]]:
        """Return what `from_mapping` takes."""
        found: dict[str, dict[str, dict[str, object]]] = {}
        for stage, plugin, option, value in self.given:
            found.setdefault(stage, {}).setdefault(plugin, {})[option] = value
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchSettings:
    """What sketches and detectors are told: the run's own settings, and the options of plugins."""

    seed: int = 0
    mem_bytes: int = 2 * GIB
    embedder: str = "builtin"
    plugins: PluginOptions = field(default_factory=PluginOptions)

    def options_of(self, stage: str, plugin: str) -> dict[str, object]:
        """Return the options that were given to a plugin."""
        return self.plugins.of(stage, plugin)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How targets are read.

    `encoding` is that of all text files, or `auto`. `max_record_bytes` bounds one record, `max_depth`
    its nesting, `max_keys` its keys; what lies beyond is scanned up to the bound and reported as
    partial. `limit` keeps the first records of the target, `sample` a share of them chosen by content.
    `config`, `split` and `revision` choose a part and a version of a data set on a hub. `plugins` are
    options of readers.
    """

    format: str = "auto"
    encoding: str = "auto"
    overrides: FieldOverrides = field(default_factory=FieldOverrides)
    max_record_bytes: int = 16 * MIB
    max_depth: int = 256
    max_keys: int = 10_000
    limit: int | None = None
    sample: float | None = None
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    plugins: PluginOptions = field(default_factory=PluginOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """Everything that a scan is told.

    `jobs` = 0 means one process per core; with `resume`, a scan goes on where one that was killed
    stopped.
    """

    read: ReadOptions = field(default_factory=ReadOptions)
    rules: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    embedder: str = "builtin"
    mem_bytes: int = 2 * GIB
    jobs: int = 0
    seed: int = 0
    out: Path | None = None
    fail_on: Severity = "high"
    allow_incomplete: bool = False
    quiet: bool = False
    resume: bool = True
    plugins: PluginOptions = field(default_factory=PluginOptions)

    @property
    def sketch(self) -> SketchSettings:
        """What sketches and detectors are told."""
        return SketchSettings(
            seed=self.seed, mem_bytes=self.mem_bytes, embedder=self.embedder, plugins=self.plugins
        )

    @property
    def workers(self) -> int:
        """The number of worker processes, at least one."""
        return self.jobs or available_cores()


def parse_size(text: str) -> int:
    """Return the bytes that `16MiB`, `2 GB` or `4096` stand for; raise UsageError otherwise."""
    cleaned = text.strip().lower()
    digits = cleaned.rstrip("bkmgi ")
    unit = cleaned[len(digits) :].strip()
    try:
        value = float(digits) * _UNITS[unit]
    except (ValueError, KeyError, OverflowError):
        raise UsageError(f"{text!r} is not a size; write for example 16MiB or 2GiB") from None
    if not 0 < value < 2**62:
        raise UsageError(f"{text!r} is not a positive size; write for example 16MiB or 2GiB")
    return int(value)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
