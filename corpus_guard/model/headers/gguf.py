"""The header of a GGUF file, read with our own bounded reader.

Only what a file can hold is read: every count and length is compared with the bytes that are left
before it is believed. Source: the GGUF specification of ggml, versions 2 and 3, little-endian.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from corpus_guard.model.headers.header import Header, HeaderError, Tensor, checked_places

VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
LARGEST_ALIGNMENT = 1 << 16
LONGEST_KEY = 1 << 16
LONGEST_NAME = 255
LONGEST_TEXT = 16 << 20
LARGEST_HEADER = 512 << 20
MOST_ITEMS = 16_000_000
"""Texts and lists in all arrays together: each is read one by one."""

DEEPEST = 3
MOST_DIMENSIONS = 4
LARGEST = 1 << 63
_TEXT, _ARRAY = 8, 9
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}  # fmt: skip
"""Number to name, numbers a block, bytes a block."""


def read_gguf(path: Path) -> Header:
    """Return the header of a GGUF file; raise HeaderError for anything out of order."""
    with path.open("rb") as stream:
        return _Reader(stream).header()


class _Reader:
    """Goes through a header; never asks for more bytes than the file still holds."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = os.fstat(stream.fileno()).st_size
        self._at = 0
        self._items = 0

    def header(self) -> Header:
        if self._take(4) != b"GGUF":
            raise HeaderError("the file does not begin as a GGUF file")
        if self._number("<I") not in VERSIONS:
            raise HeaderError("the GGUF version is unknown")
        tensors, pairs = self._count("<Q", 24), self._count("<Q", 13)
        metadata = self._metadata(pairs)
        alignment = _alignment(metadata)
        found = self._tensors(tensors, alignment)
        data_start = -(-self._at // alignment) * alignment
        checked_places(found, max(0, self._size - data_start), alignment)
        return Header(tensors=tuple(found), metadata=metadata)

    def _metadata(self, pairs: int) -> dict[str, str | int | float | bool]:
        metadata: dict[str, str | int | float | bool] = {}
        for _ in range(pairs):
            key = self._text(LONGEST_KEY)
            if not key or key in metadata or f"#{key}" in metadata:
                raise HeaderError("a key of the metadata is empty or stands twice")
            kind = self._number("<I")
            if kind == _ARRAY:
                metadata[f"#{key}"] = self._array(1)
            else:
                metadata[key] = self._value(kind)
        return metadata

    def _value(self, kind: int) -> str | int | float | bool:
        if kind == _TEXT:
            return self._text(LONGEST_TEXT)
        if kind not in _SCALARS:
            raise HeaderError("a value of the metadata has an unknown type")
        value: int | float | bool = struct.unpack(_SCALARS[kind], self._scalar(kind))[0]
        return value

    def _scalar(self, kind: int) -> bytes:
        data = self._take(struct.calcsize(_SCALARS[kind]))
        if kind == 7 and data not in (b"\0", b"\1"):
            raise HeaderError("a truth value is neither true nor false")
        return data

    def _array(self, depth: int) -> int:
        """Go past an array and return how many items it has."""
        if depth > DEEPEST:
            raise HeaderError("arrays are nested too deep")
        kind = self._number("<I")
        if kind in _SCALARS:
            width = struct.calcsize(_SCALARS[kind])
            count = self._count("<Q", width)
            self._skip(count * width)
            return count
        if kind not in (_TEXT, _ARRAY):
            raise HeaderError("an array has an unknown type")
        count = self._count("<Q", 8 if kind == _TEXT else 12)
        self._items += count
        if self._items > MOST_ITEMS:
            raise HeaderError("the arrays hold too many items")
        for _ in range(count):
            if kind == _TEXT:
                self._skip_text()
            else:
                self._array(depth + 1)
        return count

    def _tensors(self, count: int, alignment: int) -> list[Tensor]:
        names: set[str] = set()
        found = []
        for _ in range(count):
            tensor = self._tensor(alignment)
            if tensor.name in names:
                raise HeaderError("a tensor stands twice in the header")
            names.add(tensor.name)
            found.append(tensor)
        return found

    def _tensor(self, alignment: int) -> Tensor:
        name = self._text(LONGEST_NAME)
        dimensions = self._number("<I")
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise HeaderError("a tensor has no dimension or too many")
        shape = tuple(self._number("<Q") for _ in range(dimensions))
        kind, start = self._number("<I"), self._number("<Q")
        if kind not in TYPES:
            raise HeaderError("a tensor has an unknown type")
        dtype, block, width = TYPES[kind]
        if start % alignment or start >= LARGEST:
            raise HeaderError("a tensor does not start where it may")
        if min(shape) < 1 or max(shape) >= LARGEST or shape[0] % block:
            raise HeaderError("a tensor's shape makes no sense")
        tensor = Tensor(name=name, dtype=dtype, shape=shape, start=start, size_bytes=0)
        size = tensor.elements // block * width
        if size > self._size:
            raise HeaderError("a tensor is larger than the file")
        return Tensor(name=name, dtype=dtype, shape=shape, start=start, size_bytes=size)

    def _count(self, form: str, least_bytes: int) -> int:
        count = self._number(form)
        if count > (self._size - self._at) // least_bytes:
            raise HeaderError("a count is larger than the file can hold")
        return count

    def _number(self, form: str) -> int:
        value: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return value

    def _text(self, longest: int) -> str:
        length = self._count("<Q", 1)
        if length > longest:
            raise HeaderError("a text of the header is too long")
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise HeaderError("a text of the header is no UTF-8") from error

    def _skip_text(self) -> None:
        length = self._count("<Q", 1)
        if length > LONGEST_TEXT:
            raise HeaderError("a text of the header is too long")
        self._skip(length)

    def _skip(self, size: int) -> None:
        if size < 4096:  # a short read stays in the buffer, a seek may not
            self._take(size)
            return
        self._moved(size)
        self._stream.seek(size, os.SEEK_CUR)

    def _take(self, size: int) -> bytes:
        self._moved(size)
        return self._stream.read(size)

    def _moved(self, size: int) -> None:
        self._at += size
        if self._at > self._size:
            raise HeaderError("the header ends too early")
        if self._at > LARGEST_HEADER:
            raise HeaderError(f"the header is larger than {LARGEST_HEADER >> 20} MiB")


def _alignment(metadata: dict[str, str | int | float | bool]) -> int:
    told = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(told) is not int or not 8 <= told <= LARGEST_ALIGNMENT or told & (told - 1):
        raise HeaderError("the alignment is no power of two that makes sense")
    return told
