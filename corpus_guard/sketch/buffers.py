"""A column of texts as the kernels want it: Arrow's own buffers and the tokens in them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.sketch.kernels.tokens import Tokens, tokenise


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts i = data[offsets[i]:offsets[i + 1]], UTF-8, with their tokens."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int32]
    tokens: Tokens

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.offsets) - 1


def texts_of(column: pa.Array) -> Texts:
    """Return a string column's buffers and tokens; null is the empty text. Slices are respected."""
    filled = pc.fill_null(column, "") if column.null_count else column
    data, offsets = text_buffers(filled)
    return Texts(data=data, offsets=offsets, tokens=tokenise(data, offsets))


def text_buffers(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return (data, offsets) of a string array without nulls, copying nothing."""
    _, positions, values = column.buffers()
    count = len(column)
    if positions is None or count == 0:
        return np.zeros(0, np.uint8), np.zeros(count + 1, np.int32)
    offsets = np.frombuffer(positions, np.int32)[column.offset : column.offset + count + 1]
    data = (
        np.frombuffer(values, np.uint8)
        if values is not None and values.size
        else np.zeros(0, np.uint8)
    )
    return data, offsets
