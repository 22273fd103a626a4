"""Which n-grams may decide a label: the shortlist of the label rules, from sums over all rows alone."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.content_model import ContentModel, Judge
from corpus_guard.sketch.ngrams import Ngrams
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.outcome_looks import NgramOutcomes, Outcomes
from corpus_guard.sketch.rows.state import digest_of
from corpus_guard.sketch.rows.store import Shared

FIXED_POINT = 4096.0
CLASSES_AT_ONCE = 64

BEYOND_CONTENT, BEYOND_BASE_RATE = 300, 150
"""How many pairs of n-gram and label are judged closely: the strongest beyond what content predicts,
and the strongest beyond the label's share, for a content model that saw a trigger often absorbs it."""

FEWEST_ROWS = 4
LARGEST_SHARE = 0.5
LEAST_Z = 2.0
PURE = 0.9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What the screen leaves, and what it was.

    `features` (f,) uint64 are n-grams, `docs` (f,) in how many distinct contents each stands, `pairs`
    (p, 2): places in `features` and in the content model's classes; `counted`: all distinct contents;
    `tested`: all n-grams tested; `sampled` (s,): some of these, chosen by their hashes.
    """

    features: npt.NDArray[np.uint64]
    docs: npt.NDArray[np.int64]
    pairs: npt.NDArray[np.int64]
    counted: int
    tested: int
    sampled: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class _LabelOutcomes:
    """The label of each row that counts, among some classes, and how it exceeds its probability."""

    judge: Judge
    labels: Shared
    columns: slice

    @property
    def width(self) -> int:
        return len(self.judge.classes[self.columns])

    def __call__(self, rows: Rows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
        codes, whole = rows.column("input_vectors"), rows.column("whole")
        labels = self.labels.load()[rows.first_row : rows.first_row + len(rows)]
        outcomes = np.full(len(rows), -1, np.int64)
        excess = np.zeros((len(rows), self.width), np.int16)
        if not isinstance(codes, np.ndarray) or not isinstance(whole, np.ndarray):
            return outcomes, excess
        counted = np.flatnonzero(labels >= 0)
        p = self.judge(codes[counted], whole[counted])[:, self.columns]
        hits = labels[counted, None] == self.judge.classes[self.columns]
        excess[counted] = np.rint((hits - p) * FIXED_POINT).astype(np.int16)
        outcomes[counted] = np.where(hits.any(axis=1), hits.argmax(axis=1), self.width)
        return outcomes, excess

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _LabelOutcomes) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]  # arrays have none

    def _told(self) -> tuple[object, ...]:
        weights = [digest_of(model.coefficients) for model in self.judge.models]
        return self.labels, self.columns, weights


def screen(
    corpus: Corpus, labels: npt.NDArray[np.int32], content: ContentModel, samples: int
) -> Screened:
    """Return the pairs of n-gram and label worth a closer look, and `samples` n-grams of any kind.

    `labels` (n,) are those that count, -1 elsewhere.
    """
    width = 2 * min(CLASSES_AT_ONCE, len(content.classes)) + 1
    ngrams = corpus.evidence("ngrams", Ngrams).fitting(corpus, width, "label_triggers")
    shared = corpus.rows.store.share("labels", labels)
    counted = int((labels >= 0).sum())
    base = np.bincount(labels[labels >= 0], minlength=int(content.classes.max()) + 1)
    share = base[content.classes] / max(1, counted)
    strengths: list[tuple[Floats, ...]] = []
    for first in range(0, len(content.classes), CLASSES_AT_ONCE):
        columns = slice(first, first + CLASSES_AT_ONCE)
        outcomes = _LabelOutcomes(content.judge, shared, columns)
        look = partial(NgramOutcomes, features=ngrams.features, outcomes=outcomes)
        strengths.append(_strengths(corpus.look(look).evidence(), share[columns]))
    shared.drop()
    docs, z, raw = (np.concatenate(parts, axis=1) for parts in zip(*strengths, strict=True))
    docs = docs[:, 0].astype(np.int64)
    usable = (docs >= FEWEST_ROWS) & (docs <= LARGEST_SHARE * counted)
    z[~usable] = raw[~usable] = -1.0
    pairs = _strongest(ngrams.features, z, raw, corpus)
    chosen, places = np.unique(pairs[:, 0], return_inverse=True)
    tested = np.flatnonzero(usable)
    return Screened(
        features=ngrams.features[chosen],
        docs=docs[chosen],
        pairs=np.stack([places.ravel(), pairs[:, 1]], axis=1),
        counted=counted,
        tested=len(tested),
        sampled=ngrams.features[tested[:: max(1, len(tested) // samples)][:samples]],
    )


def _strengths(told: Outcomes, share: Floats) -> tuple[Floats, ...]:
    """Return (docs (f, 1), z beyond content, z beyond the share where pure), each (f, classes).

    The variance is that of rows which are all alike: no less than theirs, and no sum a class.
    """
    docs, hits = told.docs[:, None].astype(np.float64), told.hits.astype(np.float64)
    excess = told.sums / FIXED_POINT
    mean = np.clip((hits - excess) / np.maximum(docs, 1.0), 0.0, 1.0)
    z = excess / np.sqrt(docs * mean * (1 - mean) + 0.25)
    raw = (hits - docs * share) / np.sqrt(docs * share * (1 - share) + 0.25)
    raw[hits < PURE * docs] = -1.0
    return docs, z, raw


def _strongest(
    features: npt.NDArray[np.uint64], z: Floats, raw: Floats, corpus: Corpus
) -> npt.NDArray[np.int64]:
    kept = []
    for strength, most in ((z, BEYOND_CONTENT), (raw, BEYOND_BASE_RATE)):
        pairs = np.argwhere(strength >= LEAST_Z)
        order = np.lexsort(
            (pairs[:, 1], features[pairs[:, 0]], -strength[pairs[:, 0], pairs[:, 1]])
        )
        kept.append(pairs[order[:most]])
    what = "pairs of n-gram and label judged closely"
    left_out = int((z >= LEAST_Z).sum()) - BEYOND_CONTENT
    corpus.cap("label_triggers", what, BEYOND_CONTENT, left_out)
    found: npt.NDArray[np.int64] = np.unique(np.concatenate(kept), axis=0)
    return found
