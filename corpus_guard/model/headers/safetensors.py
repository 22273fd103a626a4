"""The header of a safetensors file, checked as strictly as the format is defined.

Source: the format of https://github.com/huggingface/safetensors, and its published audit.
"""

import json
import os
from pathlib import Path
from typing import Any

from corpus_guard.model.headers.header import Header, HeaderError, Tensor, checked_places

LARGEST_HEADER = 100 << 20
MOST_OBJECTS = 2_000_000
"""Objects and lists in a header, three a tensor. Empty lists take twenty times their size as JSON."""

MOST_DIMENSIONS = 32
LARGEST = 1 << 63
BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


def read_safetensors(path: Path) -> Header:
    """Return the header of a safetensors file; raise HeaderError for anything out of order."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        length = int.from_bytes(stream.read(8), "little")
        if size < 10 or not 2 <= length <= size - 8:
            raise HeaderError("the header's length does not fit the file")
        if length > LARGEST_HEADER:
            raise HeaderError(f"the header is larger than {LARGEST_HEADER >> 20} MiB")
        told = _parsed(stream.read(length))
    metadata = _metadata(told.pop("__metadata__", {}))
    tensors = [_tensor(name, entry) for name, entry in told.items()]
    data_bytes = size - 8 - length
    checked_places(tensors, data_bytes)
    if sum(tensor.size_bytes for tensor in tensors) != data_bytes:
        raise HeaderError("there are bytes behind the last tensor")
    return Header(tensors=tuple(tensors), metadata=metadata)


def _parsed(raw: bytes) -> dict[str, Any]:
    if not raw.startswith(b"{"):
        raise HeaderError("the header is no JSON object")
    if raw.count(b"{") + raw.count(b"[") > MOST_OBJECTS or raw.count(b",") > 4 * MOST_OBJECTS:
        raise HeaderError("the header holds too many values")
    try:
        told = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except HeaderError:
        raise
    except (ValueError, RecursionError) as error:
        raise HeaderError("the header is not valid JSON") from error
    if not isinstance(told, dict):
        raise HeaderError("the header is no JSON object")
    return told


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise HeaderError("a name stands twice in the header")
    return found


def _metadata(told: object) -> dict[str, str]:
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise HeaderError("the metadata are no texts")
    return told


def _tensor(name: str, told: object) -> Tensor:
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise HeaderError("a tensor is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = told["dtype"], told["shape"], told["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise HeaderError("a tensor has an unknown dtype")
    if not _are_sizes(shape) or len(shape) > MOST_DIMENSIONS:
        raise HeaderError("a tensor's shape makes no sense")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise HeaderError("a tensor's offsets make no sense")
    size = offsets[1] - offsets[0]
    tensor = Tensor(name=name, dtype=dtype, shape=tuple(shape), start=offsets[0], size_bytes=size)
    if tensor.elements * BITS[dtype] != size * 8:
        raise HeaderError("a tensor's shape and its bytes do not agree")
    return tensor


def _are_sizes(told: object) -> bool:
    return isinstance(told, list) and all(
        type(number) is int and 0 <= number < LARGEST for number in told
    )
