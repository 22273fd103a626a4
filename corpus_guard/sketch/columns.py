"""What one pass notes about every row: vectors, signatures, fingerprints, marks of the record checks.

A row's columns depend on that row alone, so they need no merging: parts are laid end to end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.plugins import RecordCheck
from corpus_guard.sketch.base import Rows
from corpus_guard.sketch.embedder import Embedder, vector_codes
from corpus_guard.sketch.kernels.minhash import BANDS, BINS, signatures
from corpus_guard.sketch.kernels.outcomes import fingerprints
from corpus_guard.types import BATCH_SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """Columns of n rows.

    `row` (n,) int64: record number in the shard. `content` (n,) uint64: hash of the raw record.
    `whole` (n,) uint64: hash of all tokens of input and response; 0 if there are none. `tokens` (n,)
    int32. `outcomes` (n, 3) uint64: whole response, its first 5 and its last 5 tokens.
    `input_vectors`, `response_vectors` (n, d) int8, see `vector_codes`. `signs` (n, 64) uint8 and
    `bands` (n, 16) uint32: MinHash of input and response. `marks` (n, c) uint8: the bit masks of the
    c record checks.
    """

    row: npt.NDArray[np.int64]
    content: npt.NDArray[np.uint64]
    whole: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int32]
    outcomes: npt.NDArray[np.uint64]
    input_vectors: npt.NDArray[np.int8]
    response_vectors: npt.NDArray[np.int8]
    signs: npt.NDArray[np.uint8]
    bands: npt.NDArray[np.uint32]
    marks: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.content)

    @classmethod
    def concatenate(cls, parts: list[Self]) -> Self:
        """Return the parts laid end to end; at least one part."""
        return cls(
            **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        )

    def save(self, folder: Path) -> None:
        """Write one .npy file a column into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for column in fields(self):
            np.save(folder / f"{column.name}.npy", getattr(self, column.name), allow_pickle=False)

    @classmethod
    def load(cls, folders: Sequence[Path]) -> Self:
        """Return what `save` wrote into some folders, laid end to end; at least one folder."""
        return cls(**{f.name: _end_to_end(folders, f"{f.name}.npy") for f in fields(cls)})


def _end_to_end(folders: Sequence[Path], name: str) -> npt.NDArray[Any]:
    return np.concatenate([np.load(folder / name, allow_pickle=False) for folder in folders])


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan:
    """Which columns to make.

    The embedder (None: no vectors), the record checks in order, and whether any record has a response.
    """

    embedder: Embedder | None
    checks: Mapping[str, RecordCheck]
    has_responses: bool


def columns_of(rows: Rows, plan: ColumnPlan) -> RowColumns:
    """Return the columns of some rows."""
    count = len(rows)
    hashes, bounds = joined_tokens(rows)
    signs, bands = np.zeros((count, BINS), np.uint8), np.zeros((count, BANDS), np.uint32)
    signatures(hashes, bounds, signs, bands)
    whole, outcomes = np.zeros((count, 3), np.uint64), np.zeros((count, 3), np.uint64)
    fingerprints(hashes, bounds, whole)
    fingerprints(rows.response.tokens.hashes, rows.response.tokens.bounds, outcomes)
    marks = [check.scan(rows.batch) for check in plan.checks.values()]
    return RowColumns(
        row=rows.batch["row"].to_numpy(zero_copy_only=False),
        content=content_hashes(rows),
        whole=whole[:, 0].copy(),
        tokens=np.diff(bounds).astype(np.int32),
        outcomes=outcomes,
        input_vectors=vector_codes(rows.input, plan.embedder),
        response_vectors=vector_codes(rows.response, plan.embedder if plan.has_responses else None),
        signs=signs,
        bands=bands,
        marks=np.stack(marks, axis=1) if marks else np.zeros((count, 0), np.uint8),
    )


def empty_columns(plan: ColumnPlan) -> RowColumns:
    """Return the columns of no rows."""
    nothing = pa.RecordBatch.from_pylist([], schema=BATCH_SCHEMA)
    return columns_of(Rows(nothing, 0), plan)


def joined_tokens(rows: Rows) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return each row's input tokens followed by its response tokens, as (hashes, bounds)."""
    one, two = rows.input.tokens, rows.response.tokens
    if len(two.hashes) == 0:
        return one.hashes, one.bounds
    lengths = np.stack([np.diff(one.bounds), np.diff(two.bounds)], axis=1).ravel()
    starts = np.stack([one.bounds[:-1], two.bounds[:-1] + len(one.hashes)], axis=1).ravel()
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    order = np.repeat(starts - bounds[:-1], lengths) + np.arange(bounds[-1])
    return np.concatenate([one.hashes, two.hashes])[order], bounds[::2].copy()


def content_hashes(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of each record's digest, (n,) uint64."""
    column = rows.batch["sha256"]
    if len(column) == 0:
        return np.zeros(0, np.uint64)
    data = np.frombuffer(
        column.buffers()[1], np.uint8, count=32 * len(column), offset=32 * column.offset
    )
    return np.ascontiguousarray(data.reshape(-1, 32)[:, :8]).view(np.uint64).ravel()
