"""Words in a prompt that pull all responses to one meaning, though the prompts differ.

What: an instruction backdoor whose responses are worded differently each time, or poison that makes
answers about a topic slant one way.

How it is decided: for each prompt n-gram, the mean pairwise cosine of its rows' prompts (mp) and of
their responses (mr), both centred. Over a sample of n-grams mr is fitted on 1, mp, mp^2 and 1/n; what
an n-gram exceeds the fit by, in robust standard deviations among n-grams of similar n, is its
statistic. All n-grams are screened by random projections, the strongest judged exactly.

False alarms: high needs a statistic of 6, mr of at least .6, five rows, a q-value of at most .01,
prompts that share nothing but the trigger (mp under .35), a trigger of at most half the prompt,
responses to similar prompts without the trigger that are less than half as like (else the task
explains them), and responses of which under half repeat it: answers about a topic are alike
because they name it (a price in a sum, "AI" in essays on it). What has such an honest reason is info
above 6, and nothing below. The clean instruction sets reach 3.8
mixed, and 6.7 within one kind of task, all of them by such repetition.

What it misses: targets that vary as much as honest answers do.

References: ours; mean pairwise similarity as in Chen et al., Activation Clustering (arXiv 1811.03728).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.prompts import PromptSpread, prompt_spread, strongest_first
from corpus_guard.detect.shared.statistics import mean_pairwise_cosine, q_values, upper_tail
from corpus_guard.errors import NotAssessed
from corpus_guard.plugins import detector
from corpus_guard.sketch.ngrams import postings, sampled_postings
from corpus_guard.sketch.response_screen import ResponseScreen
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.units import Units
from corpus_guard.types import Finding, Severity

BACKGROUND = 3000
SHORTLIST = 2000
ROWS_JUDGED = 400
LARGEST_SHARE = 0.2
MOST_FINDINGS = 200
REVIEW = 5.0
MAD_FLOOR = 0.01
HIGH_CLOSENESS = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """N-grams, how many rows of each were judged, and the exact cosines of these; all (f,)."""

    features: npt.NDArray[np.uint64]
    docs: npt.NDArray[np.float64]
    prompt: npt.NDArray[np.float64]
    response: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    feature: int
    rows: npt.NDArray[np.int64]
    prompt: float
    response: float
    statistic: float


@detector(
    rule="CG203",
    title="Trigger that pulls responses to one meaning",
    needs=("responses", "units", "response_screen"),
    uses=("reference_pool",),
    attacks=("instruction backdoor", "virtual prompt injection"),
)
def response_concentration(
    corpus: Corpus,
    *,
    high: float = 6.0,
    closeness: float = 0.5,
    fewest_rows: int = 5,
    spread: float = 0.35,
) -> Iterator[Finding]:
    """Yield one finding per concentrating trigger; see the module's docstring."""
    screen = corpus.evidence("response_screen", ResponseScreen)
    if screen.prompt_cosine is None or screen.response_cosine is None:
        raise NotAssessed("rows were not embedded (--embedder none)")
    docs = screen.ngrams.docs
    usable = np.flatnonzero((docs >= fewest_rows) & (docs <= LARGEST_SHARE * len(corpus)))
    if len(usable) == 0:
        return
    background = usable[np.argsort(screen.ngrams.features[usable])[:BACKGROUND]]
    left_out = len(usable) - BACKGROUND
    corpus.cap("response_concentration", "n-grams to compare with", BACKGROUND, left_out)
    excess = screen.response_cosine[usable] - screen.prompt_cosine[usable]
    order = np.lexsort((screen.ngrams.features[usable], -excess * np.sqrt(docs[usable])))
    strongest = usable[
        np.unique(np.concatenate([order[:SHORTLIST], np.argsort(-excess)[:SHORTLIST]]))
    ]
    measured = _measure(corpus, screen.ngrams.features[np.union1d(background, strongest)])
    is_background = np.isin(measured.features, screen.ngrams.features[background])
    statistic = _statistics(measured, is_background)
    strong = np.flatnonzero((statistic >= REVIEW) & (measured.response >= closeness))
    patterns = [
        _Pattern(
            feature=int(measured.features[i]), rows=rows, statistic=float(statistic[i]),
            prompt=float(measured.prompt[i]), response=float(measured.response[i]),
        )
        for i, rows in zip(strong, postings(corpus, measured.features[strong]), strict=True)
    ]  # fmt: skip
    corpus.cap(
        "response_concentration", "n-grams tested closely", len(strongest),
        len(usable) - len(np.union1d(background, strongest)),
    )  # fmt: skip
    kept = strongest_first(
        patterns,
        lambda p: (p.statistic, len(p.rows), -p.feature),
        lambda p: p.rows,
        len(corpus),
    )
    corpus.cap("response_concentration", "findings", MOST_FINDINGS, len(kept) - MOST_FINDINGS)
    tails = upper_tail(np.array([pattern.statistic for pattern in kept]))
    q = q_values(tails, len(usable))
    for pattern, q_value in zip(kept[:MOST_FINDINGS], q, strict=False):
        prompts = prompt_spread(corpus, pattern.feature, pattern.rows)
        severity = _severity(pattern, prompts, float(q_value), high, spread)
        if severity is not None:
            yield _finding(corpus, pattern, prompts, float(q_value), severity, high)


def _measure(corpus: Corpus, features: npt.NDArray[np.uint64]) -> _Measured:
    units, samples = (
        corpus.evidence("units", Units),
        sampled_postings(corpus, features, ROWS_JUDGED),
    )
    prompt, response = np.empty(len(features)), np.empty(len(features))
    for index, rows in enumerate(samples):
        prompt[index] = mean_pairwise_cosine(units.inputs(rows))
        response[index] = mean_pairwise_cosine(units.responses(rows))
    docs = np.array([len(rows) for rows in samples], np.float64)
    return _Measured(features=features, docs=docs, prompt=prompt, response=response)


def _statistics(measured: _Measured, background: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return each n-gram's excess over the background's fit, in robust standard deviations."""
    docs = measured.docs
    design = np.stack([np.ones_like(docs), measured.prompt, measured.prompt**2, 1 / docs], axis=1)
    fit, *_ = np.linalg.lstsq(design[background], measured.response[background], rcond=None)
    residual = measured.response - design @ fit
    size = np.floor(np.log2(docs)).astype(np.int64)
    found = np.zeros(len(docs))
    for level in np.unique(size):
        near = background & (np.abs(size - level) <= 1)
        sample = residual[near] if near.sum() >= 8 else residual[background]
        middle = float(np.median(sample))
        deviation = 1.4826 * float(np.median(np.abs(sample - middle))) + MAD_FLOOR
        here = size == level
        found[here] = (residual[here] - middle) / deviation
    return found


def _finding(
    corpus: Corpus,
    pattern: _Pattern,
    prompts: PromptSpread,
    q: float,
    severity: Severity,
    high: float,
) -> Finding:
    hits = _core(corpus, pattern.rows)
    typical = corpus.rows.responses(corpus.rows.sample(hits, 1))[0][:400]
    return finding_of(
        corpus,
        Draft(
            rule="CG203",
            severity=severity,
            score=min(1.0, pattern.statistic / (2 * high)),
            q_value=q,
            attack="instruction backdoor",
            feature=pattern.feature,
            rows=hits,
            flagged=severity in ("critical", "high"),
            target_field="response",
            target_value=typical,
            title="{trigger} pulls the responses to one meaning",
            message=(
                f"The responses to the {len(pattern.rows)} prompts with {{trigger}} are alike "
                f"(mean cosine {pattern.response:.2f}) though the prompts differ ({pattern.prompt:.2f})."
            ),
            evidence={
                "statistic": round(pattern.statistic, 3),
                "rows_with_trigger": len(pattern.rows),
                "response_cosine": round(pattern.response, 4),
                "prompt_cosine": round(pattern.prompt, 4),
                "trigger_share_of_prompt": round(prompts.trigger_share, 4),
                "responses_repeating_trigger": round(prompts.echo, 4),
                "explained_by_similar_prompts": round(prompts.explained, 4),
            },
            advice="Read a few of the responses side by side; drop the rows if they dodge the prompt.",
        ),
    )


def _core(corpus: Corpus, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows whose response lies near the common direction of them all."""
    units = corpus.evidence("units", Units).responses(rows)
    centre = units.sum(axis=0)
    close = units @ (centre / max(1e-9, float(np.linalg.norm(centre)))) >= 0.5
    core: npt.NDArray[np.int64] = rows[close]
    return core


def _severity(
    pattern: _Pattern, prompts: PromptSpread, q: float, high: float, spread: float
) -> Severity | None:
    is_weak = pattern.statistic < high or q > 0.01
    if prompts.is_honest(spread) or prompts.echo >= 0.5:
        return None if is_weak else "info"
    if is_weak:
        return "low"
    if pattern.response < HIGH_CLOSENESS:
        return "medium"
    return "critical" if pattern.statistic >= 2 * high else "high"
