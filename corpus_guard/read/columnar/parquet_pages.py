"""What a Parquet file claims in its footer and its page headers, read before anything is unpacked.

pyarrow ends the process over some footers that hold nonsense, so they are read here. The footer says how
large a column is, but it can lie; the decoder believes the page headers.
Source: parquet.thrift of Apache Parquet.
"""

from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from corpus_guard.read.columnar.thrift import Fields, read_struct

LARGEST_FOOTER = 16 << 20
LARGEST_PAGE = 384 << 20
MOST_PAGES = 100_000
HEADER_BYTES = 4096
LARGEST_HEADER = 1 << 20
DELTA_BYTE_ARRAY = 7


class Chunk(NamedTuple):
    """A column of a row group: its encodings, its values, and where its pages lie."""

    encodings: tuple[int, ...]
    values: int
    start: int
    packed_bytes: int


class RowGroup(NamedTuple):
    """The rows that a row group claims, and its columns."""

    rows: int
    chunks: tuple[Chunk, ...]

    @property
    def packed_bytes(self) -> int:
        """The bytes that its pages take up in the file."""
        return sum(chunk.packed_bytes for chunk in self.chunks)


def row_groups(stream: BinaryIO) -> list[RowGroup]:
    """Return the row groups that a file's footer names; raise ValueError where it has none."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 8))
    tail = stream.read(8)
    if tail[4:] == b"PARE":
        raise ValueError("encrypted; decrypt it first")
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > min(size - 8, LARGEST_FOOTER):
        raise ValueError("no footer of a Parquet file, or one that is too large")
    stream.seek(size - 8 - length)
    try:
        footer, _ = read_struct(stream.read(length), 0)
        return [_row_group(group) for group in footer.get(4, [])]
    except (IndexError, TypeError, AttributeError, KeyError) as error:
        raise ValueError("the footer is damaged") from error


def _row_group(fields: Fields) -> RowGroup:
    return RowGroup(max(0, fields[3]), tuple(_chunk(chunk) for chunk in fields[1]))


def _chunk(fields: Fields) -> Chunk:
    about = fields.get(3, {})
    if not about:
        raise ValueError("a column is encrypted")
    starts = [start for start in (about[9], about.get(11)) if start]  # 0 is none
    return Chunk(tuple(about[2]), about[5], min(starts, default=0), max(0, about[7]))


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
        if 7 in header:
            dictionary = max(dictionary, unpacked)
        else:
            sizes.append(unpacked)
            values.append(max(0, *(header.get(kind, {}).get(1, 0) for kind in (5, 8))))
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
            return read_struct(data, 0)
        except IndexError:
            if len(data) < size or size >= LARGEST_HEADER:
                raise ValueError(f"there is no page header at byte {place}") from None
            size *= 8
