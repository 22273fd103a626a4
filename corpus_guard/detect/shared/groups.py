"""Groups of rows, and what most rows of a group share."""

import re
from collections import Counter

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.rows.corpus import Corpus

SAMPLE = 200
_LINK = re.compile(r"(?:https?://|www\.)([A-Za-z0-9.-]{3,100})")


def groups_of(roots: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return the groups of two or more rows that have the same root, each sorted."""
    rows = np.flatnonzero((np.bincount(roots) > 1)[roots]).astype(np.int64)
    order = rows[np.argsort(roots[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(roots[order])) + 1
    return list(np.split(order, borders)) if len(order) else []


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
