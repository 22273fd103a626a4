"""The near-duplicate group of each row, numbered from 0 by first row, -1 for a lone row."""

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.rows.corpus import Corpus


@derived(needs=("near_duplicates",), column="cluster")
def clusters(corpus: Corpus) -> npt.NDArray[np.int64]:
    """Return the groups, (n,) int64."""
    roots = corpus.evidence("near_duplicates", np.ndarray)
    heads = np.flatnonzero(np.bincount(roots, minlength=len(roots)) > 1)
    number = np.full(len(roots), -1, np.int64)
    number[heads] = np.arange(len(heads))
    found: npt.NDArray[np.int64] = number[roots]
    return found
