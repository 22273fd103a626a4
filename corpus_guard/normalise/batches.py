"""Turn blocks of records into batches of the fixed schema."""

from dataclasses import replace
from hashlib import blake2b

import pyarrow as pa

from corpus_guard.normalise.roles import columns_of
from corpus_guard.normalise.sorting import Sorter
from corpus_guard.types import BATCH_SCHEMA, Layout, RecordBlock


def to_batch(block: RecordBlock, given: Layout | Sorter) -> pa.RecordBatch:
    """Return the block as one batch of `BATCH_SCHEMA`, by one layout or by each record's own.

    No text is lost: every field in no role goes to `other`, nested values flattened to `path: value`
    lines.
    """
    columns = columns_of(block.fields, given)
    arrays = {
        "row": pa.array(block.rows, pa.int64()),
        "byte_offset": pa.array(block.byte_offsets, pa.int64()),
        "sha256": pa.array(block.digests, pa.binary(32)),
        "oddity": pa.array(block.oddities, pa.string()),
        **{name: _strings(values) for name, values in columns.items()},
    }
    count = len(block.rows)
    return pa.RecordBatch.from_arrays(
        [arrays.get(field.name, pa.nulls(count, field.type)) for field in BATCH_SCHEMA],
        schema=BATCH_SCHEMA,
    )


def keep_sample(block: RecordBlock, share: float, seed: int) -> RecordBlock:
    """Return the records that a share of all records, chosen by content and seed, contains."""
    bound = int(share * 2**64)
    key = seed.to_bytes(16, "little", signed=True)
    kept = [
        place
        for place, digest in enumerate(block.digests)
        if int.from_bytes(blake2b(digest, digest_size=8, key=key).digest(), "little") < bound
    ]
    return replace(
        block,
        rows=[block.rows[place] for place in kept],
        byte_offsets=[block.byte_offsets[place] for place in kept],
        digests=[block.digests[place] for place in kept],
        fields=[block.fields[place] for place in kept],
        oddities=[block.oddities[place] for place in kept],
    )


def _strings(values: list[str | None]) -> pa.Array:
    """Return strings as Arrow; halves of surrogate pairs, which UTF-8 cannot hold, are replaced."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([_encodable(value) for value in values], pa.string())


def _encodable(value: str | None) -> str | None:
    return (
        None
        if value is None
        else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
