"""Fingerprints of what a text says as an outcome: the whole, how it begins, how it ends."""

import numba as nb
import numpy as np

from corpus_guard.sketch.kernels.ngrams import mix

EDGE = 5
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@nb.njit(cache=True, nogil=True)
def fingerprints(hashes, bounds, out):  # type: ignore[no-untyped-def]  # numba infers
    """Write (whole text, first 5 tokens, last 5 tokens) as hashes to `out` (n, 3) uint64.

    An empty text gets 0 three times. A text of fewer than 5 tokens begins and ends with all of them.
    """
    for text in range(len(bounds) - 1):
        first, last = bounds[text], bounds[text + 1]
        if first == last:
            out[text, :] = np.uint64(0)
            continue
        whole, begin, finish = np.uint64(1), np.uint64(2), np.uint64(3)
        for token in range(first, last):
            whole = mix(whole * MULTIPLIER + hashes[token])
        for token in range(first, min(first + EDGE, last)):
            begin = mix(begin * MULTIPLIER + hashes[token])
        for token in range(max(last - EDGE, first), last):
            finish = mix(finish * MULTIPLIER + hashes[token])
        out[text, 0], out[text, 1], out[text, 2] = whole, begin, finish
