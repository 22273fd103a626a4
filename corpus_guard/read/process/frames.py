"""What a reading process and the process that started it say to each other: framed plain values.

Nothing but values of the types below is ever made from a frame, so that a reading process which
hostile data has taken over cannot make its parent run anything.
"""

import io
import pickle
from collections.abc import Callable
from datetime import timezone
from typing import Any, BinaryIO

LARGEST_FRAME = 1 << 30
_ALLOWED = {
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
    ("builtins", "str"),
}


class FrameError(Exception):
    """A frame is torn, too large or holds something that is no plain value."""


class _Writer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:  # noqa: ANN401
        kind = type(value)
        is_plain = (kind.__module__, kind.__qualname__) in _ALLOWED
        if kind is type or (is_plain and not _has_foreign_zone(value)):
            return NotImplemented
        return str, (str(value),)


def _has_foreign_zone(value: object) -> bool:
    zone = getattr(value, "tzinfo", None)
    return zone is not None and type(zone) is not timezone


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) not in _ALLOWED:
            raise FrameError("a frame holds more than plain values")
        return super().find_class(module, name)


def send(stream: BinaryIO, value: object) -> None:
    """Write one frame; values of other types than the plain ones become text."""
    frame = io.BytesIO()
    _Writer(frame, protocol=5).dump(value)
    data = frame.getbuffer()
    stream.write(data.nbytes.to_bytes(8, "little"))
    stream.write(data)
    stream.flush()


def receive(take: Callable[[int], bytes]) -> Any:  # noqa: ANN401
    """Return the value of the next frame; `take` gives that many bytes, or fewer at the end.

    Raises FrameError for anything but a whole frame of plain values.
    """
    size = int.from_bytes(_exactly(take, 8), "little")
    if size > LARGEST_FRAME:
        raise FrameError("a frame is too large")
    data = _exactly(take, size)
    try:
        return _Reader(io.BytesIO(data)).load()
    except Exception as error:
        raise FrameError(f"a frame cannot be read ({type(error).__name__})") from error


def _exactly(take: Callable[[int], bytes], size: int) -> bytes:
    data = take(size)
    if len(data) != size:
        raise FrameError("the stream ended")
    return data
