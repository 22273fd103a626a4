"""Which vectors lie near one another, by FAISS."""

from typing import Any

import numpy as np
import numpy.typing as npt

FLAT_ROWS = 10_000
NEIGHBOURS = 11
"""The vector itself and its ten nearest others."""
PROBES = 8


def near_pairs(
    codes: npt.NDArray[np.int8], cosine: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return positions (i, j) of vectors whose cosine is at least `cosine`, ten neighbours each.

    `codes` (n, d) int8. Exact up to FLAT_ROWS vectors; beyond, inverted lists trained on the first
    rows, so give them in an order that does not depend on arrival. Zero vectors have no neighbours.
    """
    import faiss

    vectors = codes.astype(np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(norms, 1e-6)
    count, dimensions = vectors.shape
    if count < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    index: Any = faiss.IndexFlatIP(dimensions)
    if count > FLAT_ROWS:
        lists = int(2 * np.sqrt(count))
        index = faiss.IndexIVFFlat(index, dimensions, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.niter, index.nprobe = seed + 1, 5, PROBES
        index.train(vectors[: 40 * lists])
    index.add(vectors)
    similarity, neighbour = index.search(vectors, min(NEIGHBOURS, count))
    one, place = np.nonzero((similarity >= cosine) & (neighbour >= 0))
    two = neighbour[one, place]
    apart = one != two
    return one[apart].astype(np.int64), two[apart].astype(np.int64)
