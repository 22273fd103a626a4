"""How many records have a response, and whether the responses are labels in disguise."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import summary
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.state import Arrays, require_equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`rows`: all records; `answered`: those with a response.

    `are_labels`: whether the responses are a few different ones, each given many times.
    """

    rows: int
    answered: int
    are_labels: bool


class DistinctAnswers:
    """Counts of rows, and the smallest hashes of whole responses (bottom-k)."""

    def __init__(self, *, most_labels: int, rows_per_label: int) -> None:
        """Start empty; responses are labels if there are 2 to `most_labels`, each often enough."""
        self._options = (most_labels, rows_per_label)
        self._counts = np.zeros(2, np.int64)
        self._smallest = np.zeros(0, np.uint64)

    def observe(self, rows: Rows) -> None:
        """Count the rows and their responses."""
        column = rows.column("outcomes")
        has_answer = pc.is_valid(rows.batch["response"]).to_numpy(zero_copy_only=False)
        self._counts += np.array([len(rows), np.count_nonzero(has_answer)], np.int64)
        if isinstance(column, np.ndarray):
            self._keep(column[has_answer, 0])
        elif has_answer.any():  # answers without a word
            self._keep(np.zeros(1, np.uint64))

    def merge(self, other: Self) -> None:
        """Add another's, see `Sketch.merge`."""
        require_equal(self._options, other._options, "answer")
        self._counts += other._counts
        self._keep(other._smallest)

    def state(self) -> Arrays:
        """Return counts and hashes."""
        return {"counts": self._counts, "smallest": self._smallest}

    def restore(self, state: Arrays) -> None:
        """Take over what was saved."""
        self._counts = np.array(state["counts"], np.int64)
        self._smallest = np.array(state["smallest"], np.uint64)

    def evidence(self) -> Answers:
        """Return what is known of the responses."""
        rows, answered = (int(count) for count in self._counts)
        most, per_label = self._options
        are_labels = 2 <= len(self._smallest) <= min(most, answered // per_label)
        return Answers(rows=rows, answered=answered, are_labels=are_labels)

    def _keep(self, hashes: npt.NDArray[np.uint64]) -> None:
        both = np.union1d(self._smallest, hashes)
        self._smallest = both[: self._options[0] + 1]


@summary(needs=("outcomes",))
def answers(
    settings: SketchSettings, *, most_labels: int = 64, rows_per_label: int = 20
) -> DistinctAnswers:
    """Return an empty sketch."""
    return DistinctAnswers(most_labels=most_labels, rows_per_label=rows_per_label)
