"""What the findings say of each row, as the batches of `rows.parquet`."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.report.rows import ROWS_SCHEMA
from corpus_guard.sketch import spool
from corpus_guard.sketch.corpus import Corpus
from corpus_guard.types import Finding

KEPT_COLUMNS = ("byte_offset", "sha256", "record_id", "source")


def row_batches(corpus: Corpus, findings: Sequence[Finding]) -> Iterator[pa.RecordBatch]:
    """Yield one batch per spooled batch, in the target's order."""
    verdicts, files = _RowVerdicts(corpus, findings), corpus.context.files
    names = pa.array(files.names, pa.string())
    for span in corpus.context.spans:
        first = span.first_row
        for batch in spool.batches(span, KEPT_COLUMNS):
            last = first + batch.num_rows
            entries = files.entries(np.arange(first, last))
            columns = {
                "file": names.take(pa.array(entries)),
                "row": pa.array(corpus.columns.row[first:last] + files.first_records[entries]),
                "sha256": batch["sha256"].cast(pa.binary()),
                **{name: batch[name] for name in ("byte_offset", "record_id", "source")},
                **verdicts.columns(first, last),
            }
            yield pa.RecordBatch.from_arrays(
                [columns[name] for name in ROWS_SCHEMA.names], schema=ROWS_SCHEMA
            )
            first = last


class _RowVerdicts:
    """Score, flag, rules and findings of every row."""

    def __init__(self, corpus: Corpus, findings: Sequence[Finding]) -> None:
        self._score = np.zeros(len(corpus), np.float32)
        self._flagged = np.zeros(len(corpus), np.bool_)
        self._findings = findings
        pairs: list[npt.NDArray[np.int64]] = []
        for index, finding in enumerate(findings):
            rows = np.array(finding.rows, np.int64)
            self._score[rows] = np.maximum(self._score[rows], np.float32(finding.score))
            self._flagged[list(finding.rows_flagged)] = True
            pairs.append(np.stack([rows, np.full(len(rows), index)], axis=1))
        found = np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)
        self._pairs = found[np.lexsort((found[:, 1], found[:, 0]))]
        self._clusters = corpus.clusters

    def columns(self, first: int, last: int) -> dict[str, pa.Array]:
        borders = np.searchsorted(self._pairs[:, 0], np.arange(first, last + 1))
        inside = self._pairs[borders[0] : borders[-1], 1]
        offsets = pa.array(borders - borders[0], pa.int32())
        return {
            "score": pa.array(self._score[first:last]),
            "flagged": pa.array(self._flagged[first:last]),
            "rules": self._listed(offsets, inside, "rule"),
            "findings": self._listed(offsets, inside, "id"),
            "cluster": pa.array(self._clusters[first:last]),
        }

    def _listed(self, offsets: pa.Array, inside: npt.NDArray[Any], name: str) -> pa.Array:
        values = [getattr(self._findings[index], name) for index in inside.tolist()]
        return pa.ListArray.from_arrays(offsets, pa.array(values, pa.string()))
