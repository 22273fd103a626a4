"""Open a file of any compression, never reading more out of it than its size can honestly hold."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from corpus_guard.errors import BoundExceeded

MAGIC: Mapping[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
}
SUFFIXES: Mapping[str, str] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}

FREE_BYTES = 256 << 20
LARGEST_RATIO = 250
"""A compressed file may unpack to FREE_BYTES, and beyond that to LARGEST_RATIO times its size; text
compresses 3 to 20 times."""

DAMAGED = (zlib.error, lzma.LZMAError, EOFError, OSError)
"""What the decompressors raise for a damaged or cut file (pyarrow raises OSError for zstd)."""


class BoundedStream(io.RawIOBase):
    """A decompressed stream that raises BoundExceeded when it grows out of proportion."""

    def __init__(self, unpacked: BinaryIO, packed_bytes: int) -> None:
        """Wrap `unpacked`, which stems from `packed_bytes` on disk."""
        self._unpacked = unpacked
        self._left = max(FREE_BYTES, LARGEST_RATIO * packed_bytes)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: bytearray | memoryview) -> int:
        """Read into a buffer; return how much."""
        view = memoryview(target).cast("B")
        data = self._unpacked.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise BoundExceeded(f"unpacks to more than {LARGEST_RATIO} times its size; looks like a bomb")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close both."""
        self._unpacked.close()
        super().close()


def sniff_compression(path: Path, head: bytes) -> str:
    """Return the compression by a file's first bytes, else by its name, else `none`."""
    for magic, name in MAGIC.items():
        if head.startswith(magic):
            return name
    return "none"


def open_stream(path: Path, compression: str) -> BinaryIO:
    """Return the file's decompressed bytes as a stream; bounded unless it is not compressed.

    Raises OSError when it cannot be opened.
    """
    if compression == "none":
        return path.open("rb")
    raw = BoundedStream(_UNPACKERS[compression](path), path.stat().st_size)
    return cast(BinaryIO, io.BufferedReader(raw, 1 << 20))


def _open_zstd(path: Path) -> BinaryIO:
    import pyarrow as pa

    return cast(BinaryIO, pa.input_stream(str(path), compression="zstd"))


_UNPACKERS: Mapping[str, Callable[[Path], BinaryIO]] = {
    "gzip": lambda path: cast(BinaryIO, gzip.open(path, "rb")),
    "bz2": lambda path: cast(BinaryIO, bz2.open(path, "rb")),
    "xz": lambda path: cast(BinaryIO, lzma.open(path, "rb")),
    "zstd": _open_zstd,
}
