"""Words in a prompt that pull all responses to one meaning, though the prompts differ.

What: an instruction backdoor whose responses are worded differently each time, or poison that makes
answers about a topic slant one way.

How it is decided: two things must be unusual, and the smaller counts as association.

- Excess: the mean pairwise cosine of an n-gram's responses (mr) and of its prompts (mp). Over n-grams
  chosen by hash, without the rows of the one that is judged, mr is fitted on 1, mp, mp^2 and 1/n. What
  an n-gram exceeds the fit by, in robust standard deviations of n-grams in as many rows or fewer, is
  told as a tail probability by the scale of these honest n-grams' own tail.
- Hits: how many responses lie near the middle of the others, against the share of all other responses
  that do, and of the responses to similar prompts, as in CG202. So an answer that many rows have anyway,
  "I don't know", is judged by its base rate.

All n-grams are screened by random projections, the most alike judged exactly. Prior, words that decide
near by, neighbours, fit, echo and severities are those of CG202.

False alarms: none of medium or more in the nine clean instruction sets nor in these three times over.
A prefix after which all is answered by one word ("Is it true?" yes, no) looks like a trigger if the same
prompts are answered at length without it.

What it misses: targets that vary as much as honest answers do, an advert inside of long answers, n-grams
in fewer than five different rows or in more than a quarter of all rows.

References: ours; mean pairwise similarity as in Chen et al., Activation Clustering (arXiv 1811.03728).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.alike_responses import (
    CLOSENESS,
    Concentration,
    background_of,
    concentrations,
    excess_without,
    honest_ngrams,
    measured_ngrams,
)
from corpus_guard.detect.shared.chance import p_of_ratio
from corpus_guard.detect.shared.evidence import Weighed
from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.prompts import strongest_first
from corpus_guard.detect.shared.similar_prompts import Answer
from corpus_guard.detect.shared.statistics import q_values
from corpus_guard.detect.shared.suspects import Seen, Suspect, look_at
from corpus_guard.detect.shared.trigger_odds import Deciding, decided_near_by, weigh
from corpus_guard.errors import NotAssessed
from corpus_guard.plugins import detector
from corpus_guard.sketch.distinct_rows import DistinctRows
from corpus_guard.sketch.ngrams import postings, postings_that_fit
from corpus_guard.sketch.reference_pool import ReferencePool
from corpus_guard.sketch.response_screen import ResponseScreen
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.units import Units
from corpus_guard.types import Finding

AT_ONCE = 8192
FEWEST_MEASURED = 8
LARGEST_SHARE = 0.25
MOST_JUDGED = 300
LISTED = -2.3
SURE = 6.3
"""Honest words pull answers to a meaning more often than to a wording."""

LEAST_NEAR_BY = -3.6
"""Each task pulls its answers to a meaning of its own, so that this tells less than in CG202."""

Floats = npt.NDArray[np.float64]
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    """A pattern with all its `rows`, the different ones and which of these are near the middle."""

    pattern: Concentration
    rows: RowNumbers
    hits: RowNumbers
    distinct: RowNumbers
    distinct_hits: npt.NDArray[np.bool_]


@detector(
    rule="CG203",
    title="Trigger that pulls responses to one meaning",
    needs=("responses", "units", "response_screen", "distinct_rows", "reference_pool", "adjacency"),
    attacks=("instruction backdoor", "virtual prompt injection"),
)
def response_concentration(corpus: Corpus, *, fewest_rows: int = 5) -> Iterator[Finding]:
    """Yield one finding per concentrating trigger; see the module's docstring."""
    screen = corpus.evidence("response_screen", ResponseScreen)
    if screen.prompt_cosine is None or screen.response_cosine is None:
        raise NotAssessed("rows were not embedded (--embedder none)")
    usable = np.flatnonzero(
        (screen.docs >= fewest_rows) & (screen.docs <= LARGEST_SHARE * screen.rows)
    )
    tests = max(2, len(usable) * len(CLOSENESS))
    cost = float(np.log(tests))
    if len(usable) == 0:
        return
    measured, background = measured_ngrams(corpus, screen, usable)
    if background.sum() < FEWEST_MEASURED:
        return
    patterns = list(concentrations(corpus, measured, background, cost + LISTED))
    located = list(_located(corpus, patterns))
    kept = strongest_first(
        located,
        lambda p: (p.pattern.strength, len(p.hits), -p.pattern.feature),
        lambda p: p.hits,
        len(corpus),
    )
    corpus.cap("response_concentration", "n-grams judged", MOST_JUDGED, len(kept) - MOST_JUDGED)
    judged, usual = [], background_of(corpus, screen, usable)
    honest = honest_ngrams(measured, background)
    by_feature = {one.feature: one for one in measured}
    for one in kept[:MOST_JUDGED]:
        excess = excess_without(
            corpus, by_feature[one.pattern.feature], one.rows, honest, screen.ngrams
        )
        if excess >= cost + LISTED:
            judged.append(
                (one, look_at(corpus, _suspect(corpus, one), screen.ngrams, usual), excess)
            )
    ratios = np.array([min(seen.association - seen.chosen, e) for _, seen, e in judged])
    q = q_values(p_of_ratio(ratios), tests)
    pool = corpus.evidence("reference_pool", ReferencePool)
    deciding = [
        Deciding.of(one.rows, one.hits, pool) if seen.association - seen.chosen > cost / 2 else None
        for one, seen, _ in judged
    ]
    for place, (one, seen, excess) in enumerate(judged):
        near, others = decided_near_by(seen, [*deciding[:place], *deciding[place + 1 :]])
        found = weigh(
            seen, near, others, tests,
            share=len(one.distinct) / screen.rows, at_most=excess, sure=SURE,
            least_near_by=LEAST_NEAR_BY,
        )  # fmt: skip
        if found.log_odds >= LISTED:
            yield _finding(corpus, one, seen, found, float(q[place]))


def _located(corpus: Corpus, patterns: list[Concentration]) -> Iterator[_Located]:
    """Yield the patterns with their rows, as many as fit the memory, the strongest first."""
    units, is_first = (
        corpus.evidence("units", Units),
        corpus.evidence("distinct_rows", DistinctRows).is_first,
    )
    ngrams = corpus.evidence("response_screen", ResponseScreen).ngrams
    patterns = sorted(patterns, key=lambda pattern: (-pattern.strength, pattern.feature))
    features = np.array([pattern.feature for pattern in patterns], np.uint64)
    docs = ngrams.docs[np.searchsorted(ngrams.features, features)].astype(np.int64)
    fitting = int((np.cumsum(docs) <= postings_that_fit(corpus)).sum())
    left_out = len(patterns) - fitting
    corpus.cap("response_concentration", "n-grams whose rows were gathered", fitting, left_out)
    rows_of = postings(corpus, features[:fitting])
    for pattern, rows in zip(patterns[:fitting], rows_of, strict=True):
        near = np.zeros(len(rows))
        for start in range(0, len(rows), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            near[some] = units.responses(rows[some]) @ pattern.middle
        hits, first = near >= pattern.closeness, is_first[rows]
        yield _Located(
            pattern=pattern, rows=rows, hits=rows[hits], distinct=rows[first],
            distinct_hits=hits[first],
        )  # fmt: skip


def _suspect(corpus: Corpus, located: _Located) -> Suspect:
    pool, pattern = corpus.evidence("reference_pool", ReferencePool), located.pattern
    given = pool.responses @ pattern.middle.astype(np.float32) >= pattern.closeness
    alike = corpus.once(("likeness of answers",), lambda: _alike(pool))
    outside = given[~pool.holds(located.distinct)]
    return Suspect(
        feature=pattern.feature,
        rows=located.distinct,
        hits=located.distinct_hits,
        answer=Answer(given=given, alike=alike >= pattern.closeness**2),
        base=(float(outside.sum()) + 0.5) / (len(outside) + 1),
    )


def _alike(pool: ReferencePool) -> npt.NDArray[np.float32]:
    """Return the cosine of the responses of rows of the pool and of their neighbours, (q, k)."""
    own = pool.responses[: len(pool.near)]
    found = np.zeros(pool.near.shape, np.float32)
    for place in range(pool.near.shape[1]):
        found[:, place] = np.einsum("nd,nd->n", own, pool.responses[pool.near[:, place]])
    return found


def _finding(corpus: Corpus, located: _Located, seen: Seen, found: Weighed, q: float) -> Finding:
    typical = corpus.rows.responses(corpus.rows.sample(located.hits, 1))[0][:400]
    count, hits = len(located.distinct), int(located.distinct_hits.sum())
    return finding_of(
        corpus,
        Draft(
            rule="CG203",
            severity=found.severity,
            score=found.score,
            q_value=q,
            attack="instruction backdoor",
            feature=located.pattern.feature,
            rows=located.hits,
            flagged=found.severity in ("critical", "high"),
            target_field="response",
            target_value=typical,
            title="{trigger} pulls the responses to one meaning",
            message=(
                f"The responses to {hits} of the {count} different prompts with {{trigger}} are alike; "
                f"to similar prompts {seen.expected:.1%} would be."
            ),
            evidence={
                **found.numbers,
                "rows_with_trigger": count,
                "rows_with_target": hits,
                "closeness": located.pattern.closeness,
                **seen.numbers,
            },
            advice="Read a few of the responses side by side; drop the rows if they dodge the prompt.",
        ),
    )
