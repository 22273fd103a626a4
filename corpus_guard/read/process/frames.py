"""What a reading process and the process that started it say to each other.

A frame is a head, which is a small JSON object, and a body. The body of a block is an Arrow record batch
of a schema that both know, and behind it the fields of its records, which are nested in any shape, as
one JSON array: a thousand small ones take ten times as long to make. What JSON has no value for is the
text that a scan makes of it anyway. Nothing is unpickled: a reading process which hostile data has taken
over can make its parent do nothing but count a failure.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import orjson
import pyarrow as pa

from corpus_guard.read.blocks import many_made
from corpus_guard.read.columnar.messages import is_plain_batch
from corpus_guard.types import RecordBlock

LARGEST_HEAD = 1 << 20
LARGEST_BATCH_HEAD = 4096
LARGEST_BODY = 1 << 30
DEEPEST = 200
"""A value nested deeper is handed over as text."""

BLOCK = pa.schema(
    [
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("byte_offsets", pa.int64(), nullable=False),
        pa.field("digests", pa.binary(32), nullable=False),
        pa.field("oddities", pa.string()),
    ]
)
_SIZES = struct.Struct("<IQ")
_JSON = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class FrameError(Exception):
    """A frame is torn, too large or holds something that it must not."""


class Frame(NamedTuple):
    """What was said: a JSON object, and the bytes of a block or none."""

    head: Mapping[str, Any]
    body: bytes | bytearray | memoryview = b""


def send(stream: BinaryIO, head: Mapping[str, Any], *parts: Any) -> None:  # noqa: ANN401
    """Write one frame; the parts of its body are any buffers."""
    told, views = json.dumps(head).encode(), [memoryview(part) for part in parts]
    stream.write(_SIZES.pack(len(told), sum(view.nbytes for view in views)) + told)
    for view in views:
        stream.write(view)
    stream.flush()


def receive(take: Callable[[int], bytes | bytearray], largest: int = LARGEST_BODY) -> Frame:
    """Return the next frame; `take` gives that many bytes, or fewer at the end.

    Raises FrameError for anything but a whole frame.
    """
    head_size, body_size = _SIZES.unpack(_exactly(take, _SIZES.size))
    if head_size > LARGEST_HEAD or body_size > largest:
        raise FrameError("a frame is too large")
    try:
        head = json.loads(_exactly(take, head_size))
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame's head is no JSON") from error
    if not isinstance(head, dict):
        raise FrameError("a frame's head is no object")
    return Frame(head, _exactly(take, body_size))


def _exactly(take: Callable[[int], bytes | bytearray], size: int) -> bytes | bytearray:
    data = take(size)
    if len(data) != size:
        raise FrameError("the stream ended")
    return data


def send_block(stream: BinaryIO, block: RecordBlock) -> None:
    """Write a block as one frame."""
    columns = [
        pa.array(block.rows, pa.int64()),
        pa.array(block.byte_offsets, pa.int64()),
        pa.array(block.digests, pa.binary(32)),
        pa.array(block.oddities, pa.string()),
    ]
    batch, records = pa.record_batch(columns, schema=BLOCK).serialize(), _json(block.fields)
    head = {"kind": "block", "bytes_read": block.bytes_read, "batch_bytes": batch.size}
    send(stream, head, batch, records)


def block_in(frame: Frame) -> RecordBlock:
    """Return the block in a frame; raise FrameError where there is none."""
    size, border, body = frame.head.get("bytes_read"), frame.head.get("batch_bytes"), frame.body
    if type(size) is not int or type(border) is not int or not 0 < border <= len(body):
        raise FrameError("a frame holds no block")
    if not is_plain_batch(bytes(body[: min(border, LARGEST_BATCH_HEAD)])):
        raise FrameError("a frame holds no batch, or a packed one")
    try:
        batch = pa.ipc.read_record_batch(pa.py_buffer(body).slice(0, border), BLOCK)
        batch.validate(full=True)
        rows, offsets, digests, oddities = batch.columns
        data = bytes(digests.buffers()[1] or b"")
        with many_made():
            records = orjson.loads(memoryview(body)[border:])
        if any(column.null_count for column in batch.columns[:3]):
            raise FrameError("a block has holes")
        if (
            type(records) is not list
            or len(records) != len(rows)
            or set(map(type, records)) - {dict}
        ):
            raise FrameError("its records are no objects, or not as many as there are")
        return RecordBlock(
            rows=rows.to_numpy().tolist(),
            byte_offsets=offsets.to_numpy().tolist(),
            digests=[data[start : start + 32] for start in range(0, 32 * len(rows), 32)],
            fields=records,
            oddities=oddities.to_pylist(),
            bytes_read=size,
        )
    except FrameError:
        raise
    except Exception as error:  # a native parser raises anything
        raise FrameError(f"a block cannot be read ({type(error).__name__})") from error


def _json(records: Sequence[Mapping[str, object]]) -> bytes:
    """Return records as one JSON array; what JSON has no value for becomes text."""
    try:
        data = orjson.dumps(records, default=_text_of, option=_JSON)
    except TypeError:  # a lone surrogate, a key that is no text, a number too long, nested too deep
        return orjson.dumps([_plain(fields, 0) for fields in records])
    if b"null" in data and _has_odd_number(records):  # which was written as null
        return orjson.dumps([_plain(fields, 0) for fields in records])
    return data


def _text_of(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else _sound(str(value))


def _sound(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _has_odd_number(value: object) -> bool:
    if type(value) is float:
        return not math.isfinite(value)
    if isinstance(value, Mapping):
        return any(map(_has_odd_number, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_odd_number, value))


def _plain(value: object, depth: int) -> object:
    """Return a value as JSON can hold it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < DEEPEST and isinstance(value, Mapping):
        return {_sound(str(key)): _plain(below, depth + 1) for key, below in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [_plain(below, depth + 1) for below in value]
    return _text_of(value)
