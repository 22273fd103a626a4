"""Hand out text of any encoding as UTF-8, as it streams by.

What an encoding cannot decode becomes a byte that is no UTF-8: so readers replace it, and tell it, as
they do with broken UTF-8.
"""

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

BROKEN = "\ufffd"
REPLACE = "corpus_guard.broken"
MARK = "\ufeff"
PART_BYTES = 64 << 10
BUFFER_BYTES = 1 << 20


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what stands for what cannot be decoded: half a surrogate, which becomes the byte 255."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    if isinstance(error, UnicodeEncodeError):
        return b"\xff" * (error.end - error.start), error.end
    raise error


codecs.register_error(REPLACE, _replaced)


def decoder_of(encoding: str) -> codecs.IncrementalDecoder:
    """Return a decoder that replaces what it cannot decode."""
    return codecs.getincrementaldecoder(encoding)(errors=REPLACE)


def utf8_of(head: bytes, encoding: str) -> bytes:
    """Return the beginning of a text as UTF-8, without a character that is cut at its end."""
    return decoder_of(encoding).decode(head).removeprefix(MARK).encode("utf-8", REPLACE)


def as_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Return a text's stream as one of UTF-8; it is the same stream where it is that."""
    if encoding == "utf-8":
        return stream
    return cast(BinaryIO, io.BufferedReader(Utf8Stream(stream, encoding), BUFFER_BYTES))


class Utf8Stream(io.RawIOBase):
    """A text in another encoding as UTF-8; it holds a small part of it at a time."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        """Read from a source's beginning."""
        self._source = source
        self._decoder = decoder_of(encoding)
        self._ready = memoryview(b"")
        self._is_first, self._is_over = True, False
        self.name = getattr(source, "name", "")

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, target: "Buffer") -> int:
        """Fill the target as far as there is text; 0 at its end."""
        while not self._ready and not self._is_over:
            self._ready = memoryview(self._next())
        view = memoryview(target).cast("B")
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _next(self) -> bytes:
        data = self._source.read(PART_BYTES)
        self._is_over = not data
        text = self._decoder.decode(data, final=self._is_over)
        if text and self._is_first:
            text, self._is_first = text.removeprefix(MARK), False
        return text.encode("utf-8", REPLACE)

    def close(self) -> None:
        """Close the source too."""
        self._source.close()
        super().close()
