"""Which tokens of texts are covered by some of their n-grams."""

import numba as nb

from corpus_guard.sketch.kernels.ngrams import EMPTY, MAX_ORDER, find, ngram


@nb.njit(cache=True, nogil=True)
def cover(hashes, bounds, table, covered):  # type: ignore[no-untyped-def]  # numba infers
    """Set `covered[t]` (t,) bool for each token of an n-gram that is in `table` (of `build_table`)."""
    for text in range(len(bounds) - 1):
        first, last = bounds[text], bounds[text + 1]
        for position in range(first - 1, last):
            for order in range(1, MAX_ORDER + 1):
                if position < first and order == 1:
                    continue
                if position + order > last + 1:
                    break
                slot = find(table, ngram(hashes, first, last, position, order))
                if table[slot] == EMPTY:
                    continue
                for token in range(max(position, first), min(position + order, last)):
                    covered[token] = True


@nb.njit(cache=True, nogil=True)
def ngrams_of(hashes, bounds, features, owners):  # type: ignore[no-untyped-def]  # numba infers
    """Write every n-gram of every text and the text that it is from; return how many there are.

    An n-gram that stands twice in a text is written twice. `features` uint64 and `owners` int64 have
    room for MAX_ORDER n-grams for each token and as many again for each text.
    """
    used = 0
    for text in range(len(bounds) - 1):
        first, last = bounds[text], bounds[text + 1]
        if first == last:
            continue
        for position in range(first - 1, last):
            for order in range(1, MAX_ORDER + 1):
                if position < first and order == 1:
                    continue
                if position + order > last + 1:
                    break
                features[used] = ngram(hashes, first, last, position, order)
                owners[used] = text
                used += 1
    return used
