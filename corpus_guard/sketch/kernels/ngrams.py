"""Word n-grams as 64-bit features: list, count and look up, without a Python object per n-gram.

A feature is an n-gram of 1 to 3 tokens, where the start `^` and the end `$` of a text count as
tokens inside longer n-grams. Each text lists each of its features once.
"""

import numba as nb
import numpy as np
import numpy.typing as npt

MAX_ORDER = 3
START = np.uint64(0x5E5E5E5E5E5E5E5E)
END = np.uint64(0x2424242424242424)
EMPTY = np.uint64(0)
MOST_COUNTED = 65_535
"""Where the counters of the count-min rows stop."""


@nb.njit(cache=True, nogil=True, inline="always")
def mix(value):  # type: ignore[no-untyped-def]  # numba infers
    """Return a well-spread 64-bit hash of a 64-bit value (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@nb.njit(cache=True, nogil=True, inline="always")
def _padded(hashes, first, last, position):  # type: ignore[no-untyped-def]  # numba infers
    if position < first:
        return START
    return END if position >= last else hashes[position]


@nb.njit(cache=True, nogil=True, inline="always")
def ngram(hashes, first, last, position, order):  # type: ignore[no-untyped-def]  # numba infers
    """Return the feature of `order` tokens from `position` in the text [first, last)."""
    value = np.uint64(order)
    for step in range(order):
        value = mix(
            value * np.uint64(0x9E3779B97F4A7C15) + _padded(hashes, first, last, position + step)
        )
    return value if value != EMPTY else np.uint64(1)


@nb.njit(cache=True, nogil=True)
def scratch_for(bounds):  # type: ignore[no-untyped-def]  # numba infers
    """Return a hash table large enough for the longest text, as (keys, owners)."""
    longest = 0
    for text in range(len(bounds) - 1):
        longest = max(longest, bounds[text + 1] - bounds[text])
    size = 64
    while size < 2 * MAX_ORDER * (longest + 3):
        size *= 2
    return np.zeros(size, np.uint64), np.full(size, -1, np.int64)


@nb.njit(cache=True, nogil=True)
def features_of(hashes, first, last, owner, keys, owners, out, places):  # type: ignore[no-untyped-def]
    """Write the distinct features of one text to `out` and their first positions to `places`.

    Returns how many there are; an empty text has none. `keys` and `owners` are scratch; `owner` marks
    this text's entries, so that the scratch need not be cleared between texts.
    """
    used = 0
    if first == last:
        return used
    mask = np.uint64(len(keys) - 1)
    for position in range(first - 1, last):
        for order in range(1, MAX_ORDER + 1):
            if position < first and order == 1:
                continue
            if position + order > last + 1:
                break
            feature = ngram(hashes, first, last, position, order)
            slot = feature & mask
            while owners[slot] == owner and keys[slot] != feature:
                slot = (slot + np.uint64(1)) & mask
            if owners[slot] != owner:
                owners[slot] = owner
                keys[slot] = feature
                out[used] = feature
                places[used] = position
                used += 1
    return used


@nb.njit(cache=True, nogil=True)
def count_documents(hashes, bounds, counts):  # type: ignore[no-untyped-def]  # numba infers
    """Add each text's features to the count-min rows `counts` (2, 2^k) uint16, saturating."""
    keys, owners = scratch_for(bounds)
    out, places = np.empty(len(keys), np.uint64), np.empty(len(keys), np.int64)
    mask = np.uint64(counts.shape[1] - 1)
    for text in range(len(bounds) - 1):
        used = features_of(hashes, bounds[text], bounds[text + 1], text, keys, owners, out, places)
        for item in range(used):
            one, two = out[item] & mask, (out[item] >> np.uint64(32)) & mask
            if counts[0, one] < MOST_COUNTED:
                counts[0, one] += 1
            if counts[1, two] < MOST_COUNTED:
                counts[1, two] += 1


@nb.njit(cache=True, nogil=True)
def add_documents(features, docs, counts):  # type: ignore[no-untyped-def]  # numba infers
    """Add exact document counts of features to the count-min rows, saturating."""
    mask = np.uint64(counts.shape[1] - 1)
    for item in range(len(features)):
        one, two = features[item] & mask, (features[item] >> np.uint64(32)) & mask
        counts[0, one] = min(MOST_COUNTED, np.int64(counts[0, one]) + docs[item])
        counts[1, two] = min(MOST_COUNTED, np.int64(counts[1, two]) + docs[item])


@nb.njit(cache=True, nogil=True)
def saturated_add(counts, more):  # type: ignore[no-untyped-def]  # numba infers
    """Add `more` to `counts` (2, w) uint16 in place; a sum beyond the most stays there."""
    for row in range(counts.shape[0]):
        for cell in range(counts.shape[1]):
            if more[row, cell]:
                total = np.int64(counts[row, cell]) + np.int64(more[row, cell])
                counts[row, cell] = min(MOST_COUNTED, total)


@nb.njit(cache=True, nogil=True, inline="always")
def count_bound(counts, feature):  # type: ignore[no-untyped-def]  # numba infers
    """Return an upper bound of the feature's document frequency, or MOST_COUNTED."""
    mask = np.uint64(counts.shape[1] - 1)
    one, two = counts[0, feature & mask], counts[1, (feature >> np.uint64(32)) & mask]
    return one if one < two else two


@nb.njit(cache=True, nogil=True, inline="always")
def find(table, feature):  # type: ignore[no-untyped-def]  # numba infers
    """Return the slot of `feature` in an open-addressing table, or of the empty place for it."""
    mask = np.uint64(len(table) - 1)
    slot = feature & mask
    while table[slot] != EMPTY and table[slot] != feature:
        slot = (slot + np.uint64(1)) & mask
    return slot


@nb.njit(cache=True, nogil=True)
def build_table(features):  # type: ignore[no-untyped-def]  # numba infers
    """Return (table of keys, table of values): feature i is found with the value i."""
    size = 16
    while size < 2 * len(features):
        size *= 2
    table, values = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    for index in range(len(features)):
        slot = find(table, features[index])
        table[slot] = features[index]
        values[slot] = index
    return table, values


@nb.njit(cache=True, nogil=True, inline="always")
def is_sampled(feature, level):  # type: ignore[no-untyped-def]  # numba infers
    """Say whether a feature is among the 1 in 2^level that are kept: its first bits are 0."""
    return level == 0 or (feature >> np.uint64(64 - level)) == 0


@nb.njit(cache=True, nogil=True)
def collect_frequent(  # type: ignore[no-untyped-def]
    hashes, bounds, counts, min_count, level, table, exact, used, first_text
):
    """Count exactly the features whose count-min bound reaches `min_count`, from `first_text` on.

    Of these, those that `is_sampled` at `level`. `table` and `exact` are an open-addressing table of
    keys and document counts; `used` of its places are taken. Returns (places taken, next text); the
    next text is the end, or the first whose features could fill the table by more than half.
    """
    keys, owners = scratch_for(bounds)
    out, places = np.empty(len(keys), np.uint64), np.empty(len(keys), np.int64)
    for text in range(first_text, len(bounds) - 1):
        n = features_of(hashes, bounds[text], bounds[text + 1], text, keys, owners, out, places)
        kept = 0
        for item in range(n):
            if is_sampled(out[item], level) and count_bound(counts, out[item]) >= min_count:
                out[kept] = out[item]
                kept += 1
        if 2 * (used + kept) > len(table):
            return used, text
        for item in range(kept):
            slot = find(table, out[item])
            if table[slot] == EMPTY:
                table[slot] = out[item]
                used += 1
            exact[slot] += 1
    return used, len(bounds) - 1


@nb.njit(cache=True, nogil=True)
def add_counts(features, counts, table, exact):  # type: ignore[no-untyped-def]  # numba infers
    """Add `counts` of `features` to a table with room for them; return how many were new."""
    new = 0
    for item in range(len(features)):
        slot = find(table, features[item])
        if table[slot] == EMPTY:
            table[slot] = features[item]
            new += 1
        exact[slot] += counts[item]
    return new


@nb.njit(cache=True, nogil=True)
def add_values(hashes, bounds, values, table, index, sums, docs):  # type: ignore[no-untyped-def]
    """Add row i's `values[i]` (n, m) int16 to `sums[f]` (f, m) int64 of each feature f of text i.

    `table` and `index` come from `build_table`; `docs` (f,) int32 counts the texts of each feature.
    """
    keys, owners = scratch_for(bounds)
    out, places = np.empty(len(keys), np.uint64), np.empty(len(keys), np.int64)
    width = values.shape[1]
    for text in range(len(bounds) - 1):
        n = features_of(hashes, bounds[text], bounds[text + 1], text, keys, owners, out, places)
        for item in range(n):
            slot = find(table, out[item])
            if table[slot] == EMPTY:
                continue
            feature = index[slot]
            docs[feature] += 1
            for column in range(width):
                sums[feature, column] += values[text, column]


@nb.njit(cache=True, nogil=True)
def locate(hashes, bounds, table, index):  # type: ignore[no-untyped-def]
    """Return which text holds which of the table's features, (k, 2) int32 of (feature, text)."""
    keys, owners = scratch_for(bounds)
    out, places = np.empty(len(keys), np.uint64), np.empty(len(keys), np.int64)
    size, used = 1024, 0
    found = np.empty((size, 2), np.int32)
    for text in range(len(bounds) - 1):
        n = features_of(hashes, bounds[text], bounds[text + 1], text, keys, owners, out, places)
        for item in range(n):
            slot = find(table, out[item])
            if table[slot] == EMPTY:
                continue
            if used == size:
                size *= 2
                larger = np.empty((size, 2), np.int32)
                larger[:used] = found[:used]
                found = larger
            found[used, 0] = index[slot]
            found[used, 1] = text
            used += 1
    return found[:used]


def feature_of(
    tokens: npt.NDArray[np.uint64], starts_text: bool = False, ends_text: bool = False
) -> int:
    """Return the feature of one n-gram given by its token hashes and whether ^ or $ belongs to it."""
    parts = ([START] if starts_text else []) + list(tokens) + ([END] if ends_text else [])
    array = np.array(parts, np.uint64)
    return int(ngram(array, 0, len(array), 0, len(array)))


@nb.njit(cache=True, nogil=True)
def find_ngram(hashes, first, last, feature):  # type: ignore[no-untyped-def]  # numba infers
    """Return (position, order) of a feature's first place in the text [first, last); order 0 if none.

    The position is first - 1 when the n-gram begins with ^.
    """
    for position in range(first - 1, last):
        for order in range(1, MAX_ORDER + 1):
            if position < first and order == 1:
                continue
            if position + order > last + 1:
                break
            if ngram(hashes, first, last, position, order) == feature:
                return position, order
    return 0, 0


@nb.njit(cache=True, nogil=True)
def places_of(hashes, bounds, feature):  # type: ignore[no-untyped-def]  # numba infers
    """Return [first, last) of a feature's first place in each text, (n, 2) int64; empty if none.

    Positions count from the text's first token; ^ and $ are left out.
    """
    found = np.zeros((len(bounds) - 1, 2), np.int64)
    for text in range(len(bounds) - 1):
        first, last = bounds[text], bounds[text + 1]
        position, order = find_ngram(hashes, first, last, feature)
        if order:
            found[text, 0] = max(position, first) - first
            found[text, 1] = min(position + order, last) - first
    return found
