"""Arrow types with some of their parts replaced, however deep these lie."""

from collections.abc import Callable, Mapping
from typing import Any

Change = Callable[
    [Any], Any
]  # from a type to the one in its place, or to None; pyarrow has no types


def with_bytes(kind: Any) -> Any:  # noqa: ANN401
    """Return a type with bytes in place of strings; an array can be viewed so without a copy."""
    import pyarrow as pa

    plain = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}
    plain[pa.string_view()] = pa.binary_view()

    def bytes_type(part: Any) -> Any:  # noqa: ANN401
        is_extension = isinstance(part, pa.BaseExtensionType)
        return with_bytes(part.storage_type) if is_extension else plain.get(part)

    return _rebuilt(kind, bytes_type)


def without_dictionaries(kind: Any) -> Any:  # noqa: ANN401
    """Return a type with the values themselves in place of places in a dictionary."""
    import pyarrow as pa

    def value_type(part: Any) -> Any:  # noqa: ANN401
        return without_dictionaries(part.value_type) if pa.types.is_dictionary(part) else None

    return _rebuilt(kind, value_type)


def _rebuilt(kind: Any, change: Change) -> Any:  # noqa: ANN401
    import pyarrow as pa

    changed, types = change(kind), pa.types
    if changed is not None:
        return changed
    if types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _rebuilt(kind.value_type, change), kind.ordered)
    if types.is_run_end_encoded(kind):
        return pa.run_end_encoded(kind.run_end_type, _rebuilt(kind.value_type, change))
    if types.is_struct(kind):
        return pa.struct([_rebuilt_field(field, change) for field in kind])
    if types.is_union(kind):
        return pa.union([_rebuilt_field(f, change) for f in kind], kind.mode, kind.type_codes)
    if types.is_map(kind):
        parts = (_rebuilt_field(field, change) for field in (kind.key_field, kind.item_field))
        return pa.map_(*parts, kind.keys_sorted)
    if types.is_fixed_size_list(kind):
        return pa.list_(_rebuilt_field(kind.value_field, change), kind.list_size)
    if kind.id in (make := _list_makers()):
        return make[kind.id](_rebuilt_field(kind.value_field, change))
    return kind


def _rebuilt_field(field: Any, change: Change) -> Any:  # noqa: ANN401
    return field.with_type(_rebuilt(field.type, change))


def _list_makers() -> Mapping[int, Callable[[Any], Any]]:
    import pyarrow as pa

    makers = (pa.list_, pa.large_list, pa.list_view, pa.large_list_view)
    return {make(pa.null()).id: make for make in makers}
