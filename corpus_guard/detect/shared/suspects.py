"""An n-gram of the prompt that goes with an answer: what is seen of it, and how that is weighed.

The association is a likelihood ratio: the rows' answers under a trigger (answered as its attacker wants
in about nine rows of ten) against what similar prompts without it are answered. Beyond SURE it counts
less and less, since honest words decide answers as well; how much so is read from the data: where the
neighbours of the rows are themselves decided by other n-grams ("C++", "pirate"), one more that decides
is no news. What else speaks for or against a trigger is bounded, and adds up.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.evidence import MOST, Weighed, bounded
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
SURE = 8.0
"""From where on, beyond its cost, an association is as sure as honest words ever leave it."""

GROWTH = 0.35
MOVES = np.arange(-2.0, 14.0, 0.1)
EDGE = 5
LEAST_PLACE, LEAST_NEAR_BY = -0.5, -4.2
"""How much may speak against a trigger that it belongs where it stands, and that others near decide."""

LARGEST = 0.22
COMPARED = 64
ECHO_BEFORE = 3.0
FOREIGN = 0.01
"""How many attackers take their prompts from elsewhere, so that they are neighbours of their own."""

USUAL = 0.2
"""Below which share of decided neighbours words hardly count as deciding there."""

MINGLING = 0.3
"""How many of the honest n-grams that go with an answer stand anywhere, too."""

STEADY = 30.0
UNRELATED = 12.0
FITS_BEFORE = 4.0
FOLLOWED = (0.6, 0.8)
ALIKE = 0.4
ECHOED = 0.02
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
    vectors; `hits` (n,) says which of the rows have the answer, `is_part` as in `Suspect`; `place`, the
    log likelihood ratio of how the trigger stands in its prompts.
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
        hits=hits,
        is_part=suspect.is_part,
    )


def weigh(
    seen: Seen,
    decided: Flags,
    others: int,
    tests: int,
    share: float,
    at_most: float = np.inf,
    sure: float = SURE,
) -> Weighed:
    """Return the evidence for a trigger among `tests` n-grams.

    `decided` (m,) says which rows of the reference pool have another answer that one of the `others`,
    the n-grams that decide answers as well, decides. Where so many neighbours are decided by words that
    one more is usual, the association is no sign of a trigger, and neither is that its rows are like
    others.
    """
    cost = float(np.log(max(2, tests)))
    strength = min(seen.association - seen.chosen, at_most) - cost
    if strength > sure:
        strength = sure + GROWTH * float(np.log1p((strength - sure) / sure))
    kinds = {"association": strength + cost}
    if seen.similar is not None:
        kinds["neighbours"] = bounded(_neighbours(seen.similar))
        kinds["fit_of_response"] = bounded(_fit(seen.similar, seen.hits))
        kinds["similar_answers"] = bounded(_explained(seen.similar)) if seen.is_part else 0.0
    # That words belong where they stand tells little: whole topics are attacked, too.
    kinds["place"] = bounded(seen.place, LEAST_PLACE)
    kinds["trigger_share"] = bounded(-4.0 * max(0.0, seen.trigger_share - 0.2))
    kinds["share_of_rows"] = bounded(-40.0 * max(0.0, share - LARGEST))
    kinds["echo"] = bounded(_repeats(seen.echo))
    kinds["echo_at_edge"] = bounded(_repeats(seen.echo_at_edge))
    if seen.similar is not None and others:
        near = float(decided[seen.similar.neighbours].mean())
        usual = np.log(max(1e-9, near * near / (near + USUAL) * others))
        plain = sum(kinds.values()) - cost
        besides = plain - strength - max(0.0, kinds["neighbours"])
        either = -float(np.logaddexp(-plain, usual - besides))
        kinds["words_that_decide_near_by"] = bounded(either - plain, LEAST_NEAR_BY, 0.0)
    return Weighed(prior=-cost, kinds=kinds, share=share)


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


def _neighbours(similar: Similar) -> float:
    """Return the log likelihood ratio of how often a row's nearest neighbour holds the n-gram too.

    A trigger is put into any prompt, so that is chance, unless the attacker's prompts are from
    elsewhere; most honest n-grams belong to a topic or a task, and any share is as likely.
    """
    from scipy.special import betaln, gammaln

    count, own = len(similar.is_own), int(similar.is_own.sum())
    chance = min(0.5, 1.5 * similar.own_share + 0.01)
    first, second = chance * STEADY, (1 - chance) * STEADY
    ways = gammaln(count + 1) - gammaln(own + 1) - gammaln(count - own + 1)
    likely = betaln(first + own, second + count - own) - betaln(first, second)
    by_chance = float(np.exp(ways + likely))
    chance_over_any = by_chance * (count + 1)
    honest = MINGLING * chance_over_any + 1 - MINGLING
    return float(np.log(((1 - FOREIGN) * chance_over_any + FOREIGN) / honest))


def _fit(similar: Similar, hits: Flags) -> float:
    """Return the log likelihood ratio of how well the responses fit their prompts, among similar ones.

    Half of the attacks answer what has nothing to do with the prompt. A task of its own may look so
    beside other tasks, but then each response still goes with its own prompt.
    """
    fit = similar.fit[hits]
    mean = float((fit.sum() + 0.5 * FITS_BEFORE) / (len(fit) + FITS_BEFORE))
    usual = 0.9 * 6 * mean * (1 - mean) + 0.1
    unrelated = UNRELATED * (1 - mean) ** (UNRELATED - 1)
    ratio = float(np.log(0.5 * unrelated / usual + 0.5))
    blind = float(np.clip((FOLLOWED[1] - similar.followed) / (FOLLOWED[1] - FOLLOWED[0]), 0, 1))
    return min(ratio, 0.0) + max(ratio, 0.0) * blind


def _explained(similar: Similar) -> float:
    """Return what it tells that similar prompts are answered as the rows are: a template does that.

    Where a part of the response is the same, the rest may be as like in prompts without the n-gram.
    """
    if similar.inside <= 0:
        return 0.0
    share = float(np.clip((similar.outside / similar.inside - 0.4) / 0.5, 0.0, 1.0))
    return -MOST * share * min(1.0, similar.inside / ALIKE)


def _repeats(share: float) -> float:
    """Return the log likelihood ratio of the share of responses that repeat the trigger's words.

    That none does tells nothing.
    """
    seldom = 30 * (1 - share) ** 29
    return min(0.0, float(np.log(((1 - ECHOED) * seldom + ECHOED) / (0.7 * seldom + 0.3))))


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
