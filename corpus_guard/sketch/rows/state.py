"""What every sketch is: something that sees rows, merges with its like, and is saved and restored.

State of a pass lives in sketches, never in detectors. `state()` is canonical: the same rows give the
same arrays in any order and any sharding, so counts are integers and sums are fixed-point integers.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.errors import MergeError
from corpus_guard.sketch.rows.batch import Rows

Arrays = Mapping[str, npt.NDArray[Any]]


class Sketch(Protocol):
    """A mergeable summary of rows."""

    def observe(self, rows: Rows) -> None:
        """Take in some rows."""
        ...

    def merge(self, other: Self) -> None:
        """Take in what another sketch of equal options has seen; leave the other alone.

        Raises MergeError when the options differ. Associative and commutative.
        """
        ...

    def state(self) -> Arrays:
        """Return the canonical state as named arrays."""
        ...

    def restore(self, state: Arrays) -> None:
        """Replace this sketch's state by a saved one of equal options."""
        ...

    def evidence(self) -> Any:  # noqa: ANN401  # each sketch has its own
        """Return what detectors are given: small, frozen, or NotAssessed raised with a reason."""
        ...


def save_state(state: Arrays, path: Path, *, packed: bool = True) -> None:
    """Write named arrays as one Arrow file: a column of bytes an array, its type and shape beside it.

    What is not `packed` is mapped when it is loaded, and takes no memory.
    """
    about = {
        name: f"{array.dtype.str} {' '.join(map(str, array.shape))}"
        for name, array in state.items()
    }
    schema = pa.schema([pa.field(name, pa.large_binary()) for name in state], metadata=about)
    columns = [
        pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), 1,
            [None, pa.py_buffer(np.array([0, array.nbytes], np.int64)), pa.py_buffer(_flat(array))],
        )
        for array in state.values()
    ]  # fmt: skip
    options = pa.ipc.IpcWriteOptions(compression="lz4" if packed else None)
    with path.open("wb") as sink, pa.ipc.new_file(sink, schema, options=options) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def load_state(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file of `save_state`; raise ValueError or OSError for a damaged one."""
    with pa.memory_map(str(path), "rb") as source:
        reader = pa.ipc.open_file(source)
        batch, about = reader.get_batch(0), reader.schema.metadata or {}
    found: dict[str, npt.NDArray[Any]] = {}
    for name in batch.schema.names:
        kind, *shape = about[name.encode()].decode("ascii").split(" ")
        data = batch[name].buffers()[2]
        values = np.frombuffer(data, np.dtype(kind)) if data else np.zeros(0, np.dtype(kind))
        found[name] = values.reshape([int(size) for size in shape if size])
    return found


def _flat(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def require_equal(one: object, two: object, what: str) -> None:
    """Raise MergeError unless two sketches' options agree."""
    if one != two:
        raise MergeError(f"cannot merge two {what} sketches with options {one} and {two}")


def digest_of(option: npt.NDArray[Any]) -> tuple[int, int]:
    """Return the length and the checksum of an array that is an option of a sketch."""
    return len(option), zlib.crc32(np.ascontiguousarray(option).data)
