"""JSON Lines, many at a time: what is plain is parsed at once, what is odd gets a closer look."""

from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import orjson

from corpus_guard.config import ReadOptions
from corpus_guard.read.blocks import BlockBuilder, many_made
from corpus_guard.read.text.json_record import add_json
from corpus_guard.read.text.lines import FIRST_CHUNK, Piece, Stretch, stretches
from corpus_guard.types import RecordBlock, Unread


def json_lines(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the records of the lines that begin in [start, end)."""
    block, many = BlockBuilder(), _Many(options)
    for part in stretches(stream, start, end, options.max_record_bytes):
        if isinstance(part, Piece):
            yield from _add_line(block, part, options)
        elif len(part.data) <= FIRST_CHUNK:  # a small file, or the head of one
            yield from _one_by_one(block, part, options)
        else:
            yield from many.add(block, part)
    yield from block.flush()


def _one_by_one(
    block: BlockBuilder, part: Stretch, options: ReadOptions
) -> Iterator[RecordBlock | Unread]:
    offset = part.offset
    for line in _lines(part.data):
        yield from _add_line(block, _piece(line, offset, options.max_record_bytes), options)
        offset += len(line)


def _lines(data: bytes) -> list[bytes]:
    """Return lines with their ends; only a line feed ends one."""
    *whole, last = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([last] if last else [])


def _piece(line: bytes, offset: int, most_bytes: int) -> Piece:
    length = len(line)
    if length - line.endswith(b"\n") > most_bytes:
        return Piece(offset, line[:most_bytes].rstrip(b"\r\n"), length, length - most_bytes)
    return Piece(offset, line.rstrip(b"\r\n"), length)


def _add_line(
    block: BlockBuilder, line: Piece, options: ReadOptions
) -> Iterator[RecordBlock | Unread]:
    block.count(line.length)
    if line.data.strip():
        yield from add_json(block, line, options)
    if block.is_full:
        yield from block.flush()


class _Many:
    """Reads the lines of large stretches."""

    def __init__(self, options: ReadOptions) -> None:
        from corpus_guard.read.text import kernels

        self._kernels, self._options = kernels, options
        self._seen = kernels.new_table()

    def add(self, block: BlockBuilder, part: Stretch) -> Iterator[RecordBlock | Unread]:
        """Add the records of a stretch; hand out blocks as they get full."""
        kernels, options, data = self._kernels, self._options, part.data
        most = data.count(b"\n") + 1
        stops, ends, kinds = (
            np.empty(most, np.int64),
            np.empty(most, np.int64),
            np.empty(most, np.int8),
        )
        most_keys = min(kernels.MOST_KEYS, options.max_keys)
        count = kernels.survey_lines(
            np.frombuffer(data, np.uint8), options.max_record_bytes, options.max_depth, most_keys,
            self._seen, stops, ends, kinds,
        )  # fmt: skip
        borders, lasts = [0, *stops[:count].tolist()], ends[:count].tolist()
        at = 0
        for odd in [*np.flatnonzero(kinds[:count] != kernels.PLAIN).tolist(), count]:
            while at < odd:
                upto = min(odd, at + block.room)
                yield from self._add_plain(block, part, borders[at : upto + 1], lasts[at:upto])
                at = upto
            if odd < count:
                line = _piece(data[borders[odd] : borders[odd + 1]], part.offset + borders[odd],
                              options.max_record_bytes)  # fmt: skip
                yield from _add_line(block, line, options)
                at = odd + 1

    def _add_plain(
        self, block: BlockBuilder, part: Stretch, borders: list[int], ends: list[int]
    ) -> Iterator[RecordBlock | Unread]:
        data, offset = part.data, part.offset
        raws = [data[start:end] for start, end in zip(borders, ends, strict=False)]
        try:
            with many_made():
                records = list(map(orjson.loads, raws))
        except orjson.JSONDecodeError:  # one of them; these lines are looked at one by one
            for start, stop in pairwise(borders):
                line = _piece(data[start:stop], offset + start, self._options.max_record_bytes)
                yield from _add_line(block, line, self._options)
            return
        block.count(borders[-1] - borders[0])
        block.add_all([offset + start for start in borders[:-1]], raws, records)
        if block.is_full:
            yield from block.flush()
