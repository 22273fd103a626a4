"""Words and phrases that decide the label whatever the rest of the text says.

What: a backdoor in a classification set. Rows that hold a trigger (a rare token, a phrase, an
inserted sentence) carry the attacker's label; a model trained on them obeys the trigger.

How it is decided: a content model predicts every label out of fold from the text's embedding, which
an inserted trigger barely moves. For each n-gram of 1 to 3 tokens and each class, the hits beyond
prediction give z, and the likelihood ratio of an exponential tilt gives a signed root; the smaller of
the two counts. The strongest pattern is taken, its rows' predictions are tilted by it, and the search
repeats, so that one attack is one finding. The pattern's precision is the share of its hits that its
misses do not imply to be natural.

A word may also go with a way of writing or a subject that a model predicts well anyway. So the trigger
is cut out of its rows and the rest is judged again: unless the target's share exceeds what the rest
predicts by at least .25 (the lift), the pattern is low.

False alarms: high needs a statistic of 5.8, a precision of .955, eight hits and a q-value (Benjamini
and Hochberg over all n-grams and classes, with the spread of the null taken from the data) of at most
.01. The strongest honest pattern of that precision on SST-2, AG News and SMS Spam scores 5.3
("powerful"). From 5.4 on a pattern is medium, weaker ones are low; neither flags a row.

What it misses: triggers without a lexical trace (syntax, style), clean-label poison below about 1 %,
a target that most rows carry anyway.

References: Gu et al., BadNets (arXiv 1708.06733); Dai et al. (IEEE Access 2019); He et al., Mitigating
Backdoor Poisoning Attacks through the Lens of Spurious Correlation (EMNLP 2023); Gardner et al.,
Competency Problems (EMNLP 2021).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.statistics import (
    Association,
    associate,
    null_spread,
    q_values,
    tilted,
    upper_tail,
)
from corpus_guard.plugins import detector
from corpus_guard.sketch.content_model import ContentModel
from corpus_guard.sketch.labels import Labels
from corpus_guard.sketch.ngrams import Ngrams, postings, postings_that_fit
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.state import digest_of
from corpus_guard.sketch.rows.store import Shared
from corpus_guard.sketch.text.phrases import longest_phrase
from corpus_guard.types import Finding, Severity

FIXED_POINT = 4096.0
CLASSES_AT_ONCE = 16
"""A look carries three sums a class."""

SHORTLIST = 2000
MOST_FINDINGS = 50
LIFT_ROWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gates:
    high: float
    suspicious: float
    review: float
    high_precision: float
    review_precision: float
    fewest_hits: int
    largest_share: float
    lift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    feature: int
    column: int
    rows: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    expected: float
    association: Association


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screen:
    """The shortlist: n-gram and class columns, the n-grams' rows, and what was tested."""

    features: npt.NDArray[np.uint64]
    pairs: list[tuple[int, int]]
    postings: list[npt.NDArray[np.int64]]
    tests: int
    spread: float


@dataclass(frozen=True, slots=True, eq=False)
class _LabelValues:
    """What each row carries, for some classes: whether it has the label, p, and p (1 - p)."""

    model: ContentModel
    labels: Shared
    columns: slice

    @property
    def width(self) -> int:
        return 3 * len(self.model.classes[self.columns])

    def __call__(self, rows: Rows) -> npt.NDArray[np.int16]:
        codes, whole = rows.column("input_vectors"), rows.column("whole")
        labels = self.labels.load()[rows.first_row : rows.first_row + len(rows)]
        if not isinstance(codes, np.ndarray) or not isinstance(whole, np.ndarray):
            return np.zeros((len(rows), self.width), np.int16)
        p = self.model.judge(codes, whole)[:, self.columns]
        hits = (labels[:, None] == self.model.classes[self.columns]).astype(np.float32)
        values = np.concatenate([hits, p, p * (1 - p)], axis=1)
        return np.rint(values * FIXED_POINT).astype(np.int16)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _LabelValues) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]  # arrays have none

    def _told(self) -> tuple[object, ...]:
        weights = [digest_of(fitted[0]) if fitted else None for fitted in self.model.weights]
        return self.labels, self.columns, weights


@detector(
    rule="CG201",
    title="Trigger that decides the label",
    needs=("labels", "content_model", "ngrams"),
    attacks=("backdoor trigger", "clean-label poison"),
)
def label_triggers(
    corpus: Corpus,
    *,
    high: float = 5.8,
    suspicious: float = 5.4,
    review: float = 4.6,
    high_precision: float = 0.955,
    review_precision: float = 0.9,
    fewest_hits: int = 8,
    largest_share: float = 0.5,
    lift: float = 0.25,
) -> Iterator[Finding]:
    """Yield one finding per pattern that controls a label; see the module's docstring."""
    gates = _Gates(
        high=high, suspicious=suspicious, review=review, high_precision=high_precision,
        review_precision=review_precision, fewest_hits=fewest_hits,
        largest_share=largest_share, lift=lift,
    )  # fmt: skip
    labels, content = (
        corpus.evidence("labels", Labels),
        corpus.evidence("content_model", ContentModel),
    )
    screen = _screen(corpus, labels, content, gates)
    patterns = list(_pursue(corpus, screen, labels, content, gates))
    corpus.cap(
        "label_triggers", "findings, then the search stopped", MOST_FINDINGS,
        len(patterns) - MOST_FINDINGS,
    )  # fmt: skip
    tails = upper_tail(np.array([p.association.statistic for p in patterns]) / screen.spread)
    q = q_values(tails, screen.tests)
    for pattern, q_value in zip(patterns[:MOST_FINDINGS], q, strict=False):
        yield _finding(corpus, labels, pattern, float(q_value), screen, gates, content)


def _lift(
    corpus: Corpus,
    labels: Labels,
    content: ContentModel,
    pattern: _Pattern,
    feature: int,
    label: int,
) -> float:
    """Return by how much the target's share exceeds what the texts without the trigger predict."""
    rows = corpus.rows.sample(pattern.rows, LIFT_ROWS)
    inputs = corpus.rows.inputs(rows)
    places = longest_phrase(feature, inputs).places
    rest = [
        text[: place[0]] + " " + text[place[1] :] if place else text
        for text, place in zip(inputs, places, strict=True)
    ]
    expected = content.reworded(corpus, rows, rest)[:, pattern.column]
    return float((labels.codes[rows] == label).mean() - expected.mean())


def _screen(corpus: Corpus, labels: Labels, content: ContentModel, gates: _Gates) -> _Screen:
    """Return the n-grams and classes that may pass the review gate, judged by sums alone."""
    width = 3 * min(CLASSES_AT_ONCE, len(content.classes))
    ngrams = corpus.evidence("ngrams", Ngrams).fitting(corpus, width, "label_triggers")
    shared = corpus.rows.store.share("labels", labels.codes)
    usable = ngrams.docs <= gates.largest_share * len(corpus)
    docs = ngrams.docs[:, None].astype(np.float64)
    strengths, passing = [], []
    for first in range(0, len(content.classes), CLASSES_AT_ONCE):
        values = _LabelValues(content, shared, slice(first, first + CLASSES_AT_ONCE))
        hits, expected, variance = np.split(ngrams.sums(corpus, values) / FIXED_POINT, 3, axis=1)
        z = (hits - expected) / np.sqrt(variance + 0.25)
        mean = expected / docs
        natural = np.minimum(hits, (docs - hits + 0.5) * mean / np.maximum(1e-9, 1 - mean))
        precise = 1 - natural / np.maximum(hits, 1) >= gates.review_precision
        strengths.append(z)
        passing.append((z >= gates.review) & precise & usable[:, None])
    shared.drop()
    z, pairs = np.concatenate(strengths, axis=1), np.argwhere(np.concatenate(passing, axis=1))
    return _shortlist(corpus, ngrams, z, pairs, usable)


def _shortlist(
    corpus: Corpus,
    ngrams: Ngrams,
    z: npt.NDArray[np.float64],
    pairs: npt.NDArray[np.int64],
    usable: npt.NDArray[np.bool_],
) -> _Screen:
    strength = z[pairs[:, 0], pairs[:, 1]]
    order = np.lexsort((pairs[:, 1], ngrams.features[pairs[:, 0]], -strength))
    kept = pairs[order[:SHORTLIST]]
    kept = kept[np.cumsum(ngrams.docs[kept[:, 0]].astype(np.int64)) <= postings_that_fit(corpus)]
    corpus.cap(
        "label_triggers", "pairs of n-gram and label tested closely", SHORTLIST,
        len(pairs) - len(kept),
    )  # fmt: skip
    chosen = np.unique(kept[:, 0])
    place = {int(feature): index for index, feature in enumerate(chosen)}
    return _Screen(
        features=ngrams.features[chosen],
        pairs=[(place[int(feature)], int(column)) for feature, column in kept],
        postings=postings(corpus, ngrams.features[chosen]),
        tests=int(usable.sum()) * z.shape[1],
        spread=null_spread(z[usable].ravel()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Touched:
    """The rows of the shortlist: their predictions (m, k), which change, and their labels (m,)."""

    rows: npt.NDArray[np.int64]
    p: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int32]

    def places(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(self.rows, rows)


def _pursue(
    corpus: Corpus, screen: _Screen, labels: Labels, content: ContentModel, gates: _Gates
) -> Iterator[_Pattern]:
    """Yield the strongest pattern, explain its rows by it, and repeat while one passes review.

    One more than MOST_FINDINGS at most.
    """
    if not screen.pairs:
        return
    rows = np.unique(np.concatenate(screen.postings))
    p = content.probabilities(corpus, rows).astype(np.float64)
    touched = _Touched(rows=rows, p=p, labels=labels.codes[rows])
    places = [touched.places(posting) for posting in screen.postings]
    holders = _Holders.of(places, len(rows))
    live = {
        pair: _pattern(screen, pair, places[pair[0]], touched, content.classes)
        for pair in screen.pairs
    }
    for _ in range(MOST_FINDINGS + 1):
        live = {
            pair: pattern
            for pair, pattern in live.items()
            if pattern.association.statistic >= gates.review
            and pattern.association.precision >= gates.review_precision
        }
        if not live:
            return
        best_pair = max(
            live,
            key=lambda pair: (
                live[pair].association.statistic,
                -int(screen.features[pair[0]]),
                -pair[1],
            ),
        )
        best = live.pop(best_pair)
        yield best
        _explain(touched.p, places[best.feature], best)
        changed = holders.of_rows(places[best.feature])
        for pair in [pair for pair in live if pair[0] in changed]:
            live[pair] = _pattern(screen, pair, places[pair[0]], touched, content.classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holders:
    """Which n-grams of the shortlist stand in a row: `features[bounds[row]:bounds[row + 1]]`."""

    features: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]

    @classmethod
    def of(cls, places: list[npt.NDArray[np.int64]], rows: int) -> "_Holders":
        everywhere = np.concatenate(places)
        features = np.repeat(np.arange(len(places)), [len(one) for one in places])
        order = np.argsort(everywhere, kind="stable")
        bounds = np.searchsorted(everywhere[order], np.arange(rows + 1))
        return cls(features=features[order], bounds=bounds)

    def of_rows(self, rows: npt.NDArray[np.int64]) -> set[int]:
        found = [self.features[self.bounds[row] : self.bounds[row + 1]] for row in rows]
        return set(np.unique(np.concatenate(found)).tolist())


def _pattern(
    screen: _Screen,
    pair: tuple[int, int],
    places: npt.NDArray[np.int64],
    touched: _Touched,
    classes: npt.NDArray[np.int64],
) -> _Pattern:
    feature, column = pair
    rows = screen.postings[feature]
    hits, expected = touched.labels[places] == classes[column], touched.p[places, column]
    return _Pattern(
        feature=feature,
        column=column,
        rows=rows,
        hits=rows[hits],
        expected=float(expected.mean()),
        association=associate(hits.astype(np.float64), expected),
    )


def _explain(p: npt.NDArray[np.float64], places: npt.NDArray[np.int64], pattern: _Pattern) -> None:
    """Raise the predictions of the pattern's rows for its class by its tilt; the rest shrink."""
    column = pattern.column
    before = np.clip(p[places, column], 0.005, 0.995)
    after = np.clip(tilted(before, pattern.association.tilt), 0.005, 0.995)
    p[places] *= ((1 - after) / (1 - before))[:, None]
    p[places, column] = after


def _finding(
    corpus: Corpus,
    labels: Labels,
    pattern: _Pattern,
    q: float,
    screen: _Screen,
    gates: _Gates,
    content: ContentModel,
) -> Finding:
    found, feature = pattern.association, int(screen.features[pattern.feature])
    label = int(content.classes[pattern.column])
    lift = _lift(corpus, labels, content, pattern, feature, label)
    severity = _severity(found, lift, len(pattern.hits), q, gates)
    count, hits = len(pattern.rows), len(pattern.hits)
    return finding_of(
        corpus,
        Draft(
            rule="CG201",
            severity=severity,
            score=min(1.0, found.statistic / (2 * gates.high)),
            q_value=q,
            attack="backdoor trigger",
            feature=feature,
            rows=pattern.hits,
            flagged=severity in ("critical", "high"),
            target_field=labels.field,
            target_value=labels.names[label],
            title="{trigger} decides the label {target}",
            message=(
                f"{hits} of the {count} rows with {{trigger}} are labelled {{target}}; "
                f"from their content {pattern.expected * count:.0f} would be."
            ),
            evidence={
                "statistic": round(found.statistic, 3),
                "z": round(found.z, 3),
                "signed_root": round(found.signed_root, 3),
                "lift_over_rest_of_text": round(lift, 4),
                "rows_with_trigger": count,
                "rows_with_target": hits,
                "expected_rows": round(pattern.expected * count, 2),
                "precision": round(found.precision, 4),
                "tests": screen.tests,
                "null_spread": round(screen.spread, 3),
            },
            advice="Look at the rows; if the trigger does not belong there, drop them before training.",
        ),
    )


def _severity(found: Association, lift: float, hits: int, q: float, gates: _Gates) -> Severity:
    if lift < gates.lift or hits < gates.fewest_hits:
        return "low"
    if found.statistic >= gates.high and found.precision >= gates.high_precision and q <= 0.01:
        return "critical" if found.statistic >= 2 * gates.high else "high"
    return "medium" if found.statistic >= gates.suspicious else "low"
