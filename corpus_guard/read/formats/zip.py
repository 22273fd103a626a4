"""Zip archives of data files (.zip, .eval): the records of each member, in the archive's order.

Each member is read as its ending says; one that is damaged, encrypted, packed out of proportion or
of no format that is read is told and left out, and archives inside archives are not opened. Nothing
is unpacked to disk. Inspect's logs (.eval) are such archives of JSON.
"""

import zipfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.members import Members, not_read
from corpus_guard.types import RecordBlock, Unread

ENCRYPTED, HAS_DESCRIPTOR = 1, 8
"""Bits of a member's flags: it is encrypted; its sizes stand behind it."""

LOCAL_HEADER, NAME_LENGTH, DESCRIPTOR = 30, 26, 24
"""Bytes of a member's own header, where in it the length of its name stands, bytes behind the member."""


@reader(extensions=(".zip", ".eval"), seekable=True, native=True, binary=True, archive=True)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of all members."""
    members = Members(options)
    with zipfile.ZipFile(stream) as archive:
        listed = archive.infolist()
        for member in listed:
            if not member.is_dir():
                yield from _read_member(archive, member, members)
        hidden = _between(stream, listed, archive.start_dir)
    yield from members.left_out()
    if hidden:
        yield Unread(
            file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=hidden,
            reason="it holds bytes that belong to no member; programs that search it may read them",
        )  # fmt: skip


def _between(stream: BinaryIO, listed: list[zipfile.ZipInfo], end: int) -> int:
    """Return how many bytes before the archive's list lie in no member it names."""
    known, position = 0, 0
    for member in sorted(listed, key=lambda member: member.header_offset):
        stream.seek(member.header_offset + NAME_LENGTH)
        lengths = stream.read(4)
        head = (
            LOCAL_HEADER
            + int.from_bytes(lengths[:2], "little")
            + int.from_bytes(lengths[2:], "little")
        )
        behind = DESCRIPTOR if member.flag_bits & HAS_DESCRIPTOR else 0
        last = member.header_offset + head + member.compress_size + behind
        known += max(0, min(last, end) - max(position, member.header_offset))
        position = max(position, last)
    return max(0, end - known)


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, members: Members
) -> Iterator[RecordBlock | Unread]:
    name, size = member.filename, member.compress_size
    if member.flag_bits & ENCRYPTED:
        members.leave_out(name, size, "encrypted")
        return
    try:
        content = archive.open(member)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        yield not_read(name, size, f"cannot be opened ({safe_text(str(error), 120)})")
        return
    with content:
        yield from members.read(name, cast(BinaryIO, content), size)
