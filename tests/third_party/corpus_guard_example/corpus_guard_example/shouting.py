"""Records that shout.

What: texts of which no letter is small.

How it is decided: record by record, from 20 characters on. Low, and no row is flagged.

False alarms: headlines.

What it misses: shouting in prompts and responses.

References: none; this shows how to write a record check.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, RowSet


def scan(batch: pa.RecordBatch, *, shortest: int = 20) -> npt.NDArray[np.uint8]:
    """Return bit 0 for texts without a small letter."""
    texts = pc.fill_null(batch["text"], "")
    is_long = pc.greater_equal(pc.utf8_length(texts), shortest)
    found = pc.and_(is_long, pc.utf8_is_upper(texts))
    return found.to_numpy(zero_copy_only=False).astype(np.uint8)


@record_check(rule="EX401", title="Shouting", kinds=("shouting",), attacks=("shouting",), scan=scan)
def shouting(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding over all records that shout."""
    marks = corpus.rows.column("shouting").chunks()
    rows = np.concatenate([first + np.flatnonzero(part) for first, part in marks])
    if not len(rows):
        return
    contents = np.sort(corpus.rows.column(CONTENT).take(rows)).astype("<u8").tobytes()
    yield Finding(
        id=f"EX401-{hashlib.sha256(contents).hexdigest()[:12]}",
        rule="EX401",
        severity="low",
        score=0.1,
        q_value=0.0,
        title=f"{len(rows)} records shout",
        message=f"{len(rows)} of {len(corpus)} records have no small letter.",
        attack="shouting",
        trigger=None,
        target=None,
        rows=RowSet(rows),
        rows_flagged=RowSet(),
        rows_sample=tuple(corpus.rows.places(corpus.rows.sample(rows, 20))),
        contexts=(),
        evidence={"rows": len(rows)},
        advice="Leave them, or put them into small letters.",
    )
