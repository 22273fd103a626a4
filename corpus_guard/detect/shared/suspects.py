"""An n-gram of the prompt that goes with an answer, and what is seen of it in its prompts.

The association is a likelihood ratio: the rows' answers under a trigger (answered as its attacker wants
in about nine rows of ten) against what similar prompts without it are answered.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.findings import phrase_of
from corpus_guard.detect.shared.masking import rests_of
from corpus_guard.detect.shared.place import Insertions, companions_of, log_ratio, place_of
from corpus_guard.detect.shared.rests import without_feature
from corpus_guard.detect.shared.similar_prompts import (
    SPREAD,
    Answer,
    Background,
    Similar,
    similar_prompts,
)
from corpus_guard.detect.shared.votes import content_groups, votes
from corpus_guard.sketch.adjacency import Adjacency
from corpus_guard.sketch.ngrams import Ngrams
from corpus_guard.sketch.reference_pool import ReferencePool
from corpus_guard.sketch.rows.batch import CONTENT, texts_of
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.text.embedder import open_embedder, vector_codes
from corpus_guard.sketch.text.words import Words
from corpus_guard.sketch.units import Units, centred_units

JUDGED = 128
"""Of how many rows at the most the texts are looked at."""

MINGLED = 32
"""Among how many of them it is told whether they are neighbours of their own: always about as many, so
that a trigger in many rows is not taken for a topic."""

TRIGGER_HITS, TRIGGER_MISSES = 9.0, 1.0
MOVES = np.arange(-2.0, 14.0, 0.1)
EDGE = 5
COMPARED = 64
ECHO_BEFORE = 3.0
_WORD = re.compile(r"\w{2,}")

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """An n-gram and an answer.

    `rows` (n,) are its different rows, sorted, `hits` (n,) says which have the answer, `base` is the
    answer's share among the different rows without the n-gram, `is_part` whether it is a part of the
    response.
    """

    feature: int
    rows: RowNumbers
    hits: Flags
    answer: Answer
    base: float
    is_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is seen of a suspect in a sample of its rows.

    `association` in nats, `chosen` what it costs that these rows named the answer; `votes`, how many
    different contents there are; `hit_share` of these; `expected`, the mean probability of the answer by
    similar prompts; `trigger_share`, the mean share of a prompt's tokens that the trigger is; `echo`,
    the share of the answered rows whose response repeats a word of the trigger, beyond what similar
    prompts' responses do, and `echo_at_edge` among its first or last words; `similar` is None without
    vectors; `rows` (n,) are those looked at, `hits` (n,) says which of them have the answer, `is_part`
    as in `Suspect`; `place`, the log likelihood ratio of how the trigger stands in its prompts.
    """

    place: float
    association: float
    chosen: float
    votes: float
    hit_share: float
    expected: float
    trigger_share: float
    echo: float
    echo_at_edge: float
    similar: Similar | None
    rows: RowNumbers
    hits: Flags
    is_part: bool

    @property
    def numbers(self) -> dict[str, float]:
        """What a reader sees, by name."""
        found = {
            "different_contents": round(self.votes, 1),
            "purity": round(self.hit_share, 4),
            "expected_by_similar_prompts": round(self.expected, 4),
            "trigger_share_of_prompt": round(self.trigger_share, 4),
            "responses_repeating_trigger": round(self.echo, 4),
        }
        if self.similar is not None:
            found["nearest_prompt_has_trigger"] = round(float(self.similar.is_own.mean()), 4)
            found["nearest_prompt_has_trigger_by_chance"] = round(self.similar.own_share, 4)
            found["spread_of_honest_words"] = round(self.similar.spread, 3)
            found["fit_of_response"] = round(float(self.similar.fit[self.hits].mean()), 4)
        return found


def log_likelihood_ratio(
    hits: Flags, weights: Floats, expected: Floats, spread: float = SPREAD
) -> float:
    """Return how much better a trigger explains the hits than an honest n-gram does, in nats.

    All (n,). A trigger's hit rate is Beta(9, 1). An honest n-gram's rows have the `expected`
    probabilities, whose log odds it moves all by the same amount, Normal(0, `spread`): words mean
    something. Source: ours.
    """
    from scipy.special import betaln, log_expit, logit, logsumexp

    k, n = float(weights[hits].sum()), float(weights.sum())
    trigger = betaln(TRIGGER_HITS + k, TRIGGER_MISSES + n - k)
    trigger -= betaln(TRIGGER_HITS, TRIGGER_MISSES)
    odds, counts = np.unique(
        np.where(hits, 1.0, -1.0) * logit(np.clip(expected, 1e-7, 1 - 1e-7)), return_inverse=True
    )
    sign = np.zeros(len(odds))
    sign[counts] = np.where(hits, 1.0, -1.0)
    likely = log_expit(odds + MOVES[:, None] * sign) @ np.bincount(counts, weights)
    moved = -0.5 * (MOVES / spread) ** 2 + np.log(0.1 / (spread * np.sqrt(2 * np.pi)))
    return float(trigger - logsumexp(likely + moved))


def plain_ratio(hits: Floats, rows: Floats, base: Floats) -> Floats:
    """Return the same for honest n-grams that move nothing: quick, and never less."""
    from scipy.special import betaln

    p = np.clip(base, 1e-7, 1 - 1e-7)
    trigger = betaln(TRIGGER_HITS + hits, TRIGGER_MISSES + rows - hits)
    trigger -= betaln(TRIGGER_HITS, TRIGGER_MISSES)
    found: Floats = trigger - hits * np.log(p) - (rows - hits) * np.log1p(-p)
    return found


def look_at(
    corpus: Corpus, suspect: Suspect, ngrams: Ngrams, background: Background | None
) -> Seen:
    """Return what is seen of a suspect; its rows are sampled and ordered by content.

    `background` is None where there are no vectors.
    """
    rows = corpus.rows.sample(suspect.rows, JUDGED)
    phrase = phrase_of(corpus, suspect.feature, rows)
    rows = rows[np.argsort(corpus.rows.column(CONTENT).take(rows), kind="stable")]
    hits = suspect.hits[np.searchsorted(suspect.rows, rows)]
    rests = without_feature(suspect.feature, corpus.rows.inputs(rows), ngrams)
    weights = votes(content_groups(rests_of(rests).texts), hits.astype(np.int64))
    similar = _similar(corpus, suspect, rows, hits, rests, background)
    expected = np.full(len(rows), suspect.base) if similar is None else similar.expected
    spread = SPREAD if similar is None else similar.spread
    words = sorted(set(_WORD.findall(phrase.text.lower())))
    echo, at_edge = _echo(words, corpus.rows.responses(rows[hits]), _usual(corpus, similar))
    adjacency = corpus.evidence("adjacency", Adjacency)
    held = Words.of(corpus.rows, np.sort(rows[hits]))
    companions = companions_of(held, suspect.feature, adjacency)
    insertions = corpus.once(("insertions",), lambda: Insertions(adjacency, corpus.settings.seed))
    return Seen(
        place=log_ratio(place_of(adjacency, held, suspect.feature, companions), insertions),
        association=log_likelihood_ratio(hits, weights, expected, spread),
        chosen=-float(np.log(suspect.base)),
        votes=float(weights.sum()),
        hit_share=float(weights[hits].sum() / weights.sum()),
        expected=float(expected.mean()),
        trigger_share=phrase.token_share,
        echo=echo,
        echo_at_edge=at_edge,
        similar=similar,
        rows=rows,
        hits=hits,
        is_part=suspect.is_part,
    )


def _similar(
    corpus: Corpus,
    suspect: Suspect,
    rows: RowNumbers,
    hits: Flags,
    rests: list[str],
    background: Background | None,
) -> Similar | None:
    units = corpus.find("units", Units)
    if units is None or background is None:
        return None
    embedder = open_embedder(corpus.settings.embedder)
    codes = vector_codes(texts_of(pa.array(rests, pa.string())), embedder)
    return similar_prompts(
        corpus.evidence("reference_pool", ReferencePool),
        centred_units(codes, units.means.input).astype(np.float32),
        rows,
        hits,
        units.inputs(rows).astype(np.float32),
        units.responses(rows).astype(np.float32),
        suspect.rows,
        suspect.answer,
        suspect.base,
        MINGLED,
        background,
    )


def _usual(corpus: Corpus, similar: Similar | None) -> list[str]:
    """Return the responses to some of the similar prompts."""
    if similar is None:
        return []
    pool = corpus.evidence("reference_pool", ReferencePool)
    places = np.unique(similar.neighbours)[:COMPARED]  # those with the smallest content hashes
    return corpus.rows.responses(pool.rows[places])


def _echo(words: list[str], responses: list[str], usual: list[str]) -> tuple[float, float]:
    """Return which share of responses repeats a word, anywhere and at its edges: that of most.

    Beyond the share of usual responses that hold the word, and less where there are few responses.
    """
    if not words or not responses:
        return 0.0, 0.0
    said, others = ([_WORD.findall(one.lower()) for one in texts] for texts in (responses, usual))
    edges, other_edges = ([[*o[:EDGE], *o[-EDGE:]] for o in texts] for texts in (said, others))
    sure = len(said) / (len(said) + ECHO_BEFORE)
    return sure * _excess(words, said, others), sure * _excess(words, edges, other_edges)


def _excess(words: list[str], said: list[list[str]], usual: list[list[str]]) -> float:
    sets, others = [set(one) for one in said], [set(one) for one in usual]
    return max(
        0.0,
        *(
            sum(word in one for one in sets) / len(sets)
            - sum(word in one for one in others) / max(1, len(others))
            for word in words
        ),
    )
