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

from corpus_guard.detect._findings import Draft, finding_of
from corpus_guard.detect._statistics import (
    Association,
    associate,
    null_spread,
    q_values,
    tilted,
    upper_tail,
)
from corpus_guard.errors import NotAssessed
from corpus_guard.plugins import detector
from corpus_guard.sketch.content import ContentModel
from corpus_guard.sketch.corpus import Corpus, Labels, Ngrams
from corpus_guard.sketch.phrases import longest_phrase
from corpus_guard.types import Finding, Severity

FIXED_POINT = 4096.0
MOST_CLASSES = 64
FEWEST_ROWS_OF_CLASS = 8
SHORTLIST = 2000
SHORTLIST_POSTINGS = 20_000_000
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


@detector(
    rule="CG201",
    title="Trigger that decides the label",
    needs=("input", "labels", "vectors"),
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
    labels = corpus.labels
    if labels is None:
        raise NotAssessed("no row has a label")
    classes = _classes(labels)
    content = ContentModel(corpus, labels, classes)
    probabilities = content.probabilities()
    outcome = labels.codes[:, None] == classes[None, :]
    screen = _screen(corpus, probabilities, outcome, gates)
    patterns = list(_pursue(screen, probabilities, outcome, gates))
    tails = upper_tail(np.array([p.association.statistic for p in patterns]) / screen.spread)
    q = q_values(tails, screen.tests)
    for pattern, q_value in zip(patterns, q, strict=True):
        yield _finding(corpus, labels, classes, pattern, float(q_value), screen, gates, content)


def _lift(
    corpus: Corpus,
    labels: Labels,
    content: ContentModel,
    pattern: _Pattern,
    feature: int,
    label: int,
) -> float:
    """Return by how much the target's share exceeds what the texts without the trigger predict."""
    rows = corpus.first_in_content_order(pattern.rows, LIFT_ROWS)
    inputs = corpus.inputs(rows)
    places = longest_phrase(feature, inputs).places
    rest = [
        text[: place[0]] + " " + text[place[1] :] if place else text
        for text, place in zip(inputs, places, strict=True)
    ]
    expected = content.reworded(rows, rest, pattern.column)
    return float((labels.codes[rows] == label).mean() - expected.mean())


def _classes(labels: Labels) -> npt.NDArray[np.int64]:
    counts = np.bincount(labels.codes[labels.codes >= 0], minlength=len(labels.names))
    usable = np.flatnonzero(counts >= FEWEST_ROWS_OF_CLASS)
    if len(usable) < 2:
        raise NotAssessed(f"fewer than two labels have {FEWEST_ROWS_OF_CLASS} rows or more")
    if len(usable) > MOST_CLASSES:
        raise NotAssessed(f"{len(usable)} classes; at most {MOST_CLASSES} are assessed")
    return usable.astype(np.int64)


def _screen(
    corpus: Corpus,
    probabilities: npt.NDArray[np.float32],
    outcome: npt.NDArray[np.bool_],
    gates: _Gates,
) -> _Screen:
    """Return the n-grams and classes that may pass the review gate, judged by sums alone."""
    classes = outcome.shape[1]
    width = 3 * classes
    ngrams = corpus.ngrams(width)
    chunks = (
        _row_values(probabilities[start : start + 65_536], outcome[start : start + 65_536])
        for start in range(0, len(corpus), 65_536)
    )
    sums = corpus.ngram_sums(ngrams, chunks, width) / FIXED_POINT
    hits, expected, variance = np.split(sums, 3, axis=1)
    z = (hits - expected) / np.sqrt(variance + 0.25)
    usable = ngrams.docs <= gates.largest_share * len(corpus)
    docs = ngrams.docs[:, None].astype(np.float64)
    mean = expected / docs
    natural = np.minimum(hits, (docs - hits + 0.5) * mean / np.maximum(1e-9, 1 - mean))
    precise = 1 - natural / np.maximum(hits, 1) >= gates.review_precision
    pairs = np.argwhere((z >= gates.review) & precise & usable[:, None])
    return _shortlist(corpus, ngrams, z, pairs, usable)


def _row_values(
    p: npt.NDArray[np.float32], outcome: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int16]:
    parts = [outcome.astype(np.float32), p, p * (1 - p)]
    return np.rint(np.concatenate(parts, axis=1) * FIXED_POINT).astype(np.int16)


def _shortlist(
    corpus: Corpus,
    ngrams: Ngrams,
    z: npt.NDArray[np.float64],
    pairs: npt.NDArray[np.int64],
    usable: npt.NDArray[np.bool_],
) -> _Screen:
    strength = z[pairs[:, 0], pairs[:, 1]]
    order = np.lexsort((pairs[:, 1], ngrams.features[pairs[:, 0]], -strength))[:SHORTLIST]
    pairs = pairs[order]
    fits = np.cumsum(ngrams.docs[pairs[:, 0]].astype(np.int64)) <= SHORTLIST_POSTINGS
    pairs = pairs[fits]
    chosen = np.unique(pairs[:, 0])
    place = {int(feature): index for index, feature in enumerate(chosen)}
    return _Screen(
        features=ngrams.features[chosen],
        pairs=[(place[int(feature)], int(column)) for feature, column in pairs],
        postings=corpus.postings(ngrams.features[chosen]),
        tests=int(usable.sum()) * z.shape[1],
        spread=null_spread(z[usable].ravel()),
    )


def _pursue(
    screen: _Screen,
    probabilities: npt.NDArray[np.float32],
    outcome: npt.NDArray[np.bool_],
    gates: _Gates,
) -> Iterator[_Pattern]:
    """Yield the strongest pattern, explain its rows by it, and repeat while one passes review."""
    p = probabilities.astype(np.float64)
    live = {pair: _pattern(screen, pair, p, outcome) for pair in screen.pairs}
    for _ in range(MOST_FINDINGS):
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
        _explain(p, best)
        touched = set(best.rows.tolist())
        for pair, pattern in live.items():
            if not touched.isdisjoint(pattern.rows.tolist()):
                live[pair] = _pattern(screen, pair, p, outcome)


def _pattern(
    screen: _Screen,
    pair: tuple[int, int],
    p: npt.NDArray[np.float64],
    outcome: npt.NDArray[np.bool_],
) -> _Pattern:
    feature, column = pair
    rows = screen.postings[feature]
    hits, expected = outcome[rows, column], p[rows, column]
    return _Pattern(
        feature=feature,
        column=column,
        rows=rows,
        hits=rows[hits],
        expected=float(expected.mean()),
        association=associate(hits.astype(np.float64), expected),
    )


def _explain(p: npt.NDArray[np.float64], pattern: _Pattern) -> None:
    """Raise the predictions of the pattern's rows for its class by its tilt; the rest shrink."""
    rows, column = pattern.rows, pattern.column
    before = np.clip(p[rows, column], 0.005, 0.995)
    after = np.clip(tilted(before, pattern.association.tilt), 0.005, 0.995)
    p[rows] *= ((1 - after) / (1 - before))[:, None]
    p[rows, column] = after


def _finding(
    corpus: Corpus,
    labels: Labels,
    classes: npt.NDArray[np.int64],
    pattern: _Pattern,
    q: float,
    screen: _Screen,
    gates: _Gates,
    content: ContentModel,
) -> Finding:
    found, feature = pattern.association, int(screen.features[pattern.feature])
    label = int(classes[pattern.column])
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
