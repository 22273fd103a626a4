"""Which words stand next to one another in the tested inputs, counted in a sample of distinct texts.

With it one can tell what leaves a text whole when it is taken out: what stood left and right of it are
neighbours elsewhere too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.kernels.ngrams import END, START
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.text.words import Words

SAMPLE = 20_000
Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

BACKING = 20.0
"""How many observations the frequency of the right word is worth beside those of the pair."""


@dataclass(frozen=True, slots=True, eq=False)
class Adjacency:
    """Counts of words and pairs, ^ and $ among them, and one gap a text to compare with.

    `words` (w,) sorted with `counts` and `documents` (share of the texts that hold it); `pairs` (p,)
    sorted with `pair_counts`; `gaps` (m, 2): the words left and right of a place in each text, chosen
    by its content; `first` and `last` (m,): each text's first and last word.
    """

    words: Hashes
    counts: Floats
    documents: Floats
    pairs: Hashes
    pair_counts: Floats
    gaps: Hashes
    first: Hashes
    last: Hashes

    def frequency(self, words: Hashes) -> Floats:
        """Return the share of all words that are these, (n,)."""
        found: Floats = (self.count(words) + 0.5) / (self.counts.sum() + 1.0)
        return found

    def count(self, words: Hashes) -> Floats:
        """Return how often each word stands in the sample."""
        return _looked_up(self.words, self.counts, words)

    def share_of_texts(self, words: Hashes) -> Floats:
        """Return the share of the sample's texts that hold each word."""
        return _looked_up(self.words, self.documents, words)

    def log_follows(self, left: Hashes, right: Hashes, own: float = 0.0) -> Floats:
        """Return log P(right | left) for adjacent words; `own` occurrences of each pair do not count."""
        together = _looked_up(self.pairs, self.pair_counts, pair_keys(left, right)) - own
        found: Floats = np.log(
            (np.maximum(together, 0.0) + BACKING * self.frequency(right))
            / (np.maximum(self.count(left) - own, 0.0) + BACKING)
        )
        return found

    def log_precedes(self, left: Hashes, right: Hashes, own: float = 0.0) -> Floats:
        """Return log P(left | right) for adjacent words, see `log_follows`."""
        together = _looked_up(self.pairs, self.pair_counts, pair_keys(left, right)) - own
        found: Floats = np.log(
            (np.maximum(together, 0.0) + BACKING * self.frequency(left))
            / (np.maximum(self.count(right) - own, 0.0) + BACKING)
        )
        return found


def pair_keys(left: Hashes, right: Hashes) -> Hashes:
    """Return one number a pair, (n,)."""
    return left * _SPREAD ^ (right + (left >> np.uint64(29)))


def _looked_up(keys: Hashes, values: Floats, wanted: Hashes) -> Floats:
    if not len(keys):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0.0)


@derived(needs=("tested_tokens", "fingerprints"))
def adjacency(corpus: Corpus) -> Adjacency:
    """Count words and pairs in at most SAMPLE texts, chosen by content."""
    order = corpus.rows.canonical_order
    whole = corpus.rows.column("whole").take(order)
    order = order[np.sort(np.unique(whole, return_index=True)[1])][:SAMPLE]
    return adjacency_of(Words.of(corpus.rows, np.sort(order)))


def adjacency_of(words: Words) -> Adjacency:
    """Return the counts of some texts; gaps and ends are sorted, so that no order changes them."""
    tokens = words.texts.tokens
    lengths = np.diff(tokens.bounds)
    held = np.flatnonzero(lengths)
    first, last = tokens.bounds[:-1][held], tokens.bounds[1:][held] - 1
    padded = np.insert(tokens.hashes, first, START)
    padded = np.insert(padded, last + np.arange(1, len(held) + 1) + 1, END)
    inside = padded[:-1] != END
    pairs, pair_counts = np.unique(
        pair_keys(padded[:-1][inside], padded[1:][inside]), return_counts=True
    )
    names, counts = np.unique(padded, return_counts=True)
    known, shares = words.shares()
    begins, ends = tokens.hashes[first], tokens.hashes[last]
    gap = ((begins ^ ends * _SPREAD) % (lengths[held] + 1).astype(np.uint64)).astype(np.int64)
    at = first + 2 * np.arange(len(held)) + gap  # in `padded`: the word before the gap
    gaps = np.stack([padded[at], padded[at + 1]], axis=1)
    return Adjacency(
        words=names,
        counts=counts.astype(np.float64),
        documents=_looked_up(known, shares, names),
        pairs=pairs,
        pair_counts=pair_counts.astype(np.float64),
        gaps=gaps[np.lexsort(gaps.T)],
        first=np.sort(begins),
        last=np.sort(ends),
    )
