"""What the pages of a Parquet column claim, read before anything is unpacked: the decoder believes it.

The footer is left to pyarrow. It says how large a column is and how many rows there are, but it can lie:
of what a page unpacks to, of the dictionary whose values stand in many rows, and of rows that the footer
keeps quiet about, the headers of the pages alone tell, and pyarrow does not show them.
Source: parquet.thrift of Apache Parquet; thrift-compact-protocol.md of Apache Thrift.
"""

from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

LARGEST_PAGE = 384 << 20
MOST_PAGES = 100_000
HEADER_BYTES = 4096
LARGEST_HEADER = 1 << 20
DICTIONARY_PAGE, DATA_PAGE, DATA_PAGE_V2 = 7, 5, 8
"""The fields of a header that a page of each kind has."""

Fields = dict[int, Any]
"""A struct: its fields by their numbers. Of what no number is made, nothing is kept."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 16


class Chunk(NamedTuple):
    """Where the pages of a column of a row group lie."""

    start: int
    packed_bytes: int


class Pages(NamedTuple):
    """The bytes of each data page of a column chunk once unpacked and how many values it claims.

    `dictionary` are the bytes of the page with the values that others refer to, or 0.
    """

    unpacked: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]
    dictionary: int

    @property
    def largest(self) -> int:
        """The bytes of the largest page."""
        return max(self.dictionary, int(self.unpacked.max(initial=0)))

    @property
    def claimed_values(self) -> int:
        """How many values all pages claim."""
        return int(self.values.sum())

    def within(self, values: int) -> int:
        """Return the most bytes that any so many consecutive values can take up in these pages."""
        if values >= self.claimed_values:
            return int(self.unpacked.sum())
        sizes = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.unpacked)])
        ends = np.cumsum(self.values)
        last = np.searchsorted(ends, ends - 1 + max(1, values), side="left")
        stops = np.minimum(last + 1, len(ends))
        return int((sizes[stops] - sizes[:-1]).max(initial=0))


def pages_of(stream: BinaryIO, chunk: Chunk) -> Pages:
    """Return what the pages of a column chunk claim; raise ValueError where that cannot be believed."""
    place, end, dictionary = chunk.start, chunk.start + chunk.packed_bytes, 0
    sizes: list[int] = []
    values: list[int] = []
    while place < end:
        header, length = _header_at(stream, place)
        unpacked, packed = header.get(2, 0), header.get(3, 0)
        if not 0 <= unpacked <= LARGEST_PAGE:
            raise ValueError(f"a page unpacks to {unpacked} bytes")
        if packed < 0 or len(sizes) >= MOST_PAGES:
            raise ValueError("its pages have no end")
        if DICTIONARY_PAGE in header:
            dictionary = max(dictionary, unpacked)
        else:
            sizes.append(unpacked)
            values.append(
                max(0, *(header.get(kind, {}).get(1, 0) for kind in (DATA_PAGE, DATA_PAGE_V2)))
            )
        place += length + packed
    return Pages(np.array(sizes, np.int64), np.array(values, np.int64), dictionary)


def _header_at(stream: BinaryIO, place: int) -> tuple[Fields, int]:
    """Return the fields of a page header, and its length."""
    if place < 0:
        raise ValueError("a column begins before the file")
    size = HEADER_BYTES
    while True:
        stream.seek(place)
        data = stream.read(size)
        try:
            return _struct(data, 0)
        except IndexError:
            if len(data) < size or size >= LARGEST_HEADER:
                raise ValueError(f"there is no page header at byte {place}") from None
            size *= 8


def _struct(data: bytes, at: int, depth: int = 0) -> tuple[Fields, int]:
    """Return the struct that begins at `at`, and where it ends.

    Raises IndexError where the data end before it does, and ValueError where it is no header's.
    """
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    fields: Fields = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        kind = head & 15
        if kind not in (_TRUE, _FALSE):  # which take no room
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _STRUCT:
        return _struct(data, at, depth + 1)
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind in (_BYTE, _DOUBLE):
        return None, at + (8 if kind == _DOUBLE else 1)
    raise ValueError(f"a value of the unknown kind {kind}")  # headers hold no lists and no maps


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number that is too long")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
