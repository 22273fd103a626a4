"""Where the parts of a scan are kept: their batches, the columns of their rows, their sketches.

A part is written once, by one worker, and read by all. `PartStore` is what the flow, the looks and the
detectors know of it; `PartFolder` keeps parts in a folder on a file system that the workers share.

    <key>/batches.arrow   the records in `BATCH_SCHEMA`, compressed, in batches of some hundred rows
    <key>/part.json       the number of rows, where each batch begins, type and shape of each column
    <key>/<name>.column   a column's values as they are in memory, so that they can be mapped
    <key>/<name>.bounds   of a ragged column: where each row's values begin
    <key>/<name>.sketch   a sketch's state
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.replacing import replacing_folder
from corpus_guard.sketch.rows.batch import Column, Ragged
from corpus_guard.sketch.rows.state import Arrays, load_state, save_state
from corpus_guard.types import BATCH_SCHEMA

SPOOL_BATCH_BYTES = 256 << 10
"""About how much is unpacked to see one record."""


class PartWriter(Protocol):
    """Takes in one part."""

    def write(self, batch: pa.RecordBatch, columns: Mapping[str, Column]) -> None:
        """Append some rows and their columns."""
        ...

    def save(self, sketch: str, state: Arrays) -> None:
        """Keep a sketch's state."""
        ...


class StoredPart(Protocol):
    """Reads one part."""

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each spooled batch begins, (b + 1,): the batch index; the last is the row count."""
        ...

    def batch(self, index: int, fields: tuple[str, ...]) -> pa.RecordBatch:
        """Return one spooled batch, only with these fields."""
        ...

    def column(self, name: str) -> Column:
        """Return a column of all rows, mapped, not loaded; None where no row has a value."""
        ...

    def state(self, sketch: str) -> Arrays:
        """Return a sketch's state."""
        ...


class PartStore(Protocol):
    """Where parts are kept; small to send to a worker."""

    def write(self, key: str) -> AbstractContextManager[PartWriter]:
        """Return a writer; the part is there, whole, when the block ends well."""
        ...

    def part(self, key: str) -> StoredPart:
        """Return a stored part."""
        ...

    def share(self, name: str, array: npt.NDArray[Any]) -> "Shared":
        """Keep an array that all workers of one look need."""
        ...

    def gathered(self, name: str, pieces: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Return arrays laid end to end in a file that is gone when the result is, mapped."""
        ...

    def scratch(self, name: str) -> Path:
        """Return a path of that name for a worker's result of one look."""
        ...


@dataclass(frozen=True, slots=True)
class Shared:
    """An array in a file that all workers map; small to send to a worker."""

    path: Path

    def load(self) -> npt.NDArray[Any]:
        """Return the array, mapped, not loaded."""
        found: npt.NDArray[Any] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return found

    def drop(self) -> None:
        """Forget the array."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class PartFolder:
    """Keeps parts in a folder."""

    folder: Path

    @contextmanager
    def write(self, key: str) -> Iterator[PartWriter]:
        """Return a writer, see `PartStore.write`."""
        with replacing_folder(self.place(key)) as place, _FolderWriter(place) as writer:
            yield writer

    def part(self, key: str) -> "FolderPart":
        """Return a stored part."""
        return FolderPart(self.place(key))

    def share(self, name: str, array: npt.NDArray[Any]) -> Shared:
        """Keep an array, see `PartStore.share`."""
        path = self.scratch(f"{name}.npy")
        np.save(path, array, allow_pickle=False)
        return Shared(path)

    def gathered(self, name: str, pieces: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Return arrays laid end to end, see `PartStore.gathered`."""
        path, dtype, shape = self.scratch(f"{name}.gathered"), "", (0,)
        with path.open("wb") as sink:
            for piece in pieces:
                sink.write(np.ascontiguousarray(piece).data)
                dtype, shape = piece.dtype.str, piece.shape[1:]
        found = _mapped(path, dtype, shape)
        path.unlink()
        return found

    def scratch(self, name: str) -> Path:
        """Return a path for a worker's result."""
        return self.folder / name

    def place(self, key: str) -> Path:
        """Return the folder of a part."""
        return self.folder / "parts" / key

    def sizes(self, key: str) -> dict[str, int]:
        """Return the sizes of a part's files; raise OSError where there is no such part."""
        return {path.name: path.stat().st_size for path in sorted(self.place(key).iterdir())}

    def keep_only(self, keys: frozenset[str]) -> None:
        """Remove every other part, and halves of parts."""
        (self.folder / "parts").mkdir(parents=True, exist_ok=True)
        for path in (self.folder / "parts").iterdir():
            if path.name not in keys:
                shutil.rmtree(path, ignore_errors=True)


@dataclass(slots=True)
class _ColumnFile:
    """A column that is being written; zeros are owed until its first value tells what a zero is."""

    sink: BinaryIO
    bounds: BinaryIO | None = None
    dtype: str = ""
    shape: tuple[int, ...] = ()
    values: int = 0


@dataclass(slots=True)
class _FolderWriter:
    place: Path
    rows: int = 0
    starts: list[int] = field(default_factory=lambda: [0])
    columns: dict[str, _ColumnFile] = field(default_factory=dict)
    _sink: Any = None
    _spool: Any = None

    def __enter__(self) -> "_FolderWriter":
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        # Unlike Arrow's own, Python's file says which error of the system it met.
        self._sink = (self.place / "batches.arrow").open("wb")
        self._spool = pa.ipc.new_file(self._sink, BATCH_SCHEMA, options=options)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._sink.close()
            for column in self.columns.values():
                column.sink.close()
                if column.bounds is not None:
                    column.bounds.close()

    def write(self, batch: pa.RecordBatch, columns: Mapping[str, Column]) -> None:
        step = max(1, batch.num_rows * SPOOL_BATCH_BYTES // max(1, batch.nbytes))
        for first in range(0, batch.num_rows, step):
            self._spool.write_batch(batch.slice(first, step))
            self.starts.append(self.rows + min(first + step, batch.num_rows))
        for name in {**dict.fromkeys(self.columns), **columns}:  # one that broke down is padded
            self._append(name, columns.get(name), batch.num_rows)
        self.rows += batch.num_rows

    def save(self, sketch: str, state: Arrays) -> None:
        save_state(state, self.place / f"{sketch}.sketch")

    def _append(self, name: str, values: Column, count: int) -> None:
        column = self.columns.get(name)
        if column is None:
            if values is None:
                return
            column = self._opened(name, values)
        if values is None:
            self._pad(column, count)
        elif isinstance(values, Ragged):
            column.sink.write(np.ascontiguousarray(values.values).data)
            if column.bounds is not None:
                column.bounds.write((values.bounds[1:] + column.values).data)
            column.values += len(values.values)
        else:
            column.sink.write(np.ascontiguousarray(values).data)

    def _opened(self, name: str, values: npt.NDArray[Any] | Ragged) -> _ColumnFile:
        array = values.values if isinstance(values, Ragged) else values
        is_ragged = isinstance(values, Ragged)
        column = self.columns[name] = _ColumnFile(
            sink=(self.place / f"{name}.column").open("wb"),
            bounds=(self.place / f"{name}.bounds").open("wb") if is_ragged else None,
            dtype=array.dtype.str,
            shape=tuple(array.shape[1:]),
        )
        if column.bounds is not None:
            column.bounds.write(np.zeros(1, np.int64).data)
        self._pad(column, self.rows)
        return column

    def _pad(self, column: _ColumnFile, count: int) -> None:
        if column.bounds is not None:
            column.bounds.write(np.full(count, column.values, np.int64).data)
        elif count:
            column.sink.write(np.zeros((count, *column.shape), column.dtype).data)

    def _finish(self) -> None:
        self._spool.close()
        about = {
            name: [column.dtype, list(column.shape)]
            for name, column in sorted(self.columns.items())
        }
        told = {"rows": self.rows, "starts": self.starts, "columns": about}
        (self.place / "part.json").write_text(json.dumps(told), encoding="ascii")


class FolderPart:
    """Reads one part of a `PartFolder`."""

    def __init__(self, place: Path) -> None:
        """Name the part's folder; nothing is opened before it is needed."""
        self._place = place
        self._readers: dict[tuple[str, ...], Any] = {}
        self._mapped: dict[str, Column] = {}

    @cached_property
    def _about(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self._place / "part.json").read_bytes())
        return told

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each spooled batch begins."""
        return np.array(self._about["starts"], np.int64)

    def batch(self, index: int, fields: tuple[str, ...]) -> pa.RecordBatch:
        """Return one spooled batch, only with these fields."""
        if fields not in self._readers:
            numbers = [BATCH_SCHEMA.get_field_index(name) for name in sorted(fields)]
            options = pa.ipc.IpcReadOptions(included_fields=sorted(numbers), use_threads=False)
            source = pa.memory_map(str(self._place / "batches.arrow"), "rb")
            self._readers[fields] = pa.ipc.open_file(source, options=options)
        return self._readers[fields].get_batch(index)

    def column(self, name: str) -> Column:
        """Return a column of all rows, mapped; None where no row has a value."""
        if name not in self._mapped:
            self._mapped[name] = self._map(name)
        return self._mapped[name]

    def state(self, sketch: str) -> Arrays:
        """Return a sketch's state."""
        return load_state(self._place / f"{sketch}.sketch")

    def _map(self, name: str) -> Column:
        if name not in self._about["columns"]:
            return None
        dtype, shape = self._about["columns"][name]
        path, bounds = self._place / f"{name}.column", self._place / f"{name}.bounds"
        if bounds.exists():
            return Ragged(_mapped(path, dtype, ()), _mapped(bounds, "<i8", ()))
        return _mapped(path, dtype, tuple(shape))


def _mapped(path: Path, dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    if path.stat().st_size == 0:
        return np.zeros((0, *shape), dtype)
    flat = np.memmap(path, dtype=dtype, mode="r")
    return flat.reshape(-1, *shape) if shape else flat
