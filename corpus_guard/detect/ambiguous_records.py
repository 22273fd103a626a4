"""Records that two programs would read differently.

What: a key that occurs twice in one JSON object (some parsers keep the first value, some the last, some
refuse), bytes that are no UTF-8, halves of surrogate pairs, ragged table rows. What a reviewer sees need
not be what the training program reads.

How it is decided: the readers note it while they read. All values of a repeated key are scanned.
Repeated keys are medium, the rest low; no row is flagged.

False alarms: none in the sense that the record is not ambiguous; most ambiguous records are accidents.

What it misses: values that parsers read differently without the text being odd, such as large numbers.

References: Bishop Fox, An Exploration of JSON Interoperability Vulnerabilities (2021); RFC 8259,
section 4.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.marks import marked_rows
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, Severity

KINDS: tuple[tuple[str, Severity, str], ...] = (
    ("duplicate_keys", "medium", "Keys that occur twice in one object"),
    ("invalid_utf8", "low", "Bytes that are no UTF-8"),
    ("lone_surrogate", "low", "Halves of surrogate pairs"),
    ("unclosed_quote", "low", "Quotes that are opened and not closed"),
    ("ragged_row", "low", "Table rows with too many or too few cells"),
    ("not_an_object", "low", "Records that are no objects"),
)


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS."""
    marks = np.zeros(batch.num_rows, np.uint8)
    column = batch["oddity"]
    if column.null_count == batch.num_rows:
        return marks
    for bit, (name, _, _) in enumerate(KINDS):
        hits = pc.fill_null(pc.match_substring(column, name), False)
        marks[hits.to_numpy(zero_copy_only=False)] |= np.uint8(1 << bit)
    return marks


@record_check(
    rule="CG405",
    title="Ambiguous records",
    kinds=tuple(name for name, _, _ in KINDS),
    attacks=("parser differential",),
    scan=scan,
)
def ambiguous_records(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding per kind of ambiguity."""
    for bit, (name, severity, title) in enumerate(KINDS):
        rows = marked_rows(corpus, "ambiguous_records", bit)
        if len(rows) == 0:
            continue
        yield finding_of(
            corpus,
            Draft(
                rule="CG405",
                severity=severity,
                score=0.3 if severity == "medium" else 0.1,
                q_value=0.0,
                attack="parser differential",
                rows=rows,
                flagged=False,
                title=f"{title}: {len(rows):,} records",
                message="Two programs may read these records differently.",
                evidence={"rows": len(rows), "kind": name},
                advice="Rewrite the records so that there is one way to read them.",
            ),
        )
