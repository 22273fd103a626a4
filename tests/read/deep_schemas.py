"""Files whose schema nests as deep as one likes; pyarrow itself cannot write them."""

import struct


def deep_arrow(depth: int) -> bytes:
    """Return an Arrow stream without rows: one column of structs in structs, built by hand.

    A FlatBuffers table begins with the distance back to its vtable, which gives the places of its
    fields; every other reference is a distance forward.
    """
    message = struct.pack("<I6H", 16, 12, 16, 4, 6, 8, 0) + struct.pack("<ihBxI4x", 12, 4, 1, 16)
    schema = struct.pack("<4H", 8, 8, 0, 4) + struct.pack("<iI", 8, 4) + struct.pack("<I", 1)
    parts = [message, schema]
    for level in range(depth):
        is_leaf = level == depth - 1
        vtable = struct.pack("<8H", 16, 16, 0, 0, 4, 8, 0, 0 if is_leaf else 12)
        field = struct.pack("<iBxxxII", 16, 5 if is_leaf else 13, 12, 12)  # a string or a struct
        kind = struct.pack("<HHi", 4, 4, 4)
        parts += [struct.pack("<I", 20), vtable, field, kind]
        parts += [] if is_leaf else [struct.pack("<I", 1)]
    data = b"".join(parts)
    data += b"\0" * (-len(data) % 8)
    end = b"\xff\xff\xff\xff" + bytes(4)
    return b"\xff\xff\xff\xff" + struct.pack("<i", len(data)) + data + end


def deep_parquet(depth: int) -> bytes:
    """Return a Parquet file without rows: one column of groups in groups."""
    root = b"\x48\x01s\x15\x02\0"  # its name, and that it has one child
    group = b"\x35\x02\x18\x01a\x15\x02\0"  # optional as well
    leaf = b"\x15\x0c\x25\x02\x18\x01b\0"
    count, length = depth + 1, b""
    while count > 127:
        length += bytes([count & 127 | 128])
        count >>= 7
    length += bytes([count])
    schema = b"\xfc" + length + root + group * (depth - 1) + leaf
    footer = b"\x15\x02\x19" + schema + b"\x16\0\x19\x0c\0"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"
