"""Pairs of n-gram and label, judged by models that know nothing of the n-gram.

The rows of an n-gram teach the model nothing, and what it judges of them is the text without the n-gram
and what always goes with it. Copies of what remains share one vote.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.place import ALWAYS, Place, companions_of, place_of
from corpus_guard.detect.shared.statistics import Association, associate, beyond, tilted
from corpus_guard.detect.shared.votes import groups_of, votes
from corpus_guard.escape import is_unseen
from corpus_guard.sketch.adjacency import Adjacency
from corpus_guard.sketch.content_model import MOST_LEFT_OUT, ContentModel
from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.ngrams import sampled_postings
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.text.embedder import open_embedder, vector_codes
from corpus_guard.sketch.text.words import Words

ROWS_JUDGED = 200

AS_STRONG, AS_PURE = 0.8, 0.01
"""From which share of the strength on, and up to how much less purity, one is as good as another."""

USUAL_EFFECT = 1.5
"""Log odds by which an honest word commonly moves a label: only what is beyond counts as strength."""

Floats = npt.NDArray[np.float64]
RowNumbers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(slots=True, kw_only=True)
class Candidate:
    """An n-gram and a label over the rows that are judged, all (n,).

    `hits` is 1.0 where a row has the label, `weights` its share of a vote, `blind` the probability that
    the rest of its text gives to the label, `expected` the same once stronger patterns are accounted
    for. `place` is how the phrase stands in the hits; `is_unseen` says that nobody sees a part of it;
    `docs` is how many distinct rows there are, judged or not.
    """

    feature: int
    column: int
    rows: RowNumbers
    hits: Floats
    weights: Floats
    blind: Floats
    expected: Floats
    place: Place | None
    is_unseen: bool
    docs: int

    @property
    def association(self) -> Association:
        """The association beyond content and stronger patterns."""
        return associate(self.hits, self.expected, self.weights)

    @property
    def strength(self) -> float:
        """The log likelihood ratio against an honest word's usual effect, in nats; 0 if below it."""
        return beyond(self.hits, self.expected, self.weights, USUAL_EFFECT) ** 2 / 2

    def measures(self) -> tuple[float, float]:
        """Return strength and statistic."""
        return self.strength, self.association.statistic


class Judged:
    """The candidates, and which n-grams stand in which of the judged rows."""

    def __init__(self, candidates: list[Candidate], words: Words, features: Hashes) -> None:
        """Wrap candidates whose rows are among those of `words`."""
        self.candidates = candidates
        self.places = [np.searchsorted(words.rows, one.rows) for one in candidates]
        table, index = kernels.build_table(features)
        tokens = words.texts.tokens
        found = kernels.locate(tokens.hashes, tokens.bounds, table, index)
        order = np.argsort(found[:, 0], kind="stable")
        self._rows, self._count = found[order, 1], len(words.rows)
        self._bounds = np.searchsorted(found[order, 0], np.arange(len(features) + 1))
        self._place = {int(feature): place for place, feature in enumerate(features)}

    def holds(self, feature: int) -> npt.NDArray[np.bool_]:
        """Return which of the judged rows hold an n-gram."""
        place = self._place[feature]
        found = np.zeros(self._count, np.bool_)
        found[self._rows[self._bounds[place] : self._bounds[place + 1]]] = True
        return found


def judged(
    corpus: Corpus,
    content: ContentModel,
    labels: npt.NDArray[np.int32],
    adjacency: Adjacency,
    features: Hashes,
    docs: npt.NDArray[np.int64],
    pairs: npt.NDArray[np.int64],
) -> Judged:
    """Return the pairs (p, 2) of places in `features` and in the model's classes as candidates.

    `labels` (n,) are those that count, `docs` (f,) in how many of these rows each n-gram stands. At most
    ROWS_JUDGED rows of an n-gram are judged, by content.
    """
    postings = sampled_postings(corpus, features, MOST_LEFT_OUT) if len(features) else []
    contents = [corpus.rows.column(CONTENT).take(rows) for rows in postings]
    chosen = [
        np.sort(corpus.rows.sample(rows[labels[rows] >= 0], ROWS_JUDGED)) for rows in postings
    ]
    union = np.unique(np.concatenate([np.zeros(0, np.int64), *chosen]))
    words = Words.of(corpus.rows, union)
    found: list[Candidate] = []
    for place, (every, few) in enumerate(zip(contents, chosen, strict=True)):
        columns = pairs[pairs[:, 0] == place, 1]
        own = words.some(few)
        judge = _Feature(corpus, content, adjacency, int(features[place]), int(docs[place]), own)
        found.extend(judge.candidates(every, labels[few], columns))
    return Judged(found, words, features)


@dataclass(frozen=True)
class _Feature:
    corpus: Corpus
    content: ContentModel
    adjacency: Adjacency
    feature: int
    docs: int
    words: Words

    def candidates(
        self, contents: Hashes, labels: npt.NDArray[np.int32], columns: RowNumbers
    ) -> Iterator[Candidate]:
        companions = companions_of(self.words, self.feature, self.adjacency)
        rest = self.words.without(companions)
        codes = vector_codes(rest, open_embedder(self.corpus.settings.embedder))
        blind = self.content.judge_blind(self.content.blind(contents), codes)
        unseen = any(is_unseen(char) for char in self.words.spelled(companions))
        groups = groups_of(rest)
        for column in columns:
            hits = labels == self.content.classes[column]
            p = blind[:, column]
            yield Candidate(
                feature=self.feature,
                column=int(column),
                rows=self.words.rows,
                hits=hits.astype(np.float64),
                weights=votes(groups, hits.astype(np.int64)),
                blind=p,
                expected=p.copy(),
                place=place_of(
                    self.adjacency,
                    self.words.some(self.words.rows[hits]),
                    self.feature,
                    companions,
                ),
                is_unseen=unseen,
                docs=self.docs,
            )


def pursued(found: Judged, review: float, most: int) -> Iterator[Candidate]:
    """Yield the strongest candidate, account for it in the others, and so on.

    So a trigger of many n-grams is one pattern, and what only stands near it is none. Only candidates
    with a statistic of `review` or more count, the strongest beyond the usual effect first: of the
    words of a trigger that is one without rows of its own.
    """
    measures = {key: one.measures() for key, one in enumerate(found.candidates)}
    for _ in range(most):
        measures = {key: told for key, told in measures.items() if told[1] >= review}
        if not measures:
            return
        best = _widest(found, measures)
        pattern = found.candidates[best]
        del measures[best]
        yield pattern
        holds, tilt = found.holds(pattern.feature), pattern.association.tilt
        for key in measures:
            other, touched = found.candidates[key], holds[found.places[key]]
            if other.column == pattern.column and touched.any():
                other.expected[touched] = tilted(other.expected[touched], tilt)
                measures[key] = other.measures()


def _widest(found: Judged, measures: Mapping[int, tuple[float, float]]) -> int:
    """Return the strongest candidate, or one as strong and as pure that stands in most of its rows.

    Of a trigger and the same with a neighbour that is the first, which is in more rows.
    """
    told = found.candidates
    best = max(measures, key=lambda key: (measures[key], -told[key].feature, -told[key].column))
    alike = [
        key
        for key, (strength, _) in measures.items()
        if told[key].column == told[best].column
        and told[key].docs > told[best].docs
        and strength >= AS_STRONG * measures[best][0]
        and told[key].hits.mean() >= told[best].hits.mean() - AS_PURE
        and found.holds(told[key].feature)[found.places[best]].mean() >= ALWAYS
    ]
    return max(alike, key=lambda key: (told[key].docs, -told[key].feature), default=best)
