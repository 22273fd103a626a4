"""Open a file of any compression, never reading more out of it than its size can honestly hold."""

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from corpus_guard.escape import safe_text
from corpus_guard.read.gzip_members import GzipMembers, PackedGap
from corpus_guard.read.transcoding import as_utf8
from corpus_guard.types import HubPath

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC: Mapping[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
}
SUFFIXES: Mapping[str, str] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}

BUFFER_BYTES = 1 << 20
REMOTE_BUFFER_BYTES = 64 << 10
"""The head of each of a thousand remote files should cost no more than this."""

PACKED_BYTES = 64 << 10

FREE_BYTES = 256 << 20
LARGEST_RATIO = 250
"""A compressed file may unpack to FREE_BYTES, and beyond that to LARGEST_RATIO times its size; text
compresses 3 to 20 times."""

XZ_MEMORY = 256 << 20
"""What unpacking xz may take; its header can ask for 4 GiB."""

_DAMAGED = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, EOFError, OSError)
"""What the decompressors raise for a damaged or cut file (pyarrow raises OSError for zstd)."""


class OpenFile:
    """A file that is being read: `stream` gives its decompressed bytes.

    Where the file is damaged or unpacks out of proportion the stream ends, so that what was read before
    is not lost, and `failure` says why.
    """

    def __init__(
        self, path: Path | HubPath, compression: str | None = None, encoding: str = "utf-8"
    ) -> None:
        """Open it; None means that its first bytes tell how it is packed. Raises OSError.

        Text in another encoding than UTF-8 comes as UTF-8.
        """
        self._raw = _open_raw(path)
        if compression is None:
            compression = sniff_compression(self._raw.read(max(map(len, MAGIC))))
            self._raw.seek(0)
        self.compression = compression
        packed = compression != "none"
        self._unpacked = _UNPACKERS[compression](self._raw) if packed else self._raw
        most = max(FREE_BYTES, LARGEST_RATIO * size_of(path)) if packed else None
        buffer = REMOTE_BUFFER_BYTES if isinstance(path, HubPath) else BUFFER_BYTES
        self._guarded = GuardedStream(cast(BinaryIO, self._unpacked), most, _address(path))
        self.stream = as_utf8(cast(BinaryIO, io.BufferedReader(self._guarded, buffer)), encoding)

    @property
    def position(self) -> int:
        """How many bytes of the file as it is stored have been consumed."""
        unpacked = self._unpacked
        return unpacked.position if isinstance(unpacked, GzipMembers) else self._raw.tell()

    @property
    def gaps(self) -> tuple[PackedGap, ...]:
        """The damaged stretches of the packed file behind which reading went on."""
        return tuple(self._unpacked.gaps) if isinstance(self._unpacked, GzipMembers) else ()

    @property
    def failure(self) -> str | None:
        """Why the stream ended before the file did, or None."""
        remote: str | None = getattr(self._raw, "failure", None)
        return remote or self._guarded.failure

    @property
    def is_gone(self) -> bool:
        """Whether it comes from afar and could not be fetched: reading again may succeed."""
        return getattr(self._raw, "failure", None) is not None

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.stream.close()
        self._raw.close()


def unpacked(stream: BinaryIO, name: str) -> BinaryIO:
    """Return what is packed in a stream, as its file's name says; the stream itself where it is not."""
    compression = SUFFIXES.get(PurePath(name.lower()).suffix)
    return cast(BinaryIO, _UNPACKERS[compression](stream)) if compression else stream


def size_of(path: Path | HubPath) -> int:
    """Return a file's size in bytes as it is now; a hub's file does not change at its commit."""
    return path.size_bytes if isinstance(path, HubPath) else path.stat().st_size


def _address(path: Path | HubPath) -> str:
    if isinstance(path, HubPath):
        return f"hf://datasets/{path.repo}@{path.revision}/{path.path}"
    return str(path.absolute())


def _open_raw(path: Path | HubPath) -> BinaryIO:
    if isinstance(path, HubPath):
        from corpus_guard.read.remote.file import RemoteFile

        return cast(BinaryIO, RemoteFile(path))
    return path.open("rb")


def sniff_compression(head: bytes) -> str:
    """Return the compression that a file's first bytes show, or `none`."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "none")


class GuardedStream(io.RawIOBase):
    """A stream that ends where its source fails or gives more than `most` bytes."""

    def __init__(self, source: BinaryIO, most: int | None, name: str) -> None:
        """Guard a source; None stands for as much as there is. `name` says where it comes from."""
        self._source = source
        self._left = most
        self.name = name
        self.failure: str | None = None

    @property
    def left(self) -> int:
        """How many more bytes may come out of it; 0 where they are not counted."""
        return max(0, self._left or 0)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say whether one may go back: not where the bytes that come out are counted."""
        return self._left is None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position of the source."""
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the source."""
        return self._source.tell()

    def readinto(self, target: "Buffer") -> int:
        """Fill the target as far as the source goes; 0 at its end or where it fails."""
        if self.failure is not None:
            return 0
        view = memoryview(target).cast("B")
        try:
            data = self._source.read(len(view))
        except _DAMAGED as error:
            self.failure = f"damaged or cut short ({safe_text(str(error), 120)})"
            return 0
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self.failure = (
                    f"unpacks to more than {LARGEST_RATIO} times its size; looks like a bomb"
                )
                return 0
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the source too."""
        self._source.close()
        super().close()


class _Unpacked(io.RawIOBase):
    """The content of packed members that lie end to end; what comes before damage is handed out.

    The streams of the standard library lose what they have unpacked when they meet damage, and some
    pass over what is no member.
    """

    def __init__(self, raw: BinaryIO, make: Callable[[], Any]) -> None:
        self._raw, self._make = raw, make
        self._unpacker = make()

    def readable(self) -> bool:
        return True

    def readinto(self, target: "Buffer") -> int:
        view = memoryview(target).cast("B")
        data = b""
        while not data:
            packed = b""
            if self._unpacker.eof:
                packed = self._next_member()
                if not packed:
                    return 0
                self._unpacker = self._make()
            elif self._unpacker.needs_input:
                packed = self._raw.read(PACKED_BYTES)
            data = self._unpacker.decompress(packed, len(view))
            if not (data or packed or self._unpacker.eof):
                raise EOFError("the compressed file ends before its end")
        view[: len(data)] = data
        return len(data)

    def _next_member(self) -> bytes:
        """Return the bytes behind a member, without the zeros that pad it."""
        packed: bytes = self._unpacker.unused_data.lstrip(b"\0")
        while not packed:
            more = self._raw.read(PACKED_BYTES)
            if not more:
                break
            packed = more.lstrip(b"\0")
        return packed


class _ZstdStream(io.RawIOBase):
    """The content of a zst file; where it is damaged, byte by byte up to the damage."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._given = 0
        self._is_careful = False
        self._source = self._open()

    def _open(self) -> Any:  # noqa: ANN401  # pyarrow has no types
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, target: "Buffer") -> int:
        view = memoryview(target).cast("B")
        data = self._read(min(len(view), PACKED_BYTES))
        view[: len(data)] = data
        self._given += len(data)
        return len(data)

    def _read(self, most: int) -> bytes:
        if not self._is_careful:
            try:
                return bytes(self._source.read(most))
            except OSError:  # and with it goes what was unpacked for this call
                self._go_back()
        return bytes(self._source.read(1))

    def _go_back(self) -> None:
        self._is_careful = True
        self._spent = self._source  # closes the file when it goes
        self._raw.seek(0)
        self._source = self._open()
        left = self._given
        while left > 0:
            left -= len(self._source.read(min(left, PACKED_BYTES))) or left


_UNPACKERS: Mapping[str, Callable[[BinaryIO], io.RawIOBase]] = {
    "gzip": GzipMembers,
    "bz2": lambda raw: _Unpacked(raw, bz2.BZ2Decompressor),
    "xz": lambda raw: _Unpacked(raw, lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY)),
    "zstd": _ZstdStream,
}
