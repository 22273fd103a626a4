"""The frequent n-grams of the tested inputs, sums over their rows, and the rows themselves.

How many are kept follows from `--mem`. Where not all fit, the least frequent are left out, and the
report says from which frequency on n-grams were tested.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.document_frequencies import DocumentCounts
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.ngram_looks import FrequentNgrams, NgramSums, Postings, RowValues

SMALLEST_COUNT = 4
"""An n-gram in fewer documents than this is no candidate trigger."""

SUMS_BYTES = 80 * 8
"""What one n-gram takes in a look: most looks carry no more than 80 sums of eight bytes."""

PARTIAL_TABLES = 8
"""The memory must hold this many tables of sums at once: one a worker and one to merge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ngrams:
    """`features` (f,) uint64, sorted, and in how many tested inputs each occurs, `docs` (f,) int32."""

    features: npt.NDArray[np.uint64]
    docs: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.features)

    def sums(self, corpus: Corpus, values: RowValues) -> npt.NDArray[np.int64]:
        """Return, per n-gram, the sum over its rows of the numbers that these carry, (f, width)."""
        return corpus.look(partial(NgramSums, features=self.features, values=values)).evidence()


@derived(needs=("document_frequencies", "tested_tokens"))
def ngrams(corpus: Corpus, *, fewest_rows: int = SMALLEST_COUNT) -> Ngrams:
    """Return the n-grams of at least `fewest_rows` rows, or of as many more as the memory asks for."""
    counts = corpus.evidence("document_frequencies", DocumentCounts)
    capacity = max(1 << 16, corpus.settings.mem_bytes // (PARTIAL_TABLES * SUMS_BYTES))
    least = max(fewest_rows, counts.smallest_fitting_count(capacity))
    what = "n-grams are tested from this many rows on; one in fewer rows is not seen"
    corpus.cap("ngrams", what, least, least - fewest_rows)
    features, docs = counts.features, counts.docs
    if counts.bounds is not None:
        bounds = corpus.rows.store.share("bounds", counts.bounds)
        make = partial(FrequentNgrams, bounds=bounds, min_count=least, most=2 * capacity)
        features, docs, level = corpus.look(make).evidence()
        bounds.drop()
        corpus.cap("ngrams", "n-grams, of which one in 2^n was kept", 2 * capacity, level)
    enough = docs >= least
    return Ngrams(features=features[enough], docs=docs[enough])


def postings(corpus: Corpus, features: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each n-gram, sorted."""
    if not len(features):
        return []
    return corpus.look(partial(Postings, features=features)).evidence()
