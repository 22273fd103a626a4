"""The frequent n-grams of the tested inputs, sums over their rows, and the rows themselves.

How many are kept follows from `--mem`. Where not all fit, the least frequent are left out, and the
report says so.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.document_frequencies import DocumentCounts
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.ngram_looks import (
    FrequentNgrams,
    NgramSums,
    Postings,
    RowValues,
    SampledPostings,
)

SMALLEST_COUNT = 4
"""An n-gram in fewer documents than this is no candidate trigger."""

COUNT_BYTES = 48
"""What one n-gram takes in a table of counts, which is a quarter full when it has just grown."""

SUM_BYTES = 8
POSTING_BYTES = 256

PARTIAL_TABLES = 8
"""The memory must hold this many tables at once: one a worker and one to merge."""

FEWEST_KEPT = 1 << 16


@dataclass(frozen=True, slots=True)
class Ngrams:
    """`features` (f,) uint64, sorted, and in how many tested inputs each occurs, `docs` (f,) int32."""

    features: npt.NDArray[np.uint64]
    docs: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.features)

    def fitting(self, corpus: Corpus, width: int, plugin: str) -> "Ngrams":
        """Return the most frequent of them, as many as fit the memory with `width` sums each."""
        capacity = _capacity(corpus, width * SUM_BYTES)
        if len(self) <= capacity:
            return self
        least = int(np.sort(self.docs)[-capacity])
        kept = self.docs > least
        ties = np.flatnonzero(self.docs == least)  # in the order of their hashes
        kept[ties[: capacity - int(kept.sum())]] = True
        what = "rows in which an n-gram must be to be tested"
        corpus.cap(plugin, what, least, int((~kept).sum()))
        return Ngrams(self.features[kept], self.docs[kept])

    def sums(self, corpus: Corpus, values: RowValues) -> npt.NDArray[np.int64]:
        """Return, per n-gram, the sum over its rows of the numbers that these carry, (f, width)."""
        return corpus.look(partial(NgramSums, features=self.features, values=values)).evidence()


@derived(needs=("document_frequencies", "tested_tokens"))
def ngrams(corpus: Corpus, *, fewest_rows: int = SMALLEST_COUNT) -> Ngrams:
    """Return the n-grams of at least `fewest_rows` rows, or of as many more as the memory asks for."""
    counts = corpus.evidence("document_frequencies", DocumentCounts)
    capacity = _capacity(corpus, COUNT_BYTES)
    least = max(fewest_rows, counts.smallest_fitting_count(capacity))
    what = "rows in which an n-gram must be to be counted; left out: the counts below"
    corpus.cap("ngrams", what, least, least - fewest_rows)
    features, docs = counts.features, counts.docs
    if counts.bounds is not None:
        bounds = corpus.rows.store.share("bounds", counts.bounds)
        make = partial(FrequentNgrams, bounds=bounds, min_count=least, most=2 * capacity)
        features, docs, level = corpus.look(make).evidence()
        bounds.drop()
        corpus.cap("ngrams", "n-grams; half of them left out so many times", 2 * capacity, level)
    enough = docs >= least
    return Ngrams(features[enough], docs[enough])


def _capacity(corpus: Corpus, bytes_each: int) -> int:
    return max(FEWEST_KEPT, corpus.settings.mem_bytes // (PARTIAL_TABLES * bytes_each))


def postings_that_fit(corpus: Corpus) -> int:
    """Return how many places of n-grams a look may gather: each takes several copies of two numbers."""
    return max(1 << 20, corpus.settings.mem_bytes // POSTING_BYTES)


def sampled_postings(
    corpus: Corpus, features: npt.NDArray[np.uint64], most: int
) -> list[npt.NDArray[np.int64]]:
    """Return up to `most` rows of each n-gram, sorted: those with the smallest content hashes."""
    return corpus.look(partial(SampledPostings, features=features, most=most)).evidence()


def postings(corpus: Corpus, features: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each n-gram, sorted."""
    if not len(features):
        return []
    return corpus.look(partial(Postings, features=features)).evidence()
