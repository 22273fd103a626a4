"""Groups of rows, and what most rows of a group share."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import TableColumn

SAMPLE = 200
_LINK = re.compile(r"(?:https?://|www\.)([A-Za-z0-9.-]{3,100})")


def groups_of(roots: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return the groups of two or more rows that have the same root, each sorted."""
    rows = np.flatnonzero((np.bincount(roots) > 1)[roots]).astype(np.int64)
    order = rows[np.argsort(roots[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(roots[order])) + 1
    return list(np.split(order, borders)) if len(order) else []


def extremes(
    column: TableColumn, groups: Sequence[npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the smallest and the largest value of a column in each group, (g,) each."""
    if not groups:
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)
    values = column.take(np.concatenate(groups))
    starts = np.cumsum([0, *(len(rows) for rows in groups[:-1])])
    return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def shared_link(
    corpus: Corpus, rows: npt.NDArray[np.int64], share: float
) -> tuple[str, float] | None:
    """Return the host that most records of a group link to and the share that does, or None."""
    fields = ("text", "prompt", "response")
    records = corpus.rows.records(corpus.rows.sample(rows, SAMPLE), fields)
    hosts: Counter[str] = Counter()
    for record in records:
        text = " ".join(record[name] or "" for name in fields)
        hosts.update({host.lower().rstrip(".") for host in _LINK.findall(text)})
    if not hosts:
        return None
    host, count = min(hosts.items(), key=lambda item: (-item[1], item[0]))
    return (host, count / len(records)) if count >= share * len(records) else None
