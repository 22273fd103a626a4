"""What the findings say of each row, as the batches of `rows.parquet`."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.fuse.incidents import Incident
from corpus_guard.report.rows import ROWS_SCHEMA
from corpus_guard.sketch.rows.table import RowTable

KEPT_COLUMNS = ("byte_offset", "sha256", "record_id", "source")
READ_COLUMNS = ("row", *KEPT_COLUMNS)


def row_batches(
    table: RowTable, incidents: Sequence[Incident], outputs: Mapping[str, npt.NDArray[np.int64]]
) -> Iterator[pa.RecordBatch]:
    """Yield one batch per stored batch, in the target's order.

    `outputs` fill whole columns; one that is missing is -1 throughout. A row's score is that of the
    strongest finding in which it is, before findings were united.
    """
    files, first = table.files, 0
    names = pa.array(files.names, pa.string())
    for batch in table.batches(READ_COLUMNS):
        last = first + batch.num_rows
        entries = files.entries(np.arange(first, last))
        record = batch["row"].to_numpy() + files.first_records[entries]
        columns = {
            "file": names.take(pa.array(entries)),
            "row": pa.array(record),
            "sha256": batch["sha256"].cast(pa.binary()),
            **{name: batch[name] for name in KEPT_COLUMNS if name != "sha256"},
            "cluster": pa.array(np.full(batch.num_rows, -1)),
            **{name: pa.array(values[first:last]) for name, values in outputs.items()},
            **_judged(incidents, first, last),
        }
        yield pa.RecordBatch.from_arrays(
            [columns[name] for name in ROWS_SCHEMA.names], schema=ROWS_SCHEMA
        )
        first = last


def _judged(incidents: Sequence[Incident], first: int, last: int) -> dict[str, pa.Array]:
    """Return score, flag, rules and findings of rows first to last."""
    score = np.zeros(last - first, np.float32)
    flagged = np.zeros(last - first, np.bool_)
    rules: list[list[str]] = [[] for _ in range(last - first)]
    ids: list[list[str]] = [[] for _ in range(last - first)]
    for incident in incidents:
        for part in incident.parts:
            rows = part.rows.between(first, last)
            score[rows] = np.maximum(score[rows], np.float32(part.score))
        flagged[incident.finding.rows_flagged.between(first, last)] = True
        for row in incident.finding.rows.between(first, last).tolist():
            rules[row].append(incident.finding.rule)
            ids[row].append(incident.finding.id)
    listed = pa.list_(pa.string())
    return {
        "score": pa.array(score),
        "flagged": pa.array(flagged),
        "rules": pa.array(rules, listed),
        "findings": pa.array(ids, listed),
    }
