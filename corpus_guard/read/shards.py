"""Cut files into shards and read them; whatever goes wrong inside one becomes an `Unread`."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader
from corpus_guard.read.gzip_members import PackedGap
from corpus_guard.read.opening import OpenFile, size_of
from corpus_guard.read.process import isolated
from corpus_guard.types import HubPath, RecordBlock, Shard, SourceFile, Unread

SHARD_BYTES = 32 << 20
DIGEST_BYTES = 32
Item = TypeVar("Item", RecordBlock, Unread)


def plan_shards(
    files: Sequence[SourceFile],
    options: ReadOptions,
    shard_bytes: int = SHARD_BYTES,
    whole: Collection[int] = (),
) -> tuple[Shard, ...]:
    """Return the shards of the files, in order: byte ranges where the format can be split.

    Files whose index is in `whole` are not.
    """
    shards: list[Shard] = []
    for file in files:
        is_split = _is_splittable(file) and file.index not in whole
        step = shard_bytes if is_split else max(1, file.size_bytes)
        for start in range(0, max(1, file.size_bytes), step):
            end = min(file.size_bytes, start + step)
            shards.append(Shard(index=len(shards), file=file, start=start, end=end))
    return tuple(shards)


def reader_of(file: SourceFile) -> Reader:
    """Return the reader of a file's format; only UTF-8 can be entered anywhere."""
    spec = plugins.load("read", file.format).spec
    if not isinstance(spec, Reader):
        raise TypeError(f"{file.format} is no reader")
    return replace(spec, splittable=False) if spec.splittable and _is_recoded(file) else spec


def read_shard(
    shard: Shard, options: ReadOptions, records: int | None = None
) -> Iterator[RecordBlock | Unread]:
    """Yield a shard's records and what of it could not be read.

    The `bytes_read` of its blocks add up to the shard's bytes on disk once it is read to the end.
    Formats with a native parser are read in a process of their own. With `records`, it may end after
    so many.
    """
    left = math.inf if records is None else records
    if not reader_of(shard.file).native:
        for item in read_here(shard, options):
            yield item
            left -= len(item.rows) if isinstance(item, RecordBlock) else 0
            if left <= 0:
                return
        return
    seen = 0
    try:
        for item in isolated.read(shard, options, records):
            if isinstance(item, RecordBlock):
                seen += item.bytes_read
            elif item.kind == "bytes":
                seen += item.size_bytes
            yield item
    except isolated.ReaderDied as died:
        yield _rest(shard, seen, str(died))


def read_here(shard: Shard, options: ReadOptions) -> Iterator[RecordBlock | Unread]:
    """Yield what `read_shard` does, from this process."""
    size, seen = shard.end - shard.start, 0
    derived = shard.file.compression != "none" or _is_recoded(shard.file)
    opened: OpenFile | None = None
    may_pass = False
    try:
        with OpenFile(shard.file.path, shard.file.compression, shard.file.encoding) as opened:
            for item in _read(opened, shard, options):
                if isinstance(item, Unread):
                    if opened.failure is None or item.kind != "bytes":  # else told by the rest
                        item = _bounded(item, (opened.position if derived else size) - seen)
                        seen += item.size_bytes if item.kind == "bytes" else 0
                        yield replace(_placed(item, shard.file), file=shard.file.name)
                    continue
                _check(item)
                counted = opened.position - seen if derived else item.bytes_read
                is_cut = derived and opened.failure is not None  # then something is left unread
                # The last record ends in the next shard.
                counted = max(0, min(counted, size - seen - is_cut))
                seen += counted
                yield replace(_placed(item, shard.file), bytes_read=counted)
            failure = opened.failure
        if failure is None and size_of(shard.file.path) != shard.file.size_bytes:
            failure = "changed its size while it was read"
    except Exception as error:  # the one boundary: a native parser raises anything
        may_pass = isinstance(error, OSError) and error.errno is not None
        failure = opened.failure if opened else None
        failure = (
            failure or f"cannot be read ({type(error).__name__}: {safe_text(str(error), 120)})"
        )
    for gap in opened.gaps if opened else ():
        told = _bounded(_damaged(gap), size - seen)
        seen += told.size_bytes
        yield replace(told, file=shard.file.name)
    if failure is not None:
        yield _rest(shard, seen, failure, may_pass=may_pass or _is_gone(opened))
        return
    yield RecordBlock(
        rows=[], byte_offsets=[], digests=[], fields=[], oddities=[], bytes_read=max(0, size - seen)
    )


def _read(opened: OpenFile, shard: Shard, options: ReadOptions) -> Iterator[RecordBlock | Unread]:
    reader, given = reader_of(shard.file), options.plugins.of("read", shard.file.format)
    if reader.takes == "path":
        return reader.read(_path_of(shard.file), options, 0, None, **given)
    if not _is_splittable(shard.file):
        return reader.read(opened.stream, options, 0, None, **given)
    return reader.read(opened.stream, options, shard.start, shard.end, **given)


def _check(block: RecordBlock) -> None:
    """Raise ValueError for a block that a reader, which may be anybody's, has put together wrongly."""
    lists = (block.rows, block.byte_offsets, block.digests, block.fields, block.oddities)
    if {len(part) for part in lists} != {len(block.rows)}:
        raise ValueError("its reader hands out blocks whose lists are not equally long")
    if any(len(digest) != DIGEST_BYTES for digest in block.digests):
        raise ValueError("its reader hands out digests that are no SHA-256")
    if not all(isinstance(fields, Mapping) for fields in block.fields):
        raise ValueError("its reader hands out records that are no mappings")


def _path_of(file: SourceFile) -> Path:
    if isinstance(file.path, HubPath) or file.compression != "none":
        raise ValueError("it can only be read from an unpacked file on disk")
    return file.path


def _is_splittable(file: SourceFile) -> bool:
    return reader_of(file).splittable and file.compression == "none"


def _is_gone(opened: OpenFile | None) -> bool:
    return opened is not None and opened.is_gone


def _is_recoded(file: SourceFile) -> bool:
    return file.encoding != "utf-8"


def _placed(item: Item, file: SourceFile) -> Item:
    """Return what a reader hands out with the places it has in the file: none where that is no UTF-8."""
    if not _is_recoded(file):
        return item
    if isinstance(item, Unread):
        return replace(item, byte_offset=-1)
    return replace(item, byte_offsets=[-1] * len(item.rows))


def _bounded(item: Unread, most: int) -> Unread:
    """Return a stretch of no more bytes than there are; readers of packed files tell it unpacked."""
    return (
        replace(item, size_bytes=min(item.size_bytes, max(0, most)))
        if item.kind == "bytes"
        else item
    )


def _damaged(gap: PackedGap) -> Unread:
    return Unread(
        file="",
        kind="bytes",
        row=-1,
        byte_offset=-1,  # these count unpacked bytes
        size_bytes=gap.length,
        reason=f"damaged from byte {gap.offset:,} of the packed file on; read again behind it",
    )


def _rest(shard: Shard, seen: int, reason: str, *, may_pass: bool = False) -> Unread:
    is_derived = shard.file.compression != "none" or _is_recoded(shard.file)
    return Unread(
        file=shard.file.name,
        kind="bytes",
        row=-1,
        byte_offset=-1 if is_derived else shard.start + seen,
        size_bytes=max(1, shard.end - shard.start - seen),
        reason=f"{reason}; what follows was not scanned",
        may_pass=may_pass,
    )


def read_records(
    shard: Shard, options: ReadOptions, count: int
) -> list[tuple[bytes, Mapping[str, object]]]:
    """Return the digests and fields of a shard's first `count` records."""
    found: list[tuple[bytes, Mapping[str, object]]] = []
    for item in read_shard(shard, options, records=count):
        if isinstance(item, RecordBlock):
            found.extend(islice(zip(item.digests, item.fields, strict=True), count - len(found)))
    return found
