"""Tar archives: of data files, or with a record in several files of one name (WebDataset).

Files that stand together and differ only in their ending are one record with a field per ending
(`a.txt` and `a.json` are the fields `txt` and `json`). Each other file is read as its ending says.
Pictures, sounds and other members that are no text are told and left out.
"""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.members import Members, not_read
from corpus_guard.read.text.lines import CHUNK
from corpus_guard.types import RecordBlock, Unread

LARGEST_PART = 4 << 20
"""A larger member is no part of a record."""

LARGEST_RECORD = 32 << 20


@reader(extensions=(".tar", ".tgz"), native=True, binary=True, archive=True)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of all members."""
    members, source = Members(options), _Source(stream)
    group = _Group(members, options.max_keys)
    with tarfile.open(fileobj=cast(BinaryIO, source), mode="r|") as archive:
        try:
            for member in archive:
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    members.leave_out(member.name, 0, "a link or a device")
                    continue
                if not group.takes(member):
                    yield from group.flush()
                if member.size <= LARGEST_PART:
                    group.add(member, content.read())
                else:
                    yield from members.read(member.name, cast(BinaryIO, content), member.size)
        finally:
            yield from group.flush()
        yield from members.left_out()
        yield from source.behind(archive.offset)


class _Source:
    """A stream that remembers what it gave last, to tell what follows the archive's end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._last, self._given = stream, b"", 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._given += len(data)
        self._last = data or self._last
        return data

    def behind(self, end: int) -> Iterator[Unread]:
        """Tell what follows the last member if it is no end mark, or more than one."""
        ahead = self._given - end
        rest, count, is_blank = self._last[-ahead:] if ahead > 0 else b"", 0, True
        while rest:
            count, is_blank = count + len(rest), is_blank and not rest.strip(b"\0")
            rest = self._stream.read(CHUNK)
        if not count:
            yield not_read("the archive", 1, "it has no end mark; it may have been cut")
        elif not is_blank:
            yield not_read("the archive", count, "what follows its end was not scanned")


class _Part(NamedTuple):
    name: str
    ending: str
    data: bytes


class _Group:
    """The small members that have come so far and may be parts of one record."""

    def __init__(self, members: Members, most_parts: int) -> None:
        self._members, self._most_parts = members, most_parts
        self._parts: list[_Part] = []
        self._stem = ""
        self._size = 0

    def takes(self, member: tarfile.TarInfo) -> bool:
        """Say whether a member belongs to the same record."""
        stem, ending = _split(member.name)
        return (
            stem == self._stem
            and member.size <= LARGEST_PART
            and self._size + member.size <= LARGEST_RECORD
            and len(self._parts) < self._most_parts
            and all(part.ending != ending for part in self._parts)
        )

    def add(self, member: tarfile.TarInfo, data: bytes) -> None:
        if len(data) != member.size:
            raise EOFError("the archive ends before its end")
        self._stem, ending = _split(member.name)
        self._parts.append(_Part(member.name, ending, data))
        self._size += member.size

    def flush(self) -> Iterator[RecordBlock | Unread]:
        """Yield the record that the members make up, or what is in the only one."""
        parts, size = self._parts, self._size
        self._parts, self._size, self._stem = [], 0, ""
        if len(parts) == 1:
            yield from self._members.read_data(parts[0].name, parts[0].data)
        elif parts:
            yield from self._record(parts, size)

    def _record(self, parts: list[_Part], size: int) -> Iterator[RecordBlock]:
        fields: dict[str, object] = {}
        for part in parts:
            value = _value(part)
            if value is None:
                self._members.leave_out(part.name, len(part.data), "no text")
                size -= len(part.data)
            else:
                fields[part.ending] = value
        block = BlockBuilder()
        block.next_row = self._members.next_row
        if fields:
            block.add(-1, b"\0".join(part.data for part in parts), fields)
        self._members.next_row = block.next_row
        block.count(size)
        yield from block.flush()


def _split(name: str) -> tuple[str, str]:
    """Return a member's name up to the first dot of its last part, and what follows that."""
    folder, slash, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    return folder + slash + stem, ending.lower()


def _value(part: _Part) -> object:
    """Return what a part says, None if it is no text."""
    if b"\0" in part.data:
        return None
    try:
        text = part.data.decode()
    except UnicodeDecodeError:
        return None
    if part.ending.rpartition(".")[2] == "json":
        try:
            return cast(object, orjson.loads(text))
        except orjson.JSONDecodeError:
            return text
    return text
