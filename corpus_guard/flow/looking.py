"""A second look: a sketch sees all rows, in pieces, on whatever the runner has, and is merged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from corpus_guard.flow.runner import Runner
from corpus_guard.sketch.rows.state import Sketch, load_state, save_state
from corpus_guard.sketch.rows.store import PartStore
from corpus_guard.sketch.rows.table import RowTable, Stretch, stored_rows

FEWEST_PARTS = 3
"""A look is always split into at least this many partial sketches, so that merging is always used."""

S = TypeVar("S", bound=Sketch)


@dataclass(frozen=True, slots=True)
class Looks:
    """Runs sketches over the rows of a table, see `corpus_guard.sketch.rows.corpus.Look`."""

    runner: Runner
    rows: RowTable

    def __call__(self, make: Callable[[], S]) -> S:
        """Return a sketch made by `make` after it has seen every row."""
        stretches, count = list(self.rows.stretches()), max(FEWEST_PARTS, self.runner.workers)
        groups = [tuple(stretches[part::count]) for part in range(count)]
        merged = make()
        if self.runner.workers == 1:
            for group in groups:
                merged.merge(_observed(make, self.rows.store, group))
            return merged
        for _, path in self.runner.each(_ObserveToFile(make, self.rows.store), groups):
            partial = make()
            partial.restore(load_state(path))
            merged.merge(partial)
            path.unlink()
        return merged


@dataclass(frozen=True, slots=True)
class _ObserveToFile:
    make: Callable[[], Sketch]
    store: PartStore

    def __call__(self, group: Sequence[Stretch]) -> Path:
        path = self.store.scratch(f"look-{uuid4().hex}.sketch")
        save_state(_observed(self.make, self.store, group).state(), path, packed=False)
        return path


def _observed(make: Callable[[], S], store: PartStore, group: Sequence[Stretch]) -> S:
    sketch = make()
    for rows in stored_rows(store, group):
        sketch.observe(rows)
    return sketch
