"""Groups of rows that say the same under the same label: copies and near-copies share one vote.

Evidence is (n,) int64: a number per group, -1 for a row without a label.
"""

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.labels import Labels
from corpus_guard.sketch.rows.corpus import Corpus


@derived(needs=("labels", "near_duplicates", "fingerprints"))
def distinct_labels(corpus: Corpus) -> npt.NDArray[np.int64]:
    """Return the groups."""
    codes = corpus.evidence("labels", Labels).codes
    order = corpus.rows.canonical_order
    order = order[codes[order] >= 0]
    _, first, copy_of = np.unique(
        corpus.rows.column("whole").take(order), return_index=True, return_inverse=True
    )
    # Short texts are near-duplicates of none, but may be copies.
    roots = corpus.evidence("near_duplicates", np.ndarray)[order[first]][copy_of]
    pairs = roots * (int(codes.max(initial=0)) + 1) + codes[order]
    found = np.full(len(codes), -1, np.int64)
    found[order] = np.unique(pairs, return_inverse=True)[1]
    return found


def counted_labels(corpus: Corpus) -> npt.NDArray[np.int32]:
    """Return the code of each row's label where the row stands for its group, else -1, (n,).

    Of each group the row with the smallest content hash does.
    """
    return corpus.once(("counted labels",), lambda: _counted(corpus))


def _counted(corpus: Corpus) -> npt.NDArray[np.int32]:
    codes = corpus.evidence("labels", Labels).codes
    groups = corpus.evidence("distinct_labels", np.ndarray)
    order = corpus.rows.canonical_order
    order = order[groups[order] >= 0]
    stands = order[np.unique(groups[order], return_index=True)[1]]
    found = np.full(len(codes), -1, np.int32)
    found[stands] = codes[stands]
    return found
