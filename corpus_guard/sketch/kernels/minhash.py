"""One-permutation MinHash of token bigrams, and the banding keys for near-duplicate search."""

import numba as nb
import numpy as np

from corpus_guard.sketch.kernels.ngrams import END, START, mix

BINS = 64
BANDS = 16
PER_BAND = BINS // BANDS
_BIN_SHIFT = np.uint64(64 - 6)


@nb.njit(cache=True, nogil=True)
def signatures(hashes, bounds, signs, bands):  # type: ignore[no-untyped-def]  # numba infers
    """Write each text's signature `signs` (n, 64) uint8 and band keys `bands` (n, 16) uint32.

    A bigram hash falls into one of 64 bins, and each bin keeps its minimum; empty bins borrow from
    the next full one to the right (densification by rotation). Signatures keep 8 bits a bin.
    Source: Li, Owen and Zhang (NIPS 2012); Shrivastava and Li (ICML 2014); Li and König (WWW 2010).
    """
    most = np.uint64(0xFFFFFFFFFFFFFFFF)
    bins, filled = np.empty(BINS, np.uint64), np.empty(BINS, np.uint64)
    for text in range(len(bounds) - 1):
        bins[:] = most
        before = START
        for token in range(bounds[text], bounds[text + 1] + 1):
            after = hashes[token] if token < bounds[text + 1] else END
            value = mix(before * np.uint64(0x9E3779B97F4A7C15) + after)
            place = value >> _BIN_SHIFT
            if value < bins[place]:
                bins[place] = value
            before = after
        for place in range(BINS):
            step = 0
            while bins[(place + step) % BINS] == most and step < BINS:
                step += 1
            filled[place] = mix(bins[(place + step) % BINS] + np.uint64(step))
        for place in range(BINS):
            signs[text, place] = np.uint8(filled[place] & np.uint64(0xFF))
        for band in range(BANDS):
            key = np.uint64(band)
            for item in range(PER_BAND):
                key = mix(key * np.uint64(31) + filled[band * PER_BAND + item])
            bands[text, band] = np.uint32(key & np.uint64(0xFFFFFFFF))


@nb.njit(cache=True, nogil=True, inline="always")
def _root(parent, row):  # type: ignore[no-untyped-def]  # numba infers
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@nb.njit(cache=True, nogil=True)
def union_matching(order, keys, signs, parent, min_equal):  # type: ignore[no-untyped-def]
    """Join rows of equal band key whose signatures agree in at least `min_equal` of 64 bins.

    `order` (n,) int64 sorts `keys` (n,) uint32; within a run of equal keys each row is compared
    with the run's representatives, the rows that matched no earlier one (at most 32 of them).
    `parent` (n,) int64 is a union-find forest whose roots are the smallest rows.
    """
    start = 0
    heads = np.empty(32, np.int64)
    while start < len(order):
        end = start + 1
        while end < len(order) and keys[order[end]] == keys[order[start]]:
            end += 1
        used = 0
        if end - start > 1:
            for position in range(start, end):
                row = order[position]
                matched = False
                for head in range(used):
                    equal = 0
                    for place in range(BINS):
                        equal += signs[row, place] == signs[heads[head], place]
                    if equal >= min_equal:
                        one, two = _root(parent, row), _root(parent, heads[head])
                        parent[max(one, two)] = min(one, two)
                        matched = True
                        break
                if not matched and used < 32:
                    heads[used] = row
                    used += 1
        start = end


@nb.njit(cache=True, nogil=True)
def flatten(parent):  # type: ignore[no-untyped-def]  # numba infers
    """Make every row of a union-find forest point at its root."""
    for row in range(len(parent)):
        parent[row] = _root(parent, row)
