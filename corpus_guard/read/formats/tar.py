"""Tar archives: of data files, or with a record in several files of one name (WebDataset).

Files that stand together and differ only in their ending are one record with a field per ending
(`a.txt` and `a.json` are the fields `txt` and `json`); without any text beside it, the fields of a JSON
object are those of the record. A table, or a file of many records, is no part of one. Each other file is
read as its ending says.
Pictures, sounds and other members that are no text are told and left out.
"""

import io
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder, decode
from corpus_guard.read.encodings import HEAD_BYTES, UTF8, encoded, is_no_text
from corpus_guard.read.members import Members, not_read
from corpus_guard.read.recognise import plain_name
from corpus_guard.read.text.lines import CHUNK
from corpus_guard.read.transcoding import as_utf8
from corpus_guard.types import RecordBlock, Unread

LARGEST_PART = 4 << 20
"""A larger member is no part of a record."""

LARGEST_RECORD = 32 << 20

TEXT_PARTS = ("txt", "text", "caption", "md", "html", "json", "cls")
"""Parts that are text even where a few bytes of them are broken."""

OF_MANY = (
    ".jsonl", ".ndjson", ".jsonlines", ".csv", ".tsv", ".tab", ".parquet", ".pq", ".arrow", ".feather",
    ".ipc", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods",
)  # fmt: skip
"""Endings of files that hold many records."""


@reader(extensions=(".tar", ".tgz"), native=True, binary=True, archive=True)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of all members."""
    members, source = Members(options), _Source(stream)
    group = _Group(members, options)
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

    def __init__(self, members: Members, options: ReadOptions) -> None:
        self._members, self._options = members, options
        self._parts: list[_Part] = []
        self._stem = self._last = ""
        self._size = 0

    def takes(self, member: tarfile.TarInfo) -> bool:
        """Say whether a member belongs to the same record."""
        stem, ending = _split(member.name)
        return (
            stem == self._stem
            and member.size <= LARGEST_PART
            and self._size + member.size <= LARGEST_RECORD
            and len(self._parts) < self._options.max_keys
            and all(part.ending != ending for part in self._parts)
            and not any(plain_name(name).suffix in OF_MANY for name in (member.name, self._last))
        )

    def add(self, member: tarfile.TarInfo, data: bytes) -> None:
        if len(data) != member.size:
            raise EOFError("the archive ends before its end")
        self._stem, ending = _split(member.name)
        self._last = member.name
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
        oddities: set[str] = set()
        for part in parts:
            value = _value(part, self._options, oddities)
            if value is None:
                self._members.leave_out(part.name, len(part.data), "no text")
                size -= len(part.data)
            else:
                fields[part.ending] = value
        block = BlockBuilder()
        block.next_row = self._members.next_row
        if fields:
            raw = b"\0".join(part.data for part in parts)
            block.add(-1, raw, _flat(fields), tuple(sorted(oddities)))
        self._members.next_row = block.next_row
        block.count(size)
        yield from block.flush()


def _split(name: str) -> tuple[str, str]:
    """Return a member's name up to the first dot of its last part, and what follows that."""
    folder, slash, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    return folder + slash + stem, ending.lower()


def _flat(fields: dict[str, object]) -> dict[str, object]:
    """Return a record whose text, if any, stands in a JSON object, with the fields of that."""
    told = fields.get("json")
    others = {name: value for name, value in fields.items() if name != "json"}
    if not isinstance(told, dict) or others.keys() & {*TEXT_PARTS[:-2], *told}:
        return fields
    return {**told, **others}


def _value(part: _Part, options: ReadOptions, oddities: set[str]) -> object:
    """Return what a part says, None if it is no text."""
    ending = part.ending.rpartition(".")[2]
    told = encoded(part.data[:HEAD_BYTES], options.encoding)
    if is_no_text(told) or (told.encoding == UTF8 and b"\0" in part.data):
        return None
    data = as_utf8(cast(BinaryIO, io.BytesIO(part.data)), told.encoding).read()
    text, broken = decode(data.removeprefix(b"\xef\xbb\xbf"))
    if broken and ending not in TEXT_PARTS:
        return None
    oddities.update(broken)
    if ending == "json":
        try:
            return cast(object, orjson.loads(text))
        except orjson.JSONDecodeError:
            return text
    return text
