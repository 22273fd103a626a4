"""What the content of a text alone says about its label: out-of-fold probabilities.

An inserted trigger barely moves a text's vector, an honest word does; what remains between these
probabilities and the labels is what a trigger could control. A model that saw a feature absorbs it, so
the rows of a tested feature can be left out, see `ContentModel.blind`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.errors import NotAssessed, NotPresent
from corpus_guard.plugins import derived
from corpus_guard.sketch.distinct_labels import counted_labels
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.text.moments import Discriminant, Moments

FOLDS = 5
SAMPLE = 20_000
"""Rows to learn from. A discriminant has 256 numbers a class to learn: more rows teach it little."""

SMALLEST_PROBABILITY = 0.005
MOST_CLASSES = 2000
FEWEST_ROWS_OF_CLASS = 8
MOST_LEFT_OUT = 2048
ENOUGH = 8192
"""Rows that teach a blind model enough where so many are left out that it is made anew."""

CALIBRATED_ON = 4096
LEAST_SHARP, MOST_SHARP = 0.02, 4.0

Codes = npt.NDArray[np.int8]
Probabilities = npt.NDArray[np.float64]
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Out-of-fold probabilities of any rows; small to send to a worker.

    `classes` (k,) are label codes. A row's fold is a function of its tokens, so that it and its exact
    copies are judged together, by the model that saw none of them. Probabilities lie in [.005, .995].
    """

    classes: RowNumbers
    models: tuple[Discriminant, ...]
    sharpness: float

    def __call__(self, codes: Codes, whole: npt.NDArray[np.uint64]) -> Probabilities:
        """Return p[i, c], the probability of classes[c] given row i's vector, (n, k).

        `codes` (n, d) are the rows' vectors, `whole` (n,) their fingerprints, which tell the fold.
        """
        found = np.full((len(codes), len(self.classes)), SMALLEST_PROBABILITY)
        folds = folds_of(whole)
        for fold, model in enumerate(self.models):
            here = np.flatnonzero(folds == fold)
            found[here] = probabilities(model, codes[here], self.sharpness)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ContentModel:
    """`judge` for rows as they are; `blind` for those of a tested feature.

    The sample in the order of content: hashes `contents` (m,) of the records, their vectors `codes`
    (m, d) and `known` (m,), places in `judge.classes`, `own` (m, k) their probabilities; `moments` are
    theirs.
    """

    judge: Judge
    contents: npt.NDArray[np.uint64]
    codes: Codes
    known: RowNumbers
    own: Probabilities
    moments: Moments

    @property
    def classes(self) -> RowNumbers:
        """The codes of the labels that are modelled, (k,)."""
        return self.judge.classes

    def of_rows(self, corpus: Corpus, rows: RowNumbers) -> Probabilities:
        """Return the out-of-fold probabilities of some rows, (n, k)."""
        table = corpus.rows
        return self.judge(
            table.column("input_vectors").take(rows), table.column("whole").take(rows)
        )

    def blind(self, contents: npt.NDArray[np.uint64]) -> Discriminant:
        """Return the model that learned from none of some rows: those of a feature.

        `contents` (n,): the content hashes of all of the feature's rows, or the MOST_LEFT_OUT smallest;
        where there are more, the model learns from the sample up to the last of these.
        """
        near = np.minimum(np.searchsorted(self.contents, contents), len(self.contents) - 1)
        held = np.unique(near[self.contents[near] == contents])
        if len(contents) < MOST_LEFT_OUT:
            left_out = Moments.of(self.codes[held], self.known[held], len(self.classes))
            return (self.moments - left_out).discriminant()
        kept = np.setdiff1d(np.arange(held.max(initial=0) + 1), held)[:ENOUGH]
        return Moments.of(self.codes[kept], self.known[kept], len(self.classes)).discriminant()

    def judge_blind(self, model: Discriminant, codes: Codes) -> Probabilities:
        """Return the probabilities that a blind model gives, as sharp as the others."""
        return probabilities(model, codes, self.judge.sharpness)


def probabilities(model: Discriminant, codes: Codes, sharpness: float) -> Probabilities:
    """Return the probabilities of the classes, (n, k), in [.005, .995]."""
    return np.clip(
        softmax(sharpness * model.scores(codes)), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY
    )


def folds_of(whole: npt.NDArray[np.uint64]) -> RowNumbers:
    """Return the fold of each row."""
    return (whole % np.uint64(FOLDS)).astype(np.int64)


@derived(needs=("labels", "distinct_labels", "vectors", "fingerprints"))
def content_model(corpus: Corpus) -> ContentModel:
    """Fit one model a fold on at most SAMPLE rows of distinct content, chosen by content."""
    codes = counted_labels(corpus)
    classes = _classes(codes)
    usable = corpus.rows.canonical_order
    usable = usable[np.isin(codes[usable], classes)]
    rows = usable[:SAMPLE]
    vectors = corpus.rows.column("input_vectors").take(rows)
    known = np.searchsorted(classes, codes[rows])
    whole = corpus.rows.column("whole").take(rows)
    folds = folds_of(whole)
    own = [Moments.of(vectors[folds == f], known[folds == f], len(classes)) for f in range(FOLDS)]
    every = own[0]
    for moments in own[1:]:
        every += moments
    models = tuple((every - moments).discriminant() for moments in own)
    sharpness = _sharpness(models, vectors[:CALIBRATED_ON], folds[:CALIBRATED_ON], known)
    judge = Judge(classes, models, sharpness)
    contents = corpus.rows.column(CONTENT).take(rows)
    return ContentModel(judge, contents, vectors, known, judge(vectors, whole), every)


def _classes(codes: npt.NDArray[np.int32]) -> RowNumbers:
    counts = np.bincount(codes[codes >= 0])
    usable = np.flatnonzero(counts >= FEWEST_ROWS_OF_CLASS)
    if len(usable) < 2:
        raise NotPresent(f"fewer than two labels have {FEWEST_ROWS_OF_CLASS} rows or more")
    if len(usable) > MOST_CLASSES:
        raise NotAssessed(f"{len(usable)} classes; at most {MOST_CLASSES} are assessed")
    return usable.astype(np.int64)


def _sharpness(
    models: tuple[Discriminant, ...], codes: Codes, folds: RowNumbers, known: RowNumbers
) -> float:
    """Return the factor of the scores with the least log loss out of fold (temperature scaling).

    Source: Guo et al., On Calibration of Modern Neural Networks (ICML 2017).
    """
    from scipy.optimize import minimize_scalar

    scores = np.empty((len(codes), len(models[0].intercepts)))
    for fold, model in enumerate(models):
        scores[folds == fold] = model.scores(codes[folds == fold])
    true = known[: len(codes)]

    def loss(log_sharpness: float) -> float:
        p = softmax(np.exp(log_sharpness) * scores)[np.arange(len(true)), true]
        return float(-np.log(np.maximum(p, 1e-12)).mean())

    bounds = (np.log(LEAST_SHARP), np.log(MOST_SHARP))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def softmax(scores: npt.NDArray[np.float64]) -> Probabilities:
    """Return the probabilities of each row's scores, (n, k)."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Probabilities = raised / raised.sum(axis=1, keepdims=True)
    return found
