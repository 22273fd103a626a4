"""What detectors are given: the scanned rows, the sketches over them, and a way to look again.

A `Corpus` computes each shared thing once, when the first detector asks for it. A second look runs
a sketch over the spool, on as many workers as the run has; which ones is the runner's business.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.sketch import spool
from corpus_guard.sketch.base import PartSpan, Sketch
from corpus_guard.sketch.columns import RowColumns
from corpus_guard.sketch.duplicates import near_duplicate_roots
from corpus_guard.sketch.embedder import Embedder, open_embedder
from corpus_guard.sketch.ngrams import DocumentFrequencies, FrequentNgrams, NgramSums, Postings
from corpus_guard.sketch.responses import (
    ResponseScreen,
    centred_units,
    mean_vector,
    response_screen,
)
from corpus_guard.sketch.values import ValueFile, save_values
from corpus_guard.types import Context, RowRef

S = TypeVar("S", bound=Sketch)

BYTES_PER_SUM = 8
MOST_ANSWERS = 64
ROWS_PER_ANSWER = 20
PARTIAL_TABLES = 8
"""The budget must hold this many tables of n-gram sums at once: one a worker and one to merge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The label of each row: `codes` (n,) int32 into `names`, -1 where a row has none.

    `field` is where it comes from: `label`, or `response` where every response is one of a few.
    """

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ngrams:
    """The frequent n-grams of the input: `features` (f,) uint64 and `docs` (f,) int32."""

    features: npt.NDArray[np.uint64]
    docs: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """Which rows come from which file, one entry a shard.

    `first_rows` (s,) int64: the shard's first row; `first_records` (s,) int64: how many records of
    its file come before it; `names`: its file.
    """

    names: tuple[str, ...]
    first_rows: npt.NDArray[np.int64]
    first_records: npt.NDArray[np.int64]

    def entries(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the entry that each row belongs to."""
        return np.searchsorted(self.first_rows, rows, side="right") - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a corpus rests on.

    The spooled parts, the files of the rows, the looks, the folder for scratch files, the embedder's
    name, seed and memory budget.
    """

    spans: tuple[PartSpan, ...]
    files: FileRows
    look: Callable[[Callable[[], Any]], Any]
    folder: Path
    embedder: str
    seed: int
    mem_bytes: int
    has_responses: bool
    check_names: tuple[str, ...]


class Corpus:
    """The scanned rows and everything known of them."""

    def __init__(
        self, context: RunContext, columns: RowColumns, frequencies: DocumentFrequencies
    ) -> None:
        """Wrap the results of the first pass."""
        self.context = context
        self.columns = columns
        self._frequencies = frequencies
        self._first_rows = np.array([span.first_row for span in context.spans], np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns)

    @property
    def has_responses(self) -> bool:
        """Whether any row has a response."""
        return self.context.has_responses

    @property
    def embedder(self) -> Embedder | None:
        """What gave the rows their vectors."""
        return open_embedder(self.context.embedder)

    @property
    def has_vectors(self) -> bool:
        """Whether rows were embedded."""
        return bool(self.columns.input_vectors.shape[1] > 0)

    def look(self, make: Callable[[], S]) -> S:
        """Return a sketch made by `make` after it has seen every row."""
        found: S = self.context.look(make)
        return found

    @cached_property
    def canonical_order(self) -> npt.NDArray[np.int64]:
        """All rows sorted by content, so that nothing depends on the order of arrival."""
        return np.argsort(self.columns.content, kind="stable").astype(np.int64)

    @cached_property
    def labels(self) -> Labels | None:
        """The rows' labels, or None where no row has one.

        A classification set in the form of instructions has its labels in the responses.
        """
        return self._labels_in("response" if self.has_answer_labels else "label")

    @cached_property
    def has_answer_labels(self) -> bool:
        """Whether the responses are labels: a few different ones, each given many times."""
        if not self.has_responses:
            return False
        distinct = len(np.unique(self.columns.outcomes[:, 0]))
        return 2 <= distinct <= min(MOST_ANSWERS, len(self) // ROWS_PER_ANSWER)

    def _labels_in(self, field: str) -> Labels | None:
        columns = [column for span in self.context.spans for column in spool.column(span, field)]
        if not columns or all(column.null_count == len(column) for column in columns):
            return None
        encoded = pa.chunked_array(columns).combine_chunks().dictionary_encode()
        values = encoded.dictionary.to_pylist()
        order = sorted(range(len(values)), key=lambda code: values[code])
        rank = np.empty(len(values), np.int32)
        rank[order] = np.arange(len(values), dtype=np.int32)
        raw = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        codes = np.where(raw < 0, np.int32(-1), rank[raw])
        return Labels(
            codes=codes.astype(np.int32), names=tuple(values[code] for code in order), field=field
        )

    @cached_property
    def near_duplicates(self) -> npt.NDArray[np.int64]:
        """The smallest row of each row's near-duplicate group, (n,) int64."""
        columns = self.columns
        return near_duplicate_roots(
            columns.signs, columns.bands, columns.tokens, self.canonical_order
        )

    @cached_property
    def clusters(self) -> npt.NDArray[np.int64]:
        """The near-duplicate group of each row, numbered from 0 by first row, -1 for a lone row."""
        sizes = np.bincount(self.near_duplicates, minlength=len(self))
        heads = np.flatnonzero(sizes > 1)
        number = np.full(len(self), -1, np.int64)
        number[heads] = np.arange(len(heads))
        found: npt.NDArray[np.int64] = number[self.near_duplicates]
        return found

    @cached_property
    def response_screen(self) -> ResponseScreen:
        """What each prompt n-gram does to the responses."""
        return response_screen(self)

    @cached_property
    def prompt_mean(self) -> npt.NDArray[np.float64]:
        """The mean prompt vector."""
        return mean_vector(self.columns.input_vectors)

    @cached_property
    def response_mean(self) -> npt.NDArray[np.float64]:
        """The mean response vector."""
        return mean_vector(self.columns.response_vectors)

    def prompt_units(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the centred unit vectors of some rows' inputs, (n, d) float64."""
        return centred_units(self.columns.input_vectors[rows], self.prompt_mean)

    def response_units(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the centred unit vectors of some rows' responses, (n, d) float64."""
        return centred_units(self.columns.response_vectors[rows], self.response_mean)

    def ngram_capacity(self, width: int) -> int:
        """Return how many n-grams fit the memory budget when each carries `width` sums."""
        return max(
            1 << 16, self.context.mem_bytes // (PARTIAL_TABLES * BYTES_PER_SUM * max(width, 1))
        )

    def ngrams(self, width: int) -> Ngrams:
        """Return the n-grams frequent enough that `width` sums of each fit the memory budget."""
        minimum = self._frequencies.smallest_fitting_count(self.ngram_capacity(width))
        counts = self._frequencies.counts
        features, docs = self.look(
            partial(FrequentNgrams, bounds=counts, min_count=minimum)
        ).evidence()
        enough = docs >= minimum
        return Ngrams(features=features[enough], docs=docs[enough])

    def ngram_sums(
        self, ngrams: Ngrams, chunks: Iterator[npt.NDArray[np.int16]], width: int
    ) -> npt.NDArray[np.int64]:
        """Return, per n-gram, the sum over its rows of the numbers in `chunks`, (f, width) int64.

        `chunks` lay the rows' numbers end to end, (n, width) int16 in all.
        """
        path = save_values(self.context.folder / "values.npy", chunks, len(self), width)
        values = ValueFile(path)
        sketch = self.look(partial(NgramSums, features=ngrams.features, values=values, width=width))
        path.unlink()
        return sketch.sums.astype(np.int64)

    def postings(self, features: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.int64]]:
        """Return the rows of each n-gram, sorted."""
        return self.look(partial(Postings, features=features)).evidence()

    def records(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> list[dict[str, Any]]:
        """Return the spooled records of some rows, in the order asked for."""
        wanted = np.asarray(rows, np.int64)
        found: dict[int, dict[str, Any]] = {}
        for index in np.unique(self._span_of(wanted)):
            span = self.context.spans[int(index)]
            local = np.unique(wanted[self._span_of(wanted) == index] - span.first_row)
            for row, record in zip(local, spool.records(span, local), strict=True):
                found[int(row) + span.first_row] = record
        return [found[int(row)] for row in wanted]

    def inputs(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> list[str]:
        """Return the input text of some rows, in the order asked for."""
        return [
            record["prompt"] if record["prompt"] is not None else record["text"] or ""
            for record in self.records(rows)
        ]

    def place(self, row: int) -> RowRef:
        """Return the file and the record number of a global row."""
        files = self.context.files
        entry = int(files.entries(np.array([row]))[0])
        first = int(files.first_records[entry])
        return RowRef(file=files.names[entry], row=first + int(self.columns.row[row]))

    def marks(self, check: str) -> npt.NDArray[np.uint8]:
        """Return the bit masks that a record check gave to the rows, (n,) uint8."""
        return self.columns.marks[:, self.context.check_names.index(check)]

    def first_in_content_order(
        self, rows: npt.NDArray[np.int64], count: int
    ) -> npt.NDArray[np.int64]:
        """Return the `count` rows with the smallest content hashes: a sample that no order changes."""
        if len(rows) <= count:
            return rows
        return np.sort(rows[np.argsort(self.columns.content[rows], kind="stable")[:count]])

    def _span_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(self._first_rows, rows, side="right") - 1


def context_of(place: RowRef, text: str, first: int, last: int, width: int = 80) -> Context:
    """Return a match text[first:last] (characters) with up to `width` characters on each side."""
    return Context(
        file=place.file,
        row=place.row,
        before=text[max(0, first - width) : first],
        match=text[first:last],
        after=text[last : last + width],
    )
