"""Parquet (.parquet, .pq): each row is a record.

Sizes are checked in the metadata and the page headers before anything is unpacked, and a value that
stands in many rows is unpacked a few rows at a time. A broken or oversized row group is one `Unread`;
so are rows that pages hold and the metadata keeps quiet about, and rows out of proportion to the
file's size (a few kilobytes that claim a billion). An encrypted file cannot be read.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BLOCK_BYTES, BlockBuilder
from corpus_guard.read.columnar.page_headers import LARGEST_PAGE, Chunk, Pages, pages_of
from corpus_guard.read.columnar.records import Expansion, OutOfProportionError, add_batch
from corpus_guard.read.columnar.sizes import MOST_VALUES, VALUE_BYTES
from corpus_guard.read.opening import LARGEST_RATIO
from corpus_guard.types import RecordBlock, Unread

BATCH_ROWS = 4096
BATCH_BYTES = 128 << 20
ROW_BYTES = 128 << 30
"""What a row could unpack to at the very worst, when its group is still read."""

BUFFER_BYTES = 1 << 20


@reader(
    extensions=(".parquet", ".pq"),
    magic=(b"PAR1",),
    refused=((b"PARE", "an encrypted Parquet file; decrypt it first"),),
    always_shown=True,
    seekable=True,
    native=True,
    binary=True,
)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of a Parquet file; a broken or oversized row group is one `Unread`."""
    import pyarrow.parquet as pq

    block, expansion = BlockBuilder(), Expansion()
    size, metadata = stream.seek(0, 2), pq.ParquetFile(stream).metadata
    for place in range(metadata.num_row_groups):
        group = metadata.row_group(place)
        next_group = block.next_row + max(0, group.num_rows)
        try:
            plan = _plan(stream, metadata, group, size)
            for batch in _batches(stream, metadata, place, plan.rows):
                yield from add_batch(block, batch, options, expansion, size)
            if plan.hidden_rows:
                yield _lost(
                    f"row group {place} holds {plan.hidden_rows} rows more than it claims", 0
                )
        except OutOfProportionError as error:
            yield from block.flush()
            rest = [metadata.row_group(other) for other in range(place, metadata.num_row_groups)]
            rows = next_group - block.next_row + sum(max(0, other.num_rows) for other in rest[1:])
            yield _lost(f"{error}; {rows} rows are lost", sum(map(_packed_bytes, rest)))
            return
        except Exception as error:  # a native parser raises anything
            yield from block.flush()
            lost, why = next_group - block.next_row, safe_text(str(error), 120)
            reason = f"row group {place} cannot be read ({why}); {lost} rows are lost"
            yield _lost(reason, _packed_bytes(group))
        else:
            block.count(_packed_bytes(group))
        block.next_row = max(block.next_row, next_group)
    yield from block.flush()


def _packed_bytes(group: Any) -> int:  # noqa: ANN401  # pyarrow has no types
    """Return the bytes that the pages of a row group take up in the file, as far as it can be told."""
    try:
        chunks = [group.column(place) for place in range(group.num_columns)]
        return sum(max(0, chunk.total_compressed_size) for chunk in chunks)
    except Exception:  # as above
        return 0


class _Plan(NamedTuple):
    """How many rows of a row group are unpacked at once, and how many it has but does not claim."""

    rows: int
    hidden_rows: int


def _plan(stream: BinaryIO, metadata: Any, group: Any, size: int) -> _Plan:  # noqa: ANN401
    """Return how a row group is read in little memory; raise ValueError where that is not possible."""
    rows, held, hidden, claimed = BATCH_ROWS, 0, 0, max(0, group.num_rows)
    for place in range(group.num_columns):
        schema, chunk = metadata.schema.column(place), group.column(place)
        pages = pages_of(stream, _place_of(chunk))
        count, fan = pages.claimed_values, 1
        if schema.max_repetition_level:
            fan = max(1, -(-count // max(1, claimed)))
            if count > max(MOST_VALUES, LARGEST_RATIO * size):
                raise ValueError(f"a column claims {count} values")
        else:
            hidden = max(hidden, count - claimed)
        held += pages.largest
        repeats = "DELTA_BYTE_ARRAY" in chunk.encodings
        rows = min(rows, _most_rows(pages, schema.length or 0, fan, repeats=repeats))
    if held > LARGEST_PAGE:
        raise ValueError(f"its pages unpack to {held} bytes at a time")
    return _Plan(rows, hidden)


def _place_of(chunk: Any) -> Chunk:  # noqa: ANN401
    starts = [start for start in (chunk.data_page_offset, chunk.dictionary_page_offset) if start]
    return Chunk(min(starts, default=0), max(0, chunk.total_compressed_size))


def _most_rows(pages: Pages, value_bytes: int, fan: int, *, repeats: bool) -> int:
    """Return how many rows of a column may be unpacked at once, where each has `fan` values.

    With `repeats`, a value may repeat all those before it in its page.
    """
    value_bytes = max(VALUE_BYTES, value_bytes, pages.dictionary)
    if repeats:
        value_bytes = max(value_bytes, pages.largest)
    if value_bytes * fan > ROW_BYTES:
        raise ValueError(f"a row may unpack to {value_bytes * fan} bytes")
    rows = max(1, min(BATCH_ROWS, BATCH_BYTES // (fan * value_bytes)))
    while rows > 1 and pages.within(rows * fan) > BATCH_BYTES:
        rows //= 2
    return rows


def _batches(stream: BinaryIO, metadata: Any, place: int, rows: int) -> Iterator[Any]:  # noqa: ANN401
    """Yield the rows of a row group, unpacked a few at a time, in batches of many if these are small."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(stream, metadata=metadata, pre_buffer=False, buffer_size=BUFFER_BYTES)
    yield from _joined(table.iter_batches(rows, row_groups=[place], use_threads=False))


def _joined(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield small batches as fewer larger ones, as each costs some time."""
    import pyarrow as pa

    waiting, rows, size = list[Any](), 0, 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= BATCH_ROWS or size >= BLOCK_BYTES:
            yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()
            waiting, rows, size = [], 0, 0
    if waiting:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


def _lost(reason: str, size: int) -> Unread:
    return Unread(
        file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=size, reason=reason
    )  # fmt: skip
