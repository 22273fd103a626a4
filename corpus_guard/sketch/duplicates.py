"""Group near-duplicate rows by MinHash bands, verified on whole signatures."""

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.kernels.minhash import BINS, flatten, union_matching

SIMILARITY = 0.7
"""Two texts are near-duplicates when their token bigrams have about this Jaccard similarity."""

FEWEST_TOKENS = 5
"""Shorter texts say too little to be called duplicates of one another."""


def near_duplicate_roots(
    signs: npt.NDArray[np.uint8],
    bands: npt.NDArray[np.uint32],
    tokens: npt.NDArray[np.int32],
    order: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return the smallest row of each row's group, (n,) int64; a lone row is its own root.

    Rows are joined when they share one of 16 band keys and at least the share SIMILARITY of their
    64 bins agree. Two rows with Jaccard similarity J share a band with 1 - (1 - J^4)^16: 0.99 at
    J = 0.7. A row is compared with the representatives of a band before it, so `order` (n,) int64
    should sort rows by content: then no order of arrival changes the groups.
    Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.
    """
    parent = np.arange(len(signs), dtype=np.int64)
    long_enough = order[tokens[order] >= FEWEST_TOKENS]
    for band in range(bands.shape[1]):
        keys = np.ascontiguousarray(bands[:, band])
        by_key = long_enough[np.argsort(keys[long_enough], kind="stable")]
        union_matching(by_key, keys, signs, parent, int(np.ceil(SIMILARITY * BINS)))
    flatten(parent)
    return parent
