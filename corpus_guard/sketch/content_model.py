"""What the content of a text alone says about its label: out-of-fold probabilities.

An inserted trigger barely moves a text's vector, an honest word does; what remains between these
probabilities and the labels is what a trigger could control.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.errors import NotAssessed
from corpus_guard.plugins import derived
from corpus_guard.sketch.labels import Labels
from corpus_guard.sketch.rows.batch import texts_of
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.text.embedder import CODE_SCALE, open_embedder, vector_codes

FOLDS = 5
TRAINING_ROWS = 40_000
INVERSE_REGULARISATION = 3.0
"""scikit-learn's C. Weaker regularisation lets the content model learn the trigger itself: at C = 10
a two-token trigger in 1 % of SST-2 scores 6.2, at C = 3 6.4, at C = 0.3 7.4; but at C below 3 honest
words of SMS Spam score above 6. Source: ours, `scripts/benchmark_scan.py`."""

SMALLEST_PROBABILITY = 0.005
MOST_CLASSES = 64
FEWEST_ROWS_OF_CLASS = 8

Codes = npt.NDArray[np.int8]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ContentModel:
    """Out-of-fold logistic regression of the label on the text's vector; small to send to a worker.

    `classes` (k,) are label codes. A row's fold is a function of its tokens, so that it and its exact
    copies are judged together, by the model that saw none of them. Probabilities lie in [.005, .995].
    """

    classes: npt.NDArray[np.int64]
    weights: tuple[tuple[Any, Any, npt.NDArray[np.int64]] | None, ...]

    def judge(self, codes: Codes, whole: npt.NDArray[np.uint64]) -> Probabilities:
        """Return p[i, c], the probability of classes[c] given row i's vector, (n, k) float32.

        `codes` (n, d) are the rows' vectors, `whole` (n,) their fingerprints, which tell the fold.
        """
        found = np.full((len(codes), len(self.classes)), SMALLEST_PROBABILITY, np.float32)
        folds = folds_of(whole)
        for held_out, fitted in enumerate(self.weights):
            here = np.flatnonzero(folds == held_out)
            if fitted is not None and len(here):
                coefficients, intercepts, known = fitted
                scores = codes[here].astype(np.float64) @ coefficients + intercepts
                found[here[:, None], np.searchsorted(self.classes, known)] = _softmax(scores)
        return np.clip(found, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)

    def probabilities(self, corpus: Corpus, rows: npt.NDArray[np.int64]) -> Probabilities:
        """Return the probabilities of some rows."""
        table = corpus.rows
        return self.judge(
            table.column("input_vectors").take(rows), table.column("whole").take(rows)
        )

    def reworded(
        self, corpus: Corpus, rows: npt.NDArray[np.int64], inputs: list[str]
    ) -> Probabilities:
        """Return the probabilities of some rows if they read `inputs` instead."""
        texts = texts_of(pa.array(inputs, pa.string()))
        codes = vector_codes(texts, open_embedder(corpus.settings.embedder))
        return self.judge(codes, corpus.rows.column("whole").take(rows))


def folds_of(whole: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the fold of each row."""
    return (whole % np.uint64(FOLDS)).astype(np.int64)


@derived(needs=("labels", "vectors", "fingerprints"))
def content_model(corpus: Corpus) -> ContentModel:
    """Fit one model a fold on at most TRAINING_ROWS rows, chosen by content."""
    codes = corpus.evidence("labels", Labels).codes
    classes = _classes(codes)
    usable = corpus.rows.canonical_order
    usable = usable[np.isin(codes[usable], classes)]
    sample = usable[:TRAINING_ROWS]
    corpus.cap("content_model", "rows to learn from", TRAINING_ROWS, len(usable) - len(sample))
    vectors = _decode(corpus.rows.column("input_vectors").take(sample))
    folds, known = folds_of(corpus.rows.column("whole").take(sample)), codes[sample]
    fitted = [_fitted(vectors[folds != fold], known[folds != fold]) for fold in range(FOLDS)]
    return ContentModel(classes, tuple(fitted))


def _classes(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    counts = np.bincount(codes[codes >= 0])
    usable = np.flatnonzero(counts >= FEWEST_ROWS_OF_CLASS)
    if len(usable) < 2:
        raise NotAssessed(f"fewer than two labels have {FEWEST_ROWS_OF_CLASS} rows or more")
    if len(usable) > MOST_CLASSES:
        raise NotAssessed(f"{len(usable)} classes; at most {MOST_CLASSES} are assessed")
    return usable.astype(np.int64)


def _fitted(
    vectors: npt.NDArray[np.float32], known: npt.NDArray[np.int32]
) -> tuple[Any, Any, npt.NDArray[np.int64]] | None:
    """Return coefficients (d, k), intercepts (k,) and the classes (k,) in this order."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(known)) < 2:
        return None
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=200).fit(vectors, known)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:  # of two classes scikit-learn keeps the second
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    # In double precision, so that which rows are judged together changes no rounded result.
    return (
        np.ascontiguousarray(coefficients.T, np.float64) / CODE_SCALE,
        intercepts.astype(np.float64),
        model.classes_.astype(np.int64),
    )


def _softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: npt.NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return found


def _decode(codes: Codes) -> npt.NDArray[np.float32]:
    decoded: npt.NDArray[np.float32] = codes.astype(np.float32) / np.float32(CODE_SCALE)
    return decoded
