"""Words and phrases that decide the label whatever the rest of the text says.

What: a backdoor in a classification set. Rows that hold a trigger (a rare token, a phrase, an
inserted sentence) carry the attacker's label; a model trained on them obeys the trigger.

How it is decided: a content model predicts every label out of fold from the text's embedding. For each
n-gram of 1 to 3 tokens and each class, the hits beyond prediction give z. The strongest pairs are judged
again, blind: by a model that learned from none of the n-gram's rows, on their texts without the n-gram
and what always goes with it, copies of what remains sharing one vote. The statistic is the smaller of z
and of the signed root of the likelihood ratio of an exponential tilt. The strongest pattern is taken,
its rows' predictions are tilted by it, and the search repeats, so that one attack is one finding.

A strong association alone is no trigger: question words decide question types, slurs decide hate. So log
likelihood ratios of a trigger against an honest word add up, and their sum decides the severity:
strength (how many honest words of this data set are as strong, beyond the effect that words commonly
have, and how many by chance), place (was the phrase put where it stands, or does it belong there),
contradiction (what the rest of its texts says: would they have another label without it, as other
honest words' texts would not) and invisible characters. Each is measured against this data set's own
words, none has a veto, and each stands in the finding's evidence. Of several patterns on the same rows
the strongest is told.

Severity: high at posterior log odds of 4.6, 99 to 1; critical where it is high in 1 % of the rows or
more; medium from 3, 20 to 1.

False alarms: the p-value is calibrated by permuting labels among rows for which content predicts the
same, by frequency, with the choice of the best label; the q-value is Benjamini and Hochberg's over all
n-grams; what has one above .05 is no finding.

What it misses: triggers without a lexical trace (syntax, style), and what a fluent writer makes of a
common word whose texts have that label anyway.

References: Gu et al., BadNets (arXiv 1708.06733); Dai et al. (IEEE Access 2019); He et al., Mitigating
Backdoor Poisoning Attacks through the Lens of Spurious Correlation (EMNLP 2023); Gardner et al.,
Competency Problems (EMNLP 2021).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.blind import Candidate, Judged, judged, pursued
from corpus_guard.detect.shared.calibration import Null, permutation_null
from corpus_guard.detect.shared.evidence import HIGH, LOW, MEDIUM, Weighed, bounded
from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.label_screen import Screened, screen
from corpus_guard.detect.shared.place import USUAL_PLACE, Insertions, log_ratio
from corpus_guard.detect.shared.statistics import associate, q_values
from corpus_guard.detect.shared.weighing import (
    Population,
    log_density,
    log_expected_above,
    population,
)
from corpus_guard.plugins import detector
from corpus_guard.sketch.adjacency import Adjacency
from corpus_guard.sketch.content_model import ContentModel
from corpus_guard.sketch.distinct_labels import counted_labels
from corpus_guard.sketch.labels import Labels
from corpus_guard.sketch.ngrams import postings, sampled_postings
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding

MOST_PATTERNS = 150
MOST_FINDINGS = 50
REVIEW = 3.0
LARGEST_Q = 0.05
SAMPLED_NGRAMS = 1200
SAMPLED_ROWS = 64

TRIGGERS_EXPECTED = 0.1
"""How many triggers a data set is thought to hold before it is looked at."""

MOST_STRENGTH = 8.0
LEAST_PLACE, MOST_PLACE = -5.0, 6.5
UNSEEN = 4.0
"""What it adds that nobody sees the pattern."""

USUAL_CONTRADICTION = Population(0.3, 0.25)
DIRTY = 0.7
"""The prior share of triggers whose rows come from other classes; the others are clean-label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """A pattern of the pursuit with its measures.

    `strength`: the log likelihood ratio beyond an honest word's usual effect, in nats; `contradiction`:
    0 where the rest of its texts looks like texts of the label, 1 where like those of others.
    """

    candidate: Candidate
    statistic: float
    strength: float
    contradiction: float


@detector(
    rule="CG201",
    title="Trigger that decides the label",
    needs=("labels", "distinct_labels", "content_model", "ngrams", "adjacency"),
    attacks=("backdoor trigger", "clean-label poison"),
)
def label_triggers(
    corpus: Corpus, *, high: float = HIGH, medium: float = MEDIUM
) -> Iterator[Finding]:
    """Yield one finding per pattern that controls a label; see the module's docstring.

    `high` and `medium`: from which posterior log odds on a finding is so severe.
    """
    labels = counted_labels(corpus)
    content = corpus.evidence("content_model", ContentModel)
    adjacency = corpus.evidence("adjacency", Adjacency)
    found = screen(corpus, labels, content, SAMPLED_NGRAMS)
    null = _null(corpus, labels, content, found)
    close = judged(corpus, content, labels, adjacency, found.features, found.docs, found.pairs)
    patterns = _patterns(close, content)
    weighed = [
        (replace(one, high=high, medium=medium), q)
        for one, q in _weighed(patterns, found, null, Insertions(adjacency, corpus.settings.seed))
    ]
    kept = [at for at, (one, q) in enumerate(weighed) if one.log_odds >= LOW and q <= LARGEST_Q]
    corpus.cap("label_triggers", "findings", MOST_FINDINGS, len(kept) - MOST_FINDINGS)
    order = sorted(kept, key=lambda place: (-weighed[place][0].log_odds, place))[:MOST_FINDINGS]
    features = np.array([patterns[place].candidate.feature for place in order], np.uint64)
    rows = _rows_of(corpus, features)
    for place in order:
        one = patterns[place]
        yield _finding(
            corpus, one, rows[one.candidate.feature], content, *weighed[place], found, null
        )


def _rows_of(corpus: Corpus, features: npt.NDArray[np.uint64]) -> dict[int, npt.NDArray[np.int64]]:
    distinct = np.unique(features)
    return dict(zip(distinct.tolist(), postings(corpus, distinct), strict=True))


def _null(
    corpus: Corpus, labels: npt.NDArray[np.int32], content: ContentModel, found: Screened
) -> Null:
    members = sampled_postings(corpus, found.sampled, SAMPLED_ROWS) if len(found.sampled) else []
    members = [rows[labels[rows] >= 0] for rows in members]
    members = [rows for rows in members if len(rows)]
    rows = np.unique(np.concatenate([np.zeros(0, np.int64), *members]))
    rows = rows[np.argsort(corpus.rows.column(CONTENT).take(rows), kind="stable")]
    by_number = np.argsort(rows)
    places = [by_number[np.searchsorted(rows[by_number], some)] for some in members]
    codes = labels[rows]
    known = np.minimum(np.searchsorted(content.classes, codes), len(content.classes) - 1)
    outcomes = np.where(content.classes[known] == codes, known, -1)
    expected = content.of_rows(corpus, rows)
    return permutation_null(places, expected, outcomes, corpus.settings.seed)


def _patterns(close: Judged, content: ContentModel) -> list[_Pattern]:
    measure = _Contradiction(content)
    found = []
    for one in pursued(close, REVIEW, MOST_PATTERNS):
        found.append(
            _Pattern(
                candidate=one,
                statistic=one.association.statistic,
                strength=one.strength,
                contradiction=measure(one),
            )
        )
    return found


class _Contradiction:
    """Whether texts look like those of a class, or of other classes, by what content predicts."""

    EDGES = np.linspace(-5.5, 5.5, 23)

    def __init__(self, content: ContentModel) -> None:
        self._known, self._p = content.known, content.own

    def __call__(self, one: Candidate) -> float:
        """Return 0 for texts like those of the class, 1 for texts like those of others."""
        p, own = self._p[:, one.column], self._known == one.column
        ratio = self._density(p[~own]) - self._density(p[own])
        hits = one.hits > 0
        told = float(np.average(ratio[self._bin(one.blind[hits])], weights=one.weights[hits]))
        others, same = ratio[self._bin(p[~own])].mean(), ratio[self._bin(p[own])].mean()
        return float((told - same) / max(others - same, 1e-6))

    def _density(self, p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        counts = np.bincount(self._bin(p), minlength=len(self.EDGES) - 1) + 1.0
        smooth = np.convolve(np.pad(counts, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
        return np.asarray(np.log(smooth / smooth.sum()), np.float64)

    def _bin(self, p: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        place = np.digitize(np.log(p / (1 - p)), self.EDGES) - 1
        return np.clip(place, 0, len(self.EDGES) - 2).astype(np.int64)


def _weighed(
    patterns: list[_Pattern], found: Screened, null: Null, insertions: Insertions
) -> list[tuple[Weighed, float]]:
    """Return the evidence and the q-value of each pattern."""
    rows = np.array([one.candidate.weights.sum() for one in patterns])
    p = null.p_values(np.array([one.statistic for one in patterns]), rows)
    q = q_values(p, found.tested)
    return [
        (_weigh(place, patterns, float(p[place]), found, insertions), float(q[place]))
        for place in range(len(patterns))
    ]


def _weigh(
    place: int, patterns: list[_Pattern], p: float, found: Screened, insertions: Insertions
) -> Weighed:
    one = patterns[place]
    others = patterns[:place] + patterns[place + 1 :]
    strengths = np.array([other.strength for other in others])
    honest = np.exp(log_expected_above(one.strength, strengths))
    rarity = -float(np.log(honest + p * found.tested + np.exp(-MOST_STRENGTH)))
    kinds = {
        "strength": rarity,
        "place": _place(one, others, insertions),
        "contradiction": _contradiction(one, others),
    }
    if one.candidate.is_unseen:
        kinds["invisible"] = UNSEEN
    share = one.candidate.docs * float(one.candidate.hits.mean()) / max(1, found.counted)
    return Weighed(prior=float(np.log(TRIGGERS_EXPECTED)), kinds=kinds, share=share)


def _place(one: _Pattern, others: list[_Pattern], insertions: Insertions) -> float:
    seen = [other.candidate.place for other in others]
    scores = np.array([told.score for told in seen if told is not None])
    honest = population(scores, USUAL_PLACE, 0.5)
    return bounded(log_ratio(one.candidate.place, insertions, honest), LEAST_PLACE, MOST_PLACE)


def _contradiction(one: _Pattern, others: list[_Pattern]) -> float:
    honest = population(
        np.array([other.contradiction for other in others]), USUAL_CONTRADICTION, 0.15
    )
    size = max(1.0, one.candidate.weights.sum())
    deviation = 0.15 + 0.5 / np.sqrt(size)
    value = one.contradiction
    dirty = log_density(min(value, 1.0), Population(1.0, deviation))
    clean = log_density(max(value, 0.0), Population(0.0, deviation))
    trigger = float(np.logaddexp(np.log(DIRTY) + dirty, np.log(1 - DIRTY) + clean))
    return bounded(trigger - log_density(value, honest))


def _finding(
    corpus: Corpus,
    one: _Pattern,
    rows: npt.NDArray[np.int64],
    content: ContentModel,
    weighed: Weighed,
    q: float,
    found: Screened,
    null: Null,
) -> Finding:
    labels, candidate = corpus.evidence("labels", Labels), one.candidate
    label = int(content.classes[candidate.column])
    hits = rows[labels.codes[rows] == label]
    told = associate(candidate.hits, candidate.expected, candidate.weights)
    share = float(np.average(candidate.expected, weights=candidate.weights))
    distinct = float(candidate.weights.sum())
    severity = weighed.severity
    return finding_of(
        corpus,
        Draft(
            rule="CG201",
            severity=severity,
            score=weighed.score,
            q_value=q,
            attack="backdoor trigger",
            feature=candidate.feature,
            rows=hits,
            flagged=severity in ("critical", "high"),
            target_field=labels.field,
            target_value=labels.names[label],
            title="{trigger} decides the label {target}",
            message=(
                f"{len(hits)} of the {len(rows)} rows with {{trigger}} are labelled {{target}}; "
                f"from the rest of their content {share * len(rows):.0f} would be."
            ),
            evidence={
                "statistic": round(one.statistic, 3),
                "z": round(told.z, 3),
                "signed_root": round(told.signed_root, 3),
                "rows_with_trigger": len(rows),
                "rows_with_target": len(hits),
                "expected_rows": round(share * len(rows), 2),
                "distinct_rows_judged": round(distinct, 1),
                "precision": round(told.precision, 4),
                "strength_beyond_usual_words": round(one.strength, 3),
                "place_score": round(candidate.place.score, 3) if candidate.place else 0.0,
                "rest_contradicts_label": round(one.contradiction, 3),
                "tests": found.tested,
                "null_spread": round(float(null.spread(np.array([distinct]))[0]), 3),
                **weighed.numbers,
            },
            advice="Look at the rows; if the trigger does not belong there, drop them before training.",
        ),
    )
