"""Numbers that rows carry into a second look, kept in a file that all workers map."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class ValueFile:
    """The rows' numbers by row range; small to send to a worker."""

    path: Path

    def __call__(self, first: int, last: int) -> npt.NDArray[np.int16]:
        """Return the numbers of rows first to last, (last - first, width) int16."""
        values = np.load(self.path, mmap_mode="r", allow_pickle=False)
        part: npt.NDArray[np.int16] = np.ascontiguousarray(values[first:last])
        return part


def save_values(path: Path, chunks: Iterator[npt.NDArray[np.int16]], rows: int, width: int) -> Path:
    """Write the chunks end to end as one (rows, width) int16 .npy file and return its path."""
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.int16, shape=(rows, width))
    first = 0
    for chunk in chunks:
        out[first : first + len(chunk)] = chunk
        first += len(chunk)
    out.flush()
    return path
