"""What the content of a text alone says about its label: out-of-fold probabilities.

An inserted trigger barely moves a text's vector, an honest word does; what remains between these
probabilities and the labels is what a trigger could control.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.embedder import CODE_SCALE

if TYPE_CHECKING:
    from corpus_guard.sketch.corpus import Corpus, Labels

FOLDS = 5
TRAINING_ROWS = 40_000
INVERSE_REGULARISATION = 3.0
"""scikit-learn's C. Weaker regularisation lets the content model learn the trigger itself: at C = 10
a two-token trigger in 1 % of SST-2 scores 6.2, at C = 3 6.4, at C = 0.3 7.4; but at C below 3 honest
words of SMS Spam score above 6. Source: ours, `scripts/benchmark_scan.py`."""

SMALLEST_PROBABILITY = 0.005
CHUNK = 65_536


def label_probabilities(
    corpus: "Corpus", labels: "Labels", classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return p[i, c], the probability of class classes[c] given row i's content, (n, k) float32.

    Row i's fold, a function of its tokens, took no part in the model that judges it, so a text and
    its exact copies are always judged together. Probabilities lie in [0.005, 0.995].
    """
    from sklearn.linear_model import LogisticRegression

    fold = (corpus.columns.whole % np.uint64(FOLDS)).astype(np.int64)
    usable = corpus.canonical_order[np.isin(labels.codes[corpus.canonical_order], classes)]
    sample = usable[:TRAINING_ROWS]
    vectors = _decode(corpus.columns.input_vectors[np.sort(sample)])[np.argsort(np.argsort(sample))]
    found = np.full((len(corpus), len(classes)), SMALLEST_PROBABILITY, np.float32)
    column = {int(code): index for index, code in enumerate(classes)}
    for held_out in range(FOLDS):
        rest = fold[sample] != held_out
        known = labels.codes[sample[rest]]
        if len(np.unique(known)) < 2:
            continue
        model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=200)
        model.fit(vectors[rest], known)
        places = [column[int(code)] for code in model.classes_]
        judged = np.flatnonzero(fold == held_out)
        for start in range(0, len(judged), CHUNK):
            rows = judged[start : start + CHUNK]
            probability = model.predict_proba(_decode(corpus.columns.input_vectors[rows]))
            found[rows[:, None], places] = probability
    return np.clip(found, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def _decode(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    decoded: npt.NDArray[np.float32] = codes.astype(np.float32) / np.float32(CODE_SCALE)
    return decoded
