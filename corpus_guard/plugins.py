"""The one registry: which plugins there are, and what each declares.

A plugin is one file, and the file is its registration: a built-in plugin's name is its file name,
listed without importing it; its keyword-only parameters are its options; its module docstring is
its `explain` page. Third parties register a module through the entry-point groups
`corpus_guard.read`, `corpus_guard.sketch`, `corpus_guard.detect`, `corpus_guard.probe` and
`corpus_guard.attack`. Nothing is ever loaded from the scanned folder.

Two decorators say which kind of detector a file holds. A `detector` turns evidence into findings
and may take a second look over the rows; a `record_check` is a pure function of one batch and runs
while reading.

Three say which kind of sketch: `row_columns` gives each row some values while reading, a `summary`
sees all rows and merges, and `derived` evidence is made once of rows and other evidence. Detectors and
sketches name the sketches that they need; a sketch that nobody needs is not made.

A `probe_stage` looks at a model, and names the stages that it builds on.
"""

import difflib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from corpus_guard.config import SketchSettings
from corpus_guard.errors import PluginError, ends_the_scan
from corpus_guard.escape import safe_text
from corpus_guard.types import Finding, Layout, RecordBlock, Unread

if TYPE_CHECKING:
    pass

Stage = Literal["read", "sketch", "detect", "probe", "attack"]
_PACKAGES: Mapping[Stage, str] = {
    "read": "corpus_guard.read.formats",
    "sketch": "corpus_guard.sketch",
    "detect": "corpus_guard.detect",
    "probe": "corpus_guard.probe",
    "attack": "corpus_guard.attack",
}

ReadFunction = Callable[..., Iterator[RecordBlock | Unread]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What a reader needs that is not always there: `modules`, which `pip install` INSTALL brings."""

    install: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How one format is read, and how its files are told from others.

    `read(source, options, start, end)` yields blocks and `Unread`s; its keyword-only parameters are the
    plugin's options. The source is a stream, whose `name` is the path or the hf:// address of the file;
    for a reader that `takes` a path it is the path of an unpacked file on disk. `start` and `end` are
    byte positions for a format that is `splittable` (a record belongs to the range that holds its first
    byte), else 0 and None. `seekable` readers go to and fro in their stream. `native` ones rest on a
    parser that is not memory-safe and run in a process of their own. `layout` is that of a format whose
    fields are always the same, `extra` what it needs.

    A file that begins with one of `magic`, or whose first bytes it `recognises`, is of this format
    whatever it is called, and so is text that it `overrules`. Else its name decides (`extensions`),
    unless every file of the format shows what it is (`always_shown`); a file of no known ending goes
    to the format that it `resembles`, and one that tells nothing, as an empty one, to the `fallback`.
    Files that look binary are left out unless the format is `binary`, or they are UTF-16 and it reads
    `wide` text. A text format, which is none of the two and not `native`, is handed UTF-8 whatever its
    files' encoding is. `refused` are first bytes of files that are akin to it, and why they are not
    read.

    A format may know of files beside its own that they only describe these (`describes`), so that they
    are no data, or repeat them (`repeats`). An `archive` holds files of other formats, and none of its
    kind.
    """

    read: ReadFunction
    extensions: tuple[str, ...]
    magic: tuple[bytes, ...] = ()
    recognises: Callable[[bytes], bool] | None = None
    overrules: Callable[[bytes], bool] | None = None
    resembles: Callable[[bytes], bool] | None = None
    refused: tuple[tuple[bytes, str], ...] = ()
    describes: Callable[[Path], bool] | None = None
    repeats: Callable[[Path], bool] | None = None
    takes: Literal["stream", "path"] = "stream"
    splittable: bool = False
    seekable: bool = False
    native: bool = False
    binary: bool = False
    wide: bool = False
    always_shown: bool = False
    fallback: bool = False
    archive: bool = False
    layout: Layout | None = None
    extra: Extra | None = None

    @property
    def is_text(self) -> bool:
        """Whether its files are text that may be in any encoding."""
        return self.takes == "stream" and not (self.binary or self.wide or self.native)

    def shows(self, head: bytes) -> bool:
        """Say whether these are certainly the first bytes of a file of this format."""
        return head.startswith(self.magic) or (
            self.recognises is not None and self.recognises(head)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """Values that each row has by itself, made while reading.

    `of(rows, settings, **options)` gets `corpus_guard.sketch.rows.batch.Rows` and returns the named
    `columns`, each an array (n, ...) of numbers or `Ragged`, or None where all its values are zero.
    `absent` is why there is no such evidence when no row has a value. `needs`
    names row columns that are made before. `refused(settings)` says why these settings make none of rows
    that may well have some, or "".
    """

    of: Callable[..., Mapping[str, Any]]
    columns: tuple[str, ...]
    absent: str
    needs: tuple[str, ...]
    refused: Callable[[SketchSettings], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A mergeable sketch that sees all rows while reading.

    `make(settings, **options)` returns an empty one, see `corpus_guard.sketch.rows.state.Sketch`. It may
    look at the row columns that `needs` names.
    """

    make: Callable[..., Any]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Evidence that is made once, when first asked for, of rows and other evidence.

    `of(corpus, **options)` returns it, or raises NotPresent where there is nothing of the kind and
    NotAssessed where there is and it cannot be had. It is made only where the evidence in `needs` can be
    had; that in `uses` may be missing. With `column`, it is an array of one number a row that goes to
    `rows.parquet` under this name.
    """

    of: Callable[..., Any]
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """How one kind of poison is found.

    `run(corpus, **options)` yields findings. `needs` names sketches: where the data give no such
    evidence, the detector is reported as not run; `uses` names those it can do without. `attacks`
    are the field's terms for what it finds.
    """

    run: Callable[..., Iterator[Finding]]
    rule: str
    title: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    attacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCheck:
    """A detector that looks at each record alone.

    `scan(batch, **options)` returns one bit mask per row, (n,) uint8: bit b set means the record
    has property `kinds[b]`; it takes those of the options that it names. `run(corpus, **options)` turns
    the rows so marked into findings.
    """

    scan: Callable[..., Any]
    run: Callable[..., Iterator[Finding]]
    rule: str
    title: str
    kinds: tuple[str, ...]
    attacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeStage:
    """One stage of a probe of a model.

    `run(bench, **options)` returns its evidence, a frozen dataclass of type `evidence`, see
    `corpus_guard.probe.shared.bench`. `kinds` are the kinds of model that it looks at. `uses` names the
    stages that it builds on: they run before it where they are chosen, and it does without where they
    did not run. Of stages that may run next the one of lowest `order` does. Raises NotPresent where
    there is nothing for it to do and NotAssessed where there is and it cannot be done.
    """

    run: Callable[..., Any]
    title: str
    order: int
    evidence: type
    kinds: tuple[str, ...]
    uses: tuple[str, ...]
    attacks: tuple[str, ...]


Spec = Reader | RowColumns | Summary | Derived | Detector | RecordCheck | ProbeStage

_KINDS: Mapping[Stage, Any] = {
    "read": Reader,
    "sketch": RowColumns | Summary | Derived,
    "detect": Detector | RecordCheck,
    "probe": ProbeStage,
    "attack": (),
}
"""What may stand in a file of each stage."""


def reader(**declared: Any) -> Callable[[ReadFunction], Reader]:  # noqa: ANN401
    """Return a decorator that makes a read function the reader of its file; see `Reader`."""
    return lambda read: Reader(read=read, **declared)


def row_columns(
    *,
    columns: tuple[str, ...],
    absent: str = "no row has a value",
    needs: tuple[str, ...] = (),
    refused: Callable[[SketchSettings], str] = lambda settings: "",
) -> Callable[[Callable[..., Mapping[str, Any]]], RowColumns]:
    """Return a decorator that makes a function the row columns of its file."""
    return lambda of: RowColumns(
        of=of, columns=columns, absent=absent, needs=needs, refused=refused
    )


def summary(*, needs: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], Summary]:
    """Return a decorator that makes a function the one that makes the mergeable sketch of its file."""
    return lambda make: Summary(make=make, needs=needs)


def derived(
    *, needs: tuple[str, ...] = (), uses: tuple[str, ...] = (), column: str = ""
) -> Callable[[Callable[..., Any]], Derived]:
    """Return a decorator that makes a function the derived evidence of its file."""
    return lambda of: Derived(of=of, needs=needs, uses=uses, column=column)


def detector(
    *,
    rule: str,
    title: str,
    needs: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    attacks: tuple[str, ...],
) -> Callable[[Callable[..., Iterator[Finding]]], Detector]:
    """Return a decorator that makes a function the detector of its file."""
    return lambda run: Detector(
        run=run, rule=rule, title=title, needs=needs, uses=uses, attacks=attacks
    )


def record_check(
    *,
    rule: str,
    title: str,
    kinds: tuple[str, ...],
    attacks: tuple[str, ...],
    scan: Callable[..., Any],
) -> Callable[[Callable[..., Iterator[Finding]]], RecordCheck]:
    """Return a decorator that makes a function the per-record check of its file."""
    if len(kinds) > 8:
        raise PluginError(f"{rule} declares {len(kinds)} kinds; a record check has room for 8")
    return lambda run: RecordCheck(
        scan=scan, run=run, rule=rule, title=title, kinds=kinds, attacks=attacks
    )


def probe_stage(
    *,
    title: str,
    order: int,
    evidence: type,
    kinds: tuple[str, ...],
    uses: tuple[str, ...] = (),
    attacks: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], ProbeStage]:
    """Return a decorator that makes a function the stage of its file."""
    return lambda run: ProbeStage(
        run=run,
        title=title,
        order=order,
        evidence=evidence,
        kinds=kinds,
        uses=uses,
        attacks=attacks,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One loaded plugin: its name, its declaration, its documentation and its options."""

    name: str
    spec: Spec
    doc: str
    options: Mapping[str, object]


@cache  # what is installed stays so while a process runs, and asking takes 10 ms
def names(stage: Stage) -> Mapping[str, str]:
    """Return {plugin name: module path} of a stage, sorted by name, importing no plugin.

    Raises PluginError when a third-party plugin takes a name that is in use.
    """
    package = _PACKAGES[stage]
    try:
        folder = importlib.import_module(package).__path__
    except ModuleNotFoundError:
        folder = None
    found = {
        info.name: f"{package}.{info.name}"
        for info in pkgutil.iter_modules(folder or [])
        if not info.name.startswith("_") and not info.ispkg
    }
    for point in entry_points(group=f"corpus_guard.{stage}"):
        if point.name in found:
            raise PluginError(
                f"two {stage} plugins are called {point.name!r}; rename or uninstall {point.value}"
            )
        found[point.name] = point.module
    return MappingProxyType(dict(sorted(found.items())))


@cache
def load(stage: Stage, name: str) -> Plugin:
    """Return one plugin; raise PluginError with the nearest name when there is none."""
    known = names(stage)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        raise PluginError(f"no {stage} plugin is called {name!r}; {hint}")
    try:
        module = importlib.import_module(known[name])
    except Exception as error:  # whatever it is that a third party's module raises
        raise PluginError(f"{stage} plugin {name!r} cannot be loaded: {error}") from error
    specs = [value for value in vars(module).values() if isinstance(value, Spec)]
    wrong = [spec for spec in specs if not isinstance(spec, _KINDS[stage])]
    if wrong:
        kind = type(wrong[0]).__name__
        raise PluginError(f"{stage} plugin {name!r} holds a {kind}, which is of another stage")
    if len(specs) != 1:
        raise PluginError(
            f"{stage} plugin {name!r} must hold exactly one decorated function, it has {len(specs)}"
        )
    doc = inspect.getdoc(module) or ""
    options = {key: value for of in _functions(specs[0]) for key, value in options_of(of).items()}
    without = [key for key, value in options.items() if value is inspect.Parameter.empty]
    if without:
        raise PluginError(
            f"{stage} plugin {name!r} has the option {without[0]!r} without a default"
        )
    return Plugin(name=name, spec=specs[0], doc=doc, options=options)


def missing_extra(reader: Reader) -> str:
    """Return what to install before a reader can work (`corpus-guard[web]`), or "" if it can."""
    wanted = reader.extra
    if wanted is None or all(importlib.util.find_spec(name) is not None for name in wanted.modules):
        return ""
    return wanted.install


def stamp(stage: Stage, name: str) -> tuple[str, int, int]:
    """Return what tells a version of a plugin's file from another: its place, size and time."""
    module = sys.modules[_functions(load(stage, name).spec)[0].__module__]
    told = Path(module.__file__ or ".").stat()
    return name, told.st_size, told.st_mtime_ns


def load_all(stage: Stage) -> dict[str, Plugin]:
    """Return every plugin of a stage by name."""
    return {name: load(stage, name) for name in names(stage)}


def options_of(function: Callable[..., Any]) -> dict[str, object]:
    """Return the keyword-only parameters of a function and their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def taken_by(function: Callable[..., Any], given: Mapping[str, object]) -> dict[str, object]:
    """Return those of the given options that a function takes."""
    return {name: given[name] for name in options_of(function) if name in given}


def why_broken(error: BaseException) -> str:
    """Return why a plugin broke down, in a few words.

    Raises the error on where it is no fault of the plugin, and with CORPUS_GUARD_DEBUG=1 always.
    """
    if ends_the_scan(error) or os.environ.get("CORPUS_GUARD_DEBUG") == "1":
        raise error
    return f"{type(error).__name__}: {safe_text(str(error), 200)}"


def _functions(spec: Spec) -> tuple[Callable[..., Any], ...]:
    """Return the functions of a plugin that take options."""
    if isinstance(spec, Reader):
        return (spec.read,)
    if isinstance(spec, RecordCheck):
        return (spec.scan, spec.run)
    if isinstance(spec, Summary):
        return (spec.make,)
    return (spec.of,) if isinstance(spec, RowColumns | Derived) else (spec.run,)
