"""What a header of a weight file says, whatever the format."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class HeaderError(ValueError):
    """A header is malformed or hostile; the message says how and is fit to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor: where its bytes lie from the start of the data, and its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size_bytes: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """All tensors of a file, and what it says of itself.

    `metadata` holds texts, numbers and truth values; of an array only its length, as an int under its
    name with `#` before it.
    """

    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        """How many numbers all tensors hold together."""
        return sum(tensor.elements for tensor in self.tensors)


def checked_places(tensors: list[Tensor], data_bytes: int, alignment: int = 1) -> None:
    """Raise HeaderError unless the tensors fill the data in turn, without an overlap or a hole."""
    expected = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.start, tensor.size_bytes)):
        if tensor.start != expected:
            what = "overlap" if tensor.start < expected else "leave a hole"
            raise HeaderError(f"tensors {what} at byte {min(tensor.start, expected)} of the data")
        if tensor.start + tensor.size_bytes > data_bytes:
            raise HeaderError("a tensor ends behind the end of the file")
        expected = -(-(tensor.start + tensor.size_bytes) // alignment) * alignment
