"""What detectors are given: the rows, and evidence by name.

Evidence is what a sketch gathered or what is derived from rows and other evidence. Each piece is made
once, when first asked for, and shared. A second look runs a sketch over all rows, on as many workers as
the run has; which ones is the runner's business.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from corpus_guard import plugins
from corpus_guard.config import SketchSettings
from corpus_guard.errors import NotAssessed, NotPresent, PluginError, PluginFailed
from corpus_guard.plugins import Derived, RowColumns, Summary, why_broken
from corpus_guard.sketch.rows.state import Sketch
from corpus_guard.sketch.rows.table import RowTable, TableColumn
from corpus_guard.types import Cap, Context, RowRef

S = TypeVar("S", bound=Sketch)
T = TypeVar("T")
Columns = Mapping[str, TableColumn]


class Look(Protocol):
    """Runs a sketch over all rows."""

    def __call__(self, make: Callable[[], S]) -> S:
        """Return a sketch made by `make` after it has seen every row."""
        ...


class Corpus:
    """The scanned rows and everything known of them."""

    def __init__(
        self,
        rows: RowTable,
        settings: SketchSettings,
        summaries: Mapping[str, Sketch],
        failures: Mapping[str, str],
        look: Look,
    ) -> None:
        """Wrap the results of the first pass: merged sketches, and why others failed, by name."""
        self.rows, self.settings, self.look = rows, settings, look
        self._summaries, self._failures = summaries, failures
        self._found: dict[str, Any] = {}
        self._shared: dict[tuple[object, ...], Any] = {}
        self.caps: list[Cap] = []
        self.broken: dict[str, str] = {}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def evidence(self, name: str, kind: type[T]) -> T:
        """Return what the sketch called `name` knows.

        Raises NotPresent where this data has nothing of the kind, NotAssessed where it has and the
        evidence cannot be had, PluginFailed where the sketch
        raised, PluginError where there is no such sketch or its evidence is of another kind.
        """
        if name not in self._found:
            try:
                self._found[name] = self._made(name)
            except (NotAssessed, PluginFailed) as reason:
                self._found[name] = reason
            except (Exception, SystemExit) as error:  # a plugin raises anything
                self._found[name] = PluginFailed(f"{name} broke down: {why_broken(error)}")
        value = self._found[name]
        if isinstance(value, NotAssessed | PluginFailed):
            raise value
        if not isinstance(value, kind):
            raise PluginError(
                f"the sketch {name} gives evidence of type {type(value).__name__}, "
                f"not {getattr(kind, '__name__', kind)}"
            )
        return value

    def find(self, name: str, kind: type[T]) -> T | None:
        """Return the evidence called `name`, or None where there is none; what broke down is noted."""
        try:
            return self.evidence(name, kind)
        except NotAssessed:
            return None
        except PluginFailed as reason:
            self.broken[name] = str(reason)
            return None

    def require(self, needs: Iterable[str]) -> None:
        """Raise what keeps one of some pieces of evidence from being had.

        That there is nothing of the kind goes before that it could not be assessed: what is not there
        is no gap.
        """
        gap: NotAssessed | None = None
        for need in needs:
            try:
                self.evidence(need, object)
            except NotPresent:
                raise
            except NotAssessed as reason:
                gap = gap or reason
        if gap is not None:
            raise gap

    def once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what `make` returned when this was first asked for; detectors share what is costly."""
        if key not in self._shared:
            self._shared[key] = make()
        found: T = self._shared[key]
        return found

    def cap(self, plugin: str, what: str, limit: int, left_out: int) -> None:
        """Note that a bound was reached; nothing is noted where nothing was left out."""
        if left_out > 0:
            self.caps.append(Cap(plugin=plugin, what=what, limit=limit, left_out=left_out))

    def _made(self, name: str) -> object:
        if name in self._failures:
            raise PluginFailed(f"{name} broke down: {self._failures[name]}")
        plugin = plugins.load("sketch", name)
        spec = plugin.spec
        if isinstance(spec, Summary):
            if name not in self._summaries:
                raise PluginError(f"{name} was not gathered; name it in needs or uses")
            return self._summaries[name].evidence()
        if isinstance(spec, RowColumns):
            columns = {column: self.rows.column(column) for column in spec.columns}
            if why := spec.refused(self.settings):
                raise NotAssessed(why)
            if all(column.is_absent for column in columns.values()):
                raise NotPresent(spec.absent)
            return columns
        if not isinstance(spec, Derived):
            raise PluginError(f"{name} is no sketch")
        self.require(spec.needs)
        return spec.of(self, **self.settings.options_of("sketch", name))


def context_of(place: RowRef, text: str, first: int, last: int, width: int = 80) -> Context:
    """Return a match text[first:last] (characters) with up to `width` characters on each side."""
    return Context(
        file=place.file,
        row=place.row,
        before=text[max(0, first - width) : first],
        match=text[first:last],
        after=text[last : last + width],
    )
