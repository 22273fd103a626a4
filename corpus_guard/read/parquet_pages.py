"""What the pages of a Parquet column claim, read from their headers before any is unpacked.

The footer says how large a column is, but it can lie; the decoder believes the page headers.
Source: parquet.thrift and the compact protocol of Apache Thrift.
"""

from typing import Any, BinaryIO, NamedTuple

LARGEST_PAGE = 128 << 20
HEADER_BYTES = 4096
LARGEST_HEADER = 1 << 20
_STRUCT, _DEEPEST = 12, 16


class Pages(NamedTuple):
    """The largest page of a column chunk once unpacked, and how many values all its pages claim."""

    largest: int
    values: int


def pages_of(stream: BinaryIO, chunk: Any) -> Pages:  # noqa: ANN401  # pyarrow has no types
    """Return what the pages of a column chunk claim; raise ValueError where that cannot be believed."""
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    place = min(start for start in starts if start)
    end, largest, values = place + chunk.total_compressed_size, 0, 0
    while place < end and values < chunk.num_values:
        header, length = _header_at(stream, place)
        unpacked, packed = header.get((2,), 0), header.get((3,), 0)
        if not 0 <= unpacked <= LARGEST_PAGE or packed < 0:
            raise ValueError(f"a page unpacks to {unpacked} bytes")
        largest = max(largest, unpacked)
        values += max(0, header.get((5, 1), 0), header.get((8, 1), 0))
        place += length + packed
    return Pages(largest, values)


def _header_at(stream: BinaryIO, place: int) -> tuple[dict[tuple[int, ...], int], int]:
    """Return the whole numbers of a page header by their paths of field numbers, and its length."""
    size = HEADER_BYTES
    while True:
        stream.seek(place)
        data = stream.read(size)
        fields: dict[tuple[int, ...], int] = {}
        try:
            return fields, _struct(data, 0, (), fields)
        except IndexError:
            if len(data) < size or size >= LARGEST_HEADER:
                raise ValueError(f"there is no page header at byte {place}") from None
            size *= 8


def _struct(
    data: bytes, at: int, path: tuple[int, ...], fields: dict[tuple[int, ...], int]
) -> int:  # fmt: skip
    """Take in the struct that begins at `at` and return where it ends."""
    if len(path) > _DEEPEST:
        raise ValueError("a page header is nested too deep")
    number = 0
    while True:
        head = data[at]
        at += 1
        if head == 0:
            return at
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        at = _value(data, at, kind, (*path, number), fields)


def _value(
    data: bytes, at: int, kind: int, path: tuple[int, ...], fields: dict[tuple[int, ...], int]
) -> int:  # fmt: skip
    if kind in (1, 2):  # true and false take no room
        return at
    if kind == 3:
        return at + 1
    if kind in (4, 5, 6):
        fields[path], at = _zigzag(data, at)
        return at
    if kind == 7:
        return at + 8
    if kind == 8:
        length, at = _varint(data, at)
        return at + length
    if kind == _STRUCT:
        return _struct(data, at, path, fields)
    raise ValueError(f"a page header holds a value of the unknown kind {kind}")


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
            raise ValueError("a page header holds a number that is too long")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
