"""Read the compact protocol of Apache Thrift, in which Parquet keeps its metadata.

Source: thrift-compact-protocol.md of Apache Thrift.
"""

from typing import Any

Fields = dict[int, Any]
"""A struct: its fields by their numbers. Text stays bytes; numbers with a point are left out."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 16


def read_struct(data: bytes, at: int, depth: int = 0) -> tuple[Fields, int]:
    """Return the struct that begins at `at`, and where it ends.

    Raises IndexError where the data end before it does, and ValueError where it is no struct.
    """
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    fields: Fields = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        kind = head & 15
        if kind in (_TRUE, _FALSE):  # which take no room
            fields[number] = kind == _TRUE
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        first = data[at]  # most numbers take one byte
        return ((first >> 1) ^ -(first & 1), at + 1) if first < 128 else _integer(data, at)
    if kind == _BINARY:
        length, at = _varint(data, at)
        return data[at : at + length], at + length
    if kind == _STRUCT:
        return read_struct(data, at, depth + 1)
    if kind in (_LIST, _SET):
        return _list(data, at, depth)
    if kind in (_TRUE, _FALSE, _BYTE):
        return data[at], at + 1
    if kind == _DOUBLE:
        return None, at + 8
    raise ValueError(f"a value of the unknown kind {kind}")  # maps are not used in Parquet


def _list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    count, kind = data[at] >> 4, data[at] & 15
    at += 1
    if count == 15:
        count, at = _varint(data, at)
    items = []
    for _ in range(count):
        item, at = _value(data, at, kind, depth + 1)
        if at > len(data):
            raise IndexError("the list is longer than the data")
        items.append(item)
    return items, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number that is too long")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
