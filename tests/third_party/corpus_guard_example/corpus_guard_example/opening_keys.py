"""Which source opens with which sentence, as one number a record.

`opening_key` (n,) uint64: a hash of the source and of the text up to its first full stop; 0 where a
record has no source or no such sentence.
"""

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import row_columns
from corpus_guard.sketch.rows.batch import Column, Rows

LONGEST = 200


@row_columns(columns=("opening_key",), absent="no record has a source")
def opening_keys(rows: Rows, settings: SketchSettings) -> Mapping[str, Column]:
    """Return the column."""
    if rows.batch["source"].null_count == len(rows):
        return {"opening_key": None}
    pairs = zip(rows.batch["source"].to_pylist(), rows.batch["text"].to_pylist(), strict=True)
    return {"opening_key": np.array([_key(source, text) for source, text in pairs], np.uint64)}


def _key(source: str | None, text: str | None) -> int:
    opening, stop, _ = (text or "")[:LONGEST].partition(".")
    if not source or not stop:
        return 0
    told = f"{source}\0{' '.join(opening.lower().split())}".encode()
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "little") or 1
