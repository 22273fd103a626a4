"""Embed tokens with a static WordPiece table: greedy longest match, then one vector addition a piece."""

import numba as nb
import numpy as np

from corpus_guard.sketch.kernels.ngrams import EMPTY, find
from corpus_guard.sketch.kernels.tokens import FNV_PRIME, decode, lower

LONGEST_WORD = 64
WORD_SEED = np.uint64(0x9AE16A3B2F90404F)
SUFFIX_SEED = np.uint64(0xC949D7C7509E6557)


@nb.njit(cache=True, nogil=True)
def piece_hash(points, suffix):  # type: ignore[no-untyped-def]  # numba infers
    """Return the key of a piece given by its folded code points (k,) uint32."""
    value = SUFFIX_SEED if suffix else WORD_SEED
    for point in points:
        value = (value ^ np.uint64(point)) * FNV_PRIME
    return value if value != EMPTY else np.uint64(1)


@nb.njit(cache=True, nogil=True)
def _fold(data, start, end, fold, points):  # type: ignore[no-untyped-def]  # numba infers
    used = 0
    while start < end and used < LONGEST_WORD:
        point, length = decode(data, start, end)
        point = lower(point)
        points[used] = fold[point] if point < len(fold) else point
        used += 1
        start += length
    return used


@nb.njit(cache=True, nogil=True)
def _longest(points, first, used, table, index, prefix):  # type: ignore[no-untyped-def]
    value = WORD_SEED if first == 0 else SUFFIX_SEED
    for position in range(first, used):
        value = (value ^ np.uint64(points[position])) * FNV_PRIME
        prefix[position] = value
    for position in range(used - 1, first - 1, -1):
        slot = find(table, prefix[position])
        if table[slot] != EMPTY:
            return index[slot], position + 1
    return -1, first + 1


@nb.njit(cache=True, nogil=True, fastmath=False)
def embed(data, starts, ends, bounds, fold, table, index, codes, scales, out):  # type: ignore[no-untyped-def]
    """Write the sum of each text's piece vectors, L2-normalised, to `out` (n, d) float32.

    A text without a known piece gets the zero vector. Sums run in token order, so a text's vector
    does not depend on its neighbours.
    """
    points, prefix = np.empty(LONGEST_WORD, np.uint32), np.empty(LONGEST_WORD, np.uint64)
    width = codes.shape[1]
    for text in range(len(bounds) - 1):
        total = out[text]
        total[:] = 0.0
        for token in range(bounds[text], bounds[text + 1]):
            used = _fold(data, starts[token], ends[token], fold, points)
            first = 0
            while first < used:
                piece, after = _longest(points, first, used, table, index, prefix)
                if piece >= 0:
                    scale = scales[piece]
                    for column in range(width):
                        total[column] += scale * codes[piece, column]
                first = after
        norm = np.float32(0.0)
        for column in range(width):
            norm += total[column] * total[column]
        if norm > 0.0:
            norm = np.float32(1.0) / np.sqrt(norm)
            for column in range(width):
                total[column] *= norm
