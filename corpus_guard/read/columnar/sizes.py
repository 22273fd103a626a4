"""How much Arrow values take up once they stand alone, known without unpacking any.

Dictionaries, runs and views let a few bytes stand for as many copies of a value as one likes, so the
size of an array's buffers says nothing about the size of its records.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

MOST_VALUES = 16 << 20
"""So many values are measured at once; each takes 8 bytes while it is."""

VALUE_BYTES = 8
"""What every value counts: a number, a flag or a null nothing else, a string its bytes as well."""

Sizes = npt.NDArray[np.int64]


class TooManyValuesError(ValueError):
    """More values hang together than are measured at once."""


def value_sizes(array: Any) -> Sizes:  # noqa: ANN401  # pyarrow has no types
    """Return the bytes of each value of a valid array, (n,) int64; each is VALUE_BYTES or more.

    Raises TooManyValuesError when an array in it has more than MOST_VALUES values that differ in size.
    """
    import pyarrow as pa

    types, kind = pa.types, array.type
    if isinstance(array, pa.ExtensionArray):
        return value_sizes(array.storage)
    if types.is_primitive(kind) or types.is_null(kind) or types.is_decimal(kind):
        return _all_alike(VALUE_BYTES, len(array))
    if types.is_fixed_size_binary(kind):
        return _all_alike(VALUE_BYTES + kind.byte_width, len(array))
    if len(array) > MOST_VALUES:
        raise TooManyValuesError(f"{len(array)} values hang together")
    if types.is_dictionary(kind):
        return _at(value_sizes(array.dictionary), _whole(array.indices))
    if types.is_run_end_encoded(kind):
        places = np.arange(array.offset, array.offset + len(array))
        runs = np.searchsorted(_whole(array.run_ends), places, side="right")
        return _at(value_sizes(array.values), runs)
    if types.is_struct(kind):
        own = _all_alike(VALUE_BYTES, len(array))
        return np.asarray(sum((value_sizes(child) for child in array.flatten()), own), np.int64)
    if types.is_union(kind):
        return _union_sizes(array)
    return _list_sizes(array) if types.is_nested(kind) else _text_sizes(array)


def _list_sizes(array: Any) -> Sizes:  # noqa: ANN401
    import pyarrow as pa

    types, kind = pa.types, array.type
    if not len(array):
        return _all_alike(VALUE_BYTES, 0)
    if types.is_fixed_size_list(kind):
        starts = (array.offset + np.arange(len(array), dtype=np.int64)) * kind.list_size
        stops = starts + kind.list_size
    elif types.is_list_view(kind) or types.is_large_list_view(kind):
        starts = _whole(array.offsets)
        stops = starts + _whole(array.sizes)
    else:
        offsets = _whole(array.offsets)
        starts, stops = offsets[:-1], offsets[1:]
    first, last = int(starts.min()), int(stops.max())
    children = (array.keys, array.items) if types.is_map(kind) else (array.values,)
    sizes = _all_alike(VALUE_BYTES, len(array))
    for child in children:
        inner = value_sizes(child.slice(first, last - first))
        sizes = sizes + _sums(inner, starts - first, stops - first)
    return sizes


def _sums(sizes: Sizes, starts: Sizes, stops: Sizes) -> Sizes:
    """Return the sum of each stretch of sizes."""
    if not len(sizes):
        return _all_alike(0, len(starts))
    if sizes.strides == (0,):
        return np.asarray((stops - starts) * sizes[0], np.int64)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return np.asarray(ends[stops] - ends[starts], np.int64)


def _union_sizes(array: Any) -> Sizes:  # noqa: ANN401
    import pyarrow as pa

    codes = _whole(array.type_codes)
    dense = isinstance(array.type, pa.DenseUnionType)
    places = _whole(array.offsets) if dense else np.arange(len(array))
    sizes = np.full(len(array), VALUE_BYTES, np.int64)
    for place, code in enumerate(array.type.type_codes):
        chosen = codes == code
        sizes[chosen] += _at(value_sizes(array.field(place)), places[chosen])
    return sizes


def _text_sizes(array: Any) -> Sizes:  # noqa: ANN401
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type)):
        return _whole(pc.binary_length(array)) + VALUE_BYTES
    views = np.frombuffer(array.buffers()[1] or b"", np.int32)
    lengths = views[4 * array.offset : 4 * (array.offset + len(array)) : 4].astype(np.int64)
    is_valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    return np.where(is_valid, lengths, 0) + VALUE_BYTES


def _all_alike(size: int, count: int) -> Sizes:
    """Return so many equal sizes; they take no memory."""
    return np.broadcast_to(np.int64(size), count)


def _whole(array: Any) -> Sizes:  # noqa: ANN401
    """Return whole numbers as NumPy has them, 0 for nulls."""
    filled = array.fill_null(0) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False)).astype(np.int64)


def _at(sizes: Sizes, places: Sizes) -> Sizes:
    return sizes[places] if len(sizes) else _all_alike(VALUE_BYTES, len(places))
