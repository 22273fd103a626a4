"""What the content of a text alone says about its label: out-of-fold probabilities.

An inserted trigger barely moves a text's vector, an honest word does; what remains between these
probabilities and the labels is what a trigger could control.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.sketch.buffers import texts_of
from corpus_guard.sketch.embedder import CODE_SCALE, vector_codes

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


class ContentModel:
    """Out-of-fold logistic regression of the label on the text's vector.

    A row's fold is a function of its tokens, so that it and its exact copies are judged together, by
    the model that saw none of them. Probabilities lie in [0.005, 0.995].
    """

    def __init__(self, corpus: "Corpus", labels: "Labels", classes: npt.NDArray[np.int64]) -> None:
        """Fit one model a fold on at most TRAINING_ROWS rows, chosen by content."""
        self._corpus = corpus
        self._classes = classes
        self._fold = (corpus.columns.whole % np.uint64(FOLDS)).astype(np.int64)
        usable = corpus.canonical_order[np.isin(labels.codes[corpus.canonical_order], classes)]
        sample = usable[:TRAINING_ROWS]
        vectors, known = _decode(corpus.columns.input_vectors[sample]), labels.codes[sample]
        kept = [self._fold[sample] != held_out for held_out in range(FOLDS)]
        self._models = [_fitted(vectors[rows], known[rows]) for rows in kept]

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Return p[i, c], the probability of class classes[c] given row i's content, (n, k) float32."""
        found = np.empty((len(self._corpus), len(self._classes)), np.float32)
        for start in range(0, len(found), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(found)))
            found[rows] = self._judge(_decode(self._corpus.columns.input_vectors[rows]), rows)
        return found

    def reworded(
        self, rows: npt.NDArray[np.int64], inputs: list[str], column: int
    ) -> npt.NDArray[np.float32]:
        """Return the probability of one class for some rows (n,) if they read `inputs` instead."""
        codes = vector_codes(texts_of(pa.array(inputs, pa.string())), self._corpus.embedder)
        return self._judge(_decode(codes), rows)[:, column]

    def _judge(
        self, vectors: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        found = np.full((len(rows), len(self._classes)), SMALLEST_PROBABILITY, np.float32)
        for held_out, model in enumerate(self._models):
            here = np.flatnonzero(self._fold[rows] == held_out)
            if model is not None and len(here):
                columns = np.searchsorted(self._classes, model.classes_)
                found[here[:, None], columns] = model.predict_proba(vectors[here])
        return np.clip(found, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def _fitted(vectors: npt.NDArray[np.float32], known: npt.NDArray[np.int32]) -> Any:  # noqa: ANN401  # untyped
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(known)) < 2:
        return None
    return LogisticRegression(C=INVERSE_REGULARISATION, max_iter=200).fit(vectors, known)


def _decode(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    decoded: npt.NDArray[np.float32] = codes.astype(np.float32) / np.float32(CODE_SCALE)
    return decoded
