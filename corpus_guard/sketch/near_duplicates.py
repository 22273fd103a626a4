"""Groups of near-duplicate rows, by MinHash bands verified on whole signatures.

Evidence is `roots` (n,) int64: the smallest row of each row's group; a lone row is its own root.
Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.
"""

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.kernels.minhash import BINS, flatten, union_matching
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import RowTable

SIMILARITY = 0.7
"""Two texts are near-duplicates when their token bigrams have about this Jaccard similarity."""

FEWEST_TOKENS = 5
"""Shorter texts say too little to be called duplicates of one another."""


def near_duplicate_roots(
    signs: npt.NDArray[np.uint8],
    bands: npt.NDArray[np.uint32],
    order: npt.NDArray[np.int32] | npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return the smallest row of each row's group, (n,) int64; a lone row is its own root.

    Rows are joined when they share one of 16 band keys and at least the share SIMILARITY of their
    64 bins agree. Two rows with Jaccard similarity J share a band with 1 - (1 - J^4)^16: 0.99 at
    J = 0.7. A row is compared with the representatives of a band before it, so `order`, the rows to
    compare, should be sorted by content: then no order of arrival changes the groups.
    """
    parent = np.arange(len(signs), dtype=np.int64)
    for band in range(bands.shape[1]):
        keys = np.ascontiguousarray(bands[:, band])
        by_key = order[np.argsort(keys[order], kind="stable")]
        union_matching(by_key, keys, signs, parent, int(np.ceil(SIMILARITY * BINS)))
    flatten(parent)
    return parent


@derived(needs=("minhash", "fingerprints"))
def near_duplicates(corpus: Corpus) -> npt.NDArray[np.int64]:
    """Return the roots."""
    rows = corpus.rows
    return near_duplicate_roots(
        rows.column("signs").mapped(), rows.column("bands").mapped(), _long_enough(rows)
    )


def _long_enough(rows: RowTable) -> npt.NDArray[np.int32] | npt.NDArray[np.int64]:
    """Return the rows of enough tokens in content order, in the fewest bytes that hold their numbers."""
    order, tokens = rows.canonical_order, rows.column("tokens").whole()
    kept = tokens[order] >= FEWEST_TOKENS
    return order.astype(np.int32)[kept] if len(rows) < 2**31 else order[kept]
