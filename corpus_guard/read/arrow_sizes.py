"""How much Arrow values take up once they stand alone, known without unpacking any.

Dictionaries, runs and views let a few bytes stand for as many copies of a value as one likes, so the
size of an array's buffers says nothing about the size of its records.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

FREE_VALUES = 16 << 20
"""So many values may hang together in one batch, however few bytes hold them."""

PLAIN_BYTES = 8
"""What a number, a flag or a null counts."""

Sizes = npt.NDArray[np.int64]


def value_sizes(array: Any, most: int = FREE_VALUES) -> Sizes:  # noqa: ANN401  # no types
    """Return the bytes of each value of an array, (n,) int64; every value counts at least 1.

    Raises ValueError when an array in it claims more than `most` values.
    """
    import pyarrow as pa

    if len(array) > most:
        raise ValueError(f"claims {len(array)} values, which is out of proportion to its size")
    types, kind = pa.types, array.type
    if isinstance(array, pa.ExtensionArray):
        return value_sizes(array.storage, most)
    if types.is_dictionary(kind):
        return _at(value_sizes(array.dictionary, most), _whole(array.indices))
    if types.is_run_end_encoded(kind):
        places = np.arange(array.offset, array.offset + len(array))
        runs = np.searchsorted(_whole(array.run_ends), places, side="right")
        return _at(value_sizes(array.values, most), runs)
    if types.is_struct(kind):
        parts = (value_sizes(child, most) for child in array.flatten())
        return np.asarray(sum(parts, np.ones(len(array), np.int64)), np.int64)
    if types.is_union(kind):
        return _union_sizes(array, most)
    if types.is_nested(kind):
        return _list_sizes(array, most)
    return _leaf_sizes(array)


def _list_sizes(array: Any, most: int) -> Sizes:  # noqa: ANN401
    import pyarrow as pa

    types, kind = pa.types, array.type
    if types.is_map(kind):
        inner = value_sizes(array.keys, most) + value_sizes(array.items, most)
    else:
        inner = value_sizes(array.values, most)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(inner)])
    if types.is_fixed_size_list(kind):
        starts = (array.offset + np.arange(len(array) + 1)) * kind.list_size
        return np.diff(ends[starts]) + 1
    offsets = _whole(array.offsets)
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return _at(ends, offsets + _whole(array.sizes)) - _at(ends, offsets) + 1
    return np.diff(_at(ends, offsets)) + 1


def _union_sizes(array: Any, most: int) -> Sizes:  # noqa: ANN401
    import pyarrow as pa

    codes = _whole(array.type_codes)
    dense = isinstance(array.type, pa.DenseUnionType)
    places = _whole(array.offsets) if dense else np.arange(len(array))
    sizes = np.ones(len(array), np.int64)
    for place, code in enumerate(array.type.type_codes):
        chosen = codes == code
        sizes[chosen] += _at(value_sizes(array.field(place), most), places[chosen])
    return sizes


def _leaf_sizes(array: Any) -> Sizes:  # noqa: ANN401
    import pyarrow as pa
    import pyarrow.compute as pc

    types, kind = pa.types, array.type
    if types.is_string_view(kind) or types.is_binary_view(kind):
        views = np.frombuffer(array.buffers()[1] or b"", np.int32)
        lengths = views[4 * array.offset : 4 * (array.offset + len(array)) : 4].astype(np.int64)
        return np.where(_is_valid(array), lengths, 0) + 1
    if (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    ):
        return _whole(pc.binary_length(array)) + 1
    width = kind.byte_width if types.is_fixed_size_binary(kind) else PLAIN_BYTES
    return np.full(len(array), width + 1, np.int64)


def _is_valid(array: Any) -> npt.NDArray[np.bool_]:  # noqa: ANN401
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))


def _whole(array: Any) -> Sizes:  # noqa: ANN401
    """Return whole numbers as NumPy has them, 0 for nulls."""
    filled = array.fill_null(0) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False)).astype(np.int64)


def _at(sizes: Sizes, places: Sizes) -> Sizes:
    return sizes[places] if len(sizes) else np.zeros(len(places), np.int64)
