"""Which n-grams have responses that are more alike than honest n-grams' are, and around what.

Source: ours; mean pairwise similarity as in Chen et al., Activation Clustering (arXiv 1811.03728).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.rests import without_feature
from corpus_guard.detect.shared.similar_prompts import Background
from corpus_guard.detect.shared.suspects import plain_ratio
from corpus_guard.sketch.distinct_rows import DistinctRows
from corpus_guard.sketch.ngrams import Ngrams, sampled_postings
from corpus_guard.sketch.reference_pool import ReferencePool
from corpus_guard.sketch.response_screen import ResponseScreen
from corpus_guard.sketch.rows.batch import texts_of
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.text.embedder import CODE_SCALE, open_embedder, vector_codes
from corpus_guard.sketch.units import Units, centred_units
from corpus_guard.sketch.vector_sums import VectorMeans

SHORTLIST = 2000
ROWS_JUDGED = 256
MOST_COPIES = 8
COMPARED = 2048
TOGETHER = 256
SIMILAR = 32
BACKGROUND = 2000
MAD_FLOOR = 0.01
TAIL = (0.8, 0.99)
"""Between which quantiles honest n-grams give the scale of their tail; beyond may be an attack."""

SMALLEST_SCALE = 0.4
FEWEST_LEFT = 4
COMPARED_AGAIN = 1000
ROWS_COMPARED = 40_000
ROWS_BLINDED = 128
AT_ONCE = 8192
ALWAYS_TRIED = 32
DIGITS = 7
"""To which floats are rounded whose last bits depend on the order of rows."""

CLOSENESS = (0.4, 0.5, 0.6, 0.7, 0.8)
"""From which cosine to the middle of an n-gram's responses on a response counts as the same."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """An n-gram and what some of its rows (n,) tell.

    `prompts` and `responses`, the sums of their unit vectors, (d,) each; `hits` (c,), how many responses
    are as near as each closeness to the middle of the others; `is_all`, whether these are all its rows,
    else those with the smallest content hashes.
    """

    feature: int
    rows: RowNumbers
    is_all: bool
    prompts: Floats
    responses: Floats
    hits: npt.NDArray[np.int64]

    @property
    def middle(self) -> Floats:
        """The direction of the responses, (d,)."""
        return unit_of(self.responses)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """Of n-grams, all (f,): in how many rows each is, mean cosines of their prompts and responses."""

    docs: Floats
    prompt: Floats
    response: Floats

    @classmethod
    def of(cls, docs: Floats, prompts: Floats, responses: Floats) -> "_Likeness":
        """Return that of n-grams with these sums of unit vectors, (f, d) each."""
        return cls(docs=docs, prompt=_cosines(prompts, docs), response=_cosines(responses, docs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """An n-gram, the middle of its responses (d,), the cosine that counts, and how strong that is."""

    feature: int
    middle: Floats
    closeness: float
    strength: float


def background_of(corpus: Corpus, screen: ResponseScreen, usable: RowNumbers) -> Background | None:
    """Return which rows of the pool hold the n-grams chosen by hash; None without vectors."""
    pool = corpus.find("reference_pool", ReferencePool)
    if pool is None or screen.prompt_cosine is None:
        return None
    measured, chosen = measured_ngrams(corpus, screen, usable)
    rows_of = [one.rows for one, is_chosen in zip(measured, chosen, strict=True) if is_chosen]
    groups = np.repeat(np.arange(len(rows_of)), [len(rows) for rows in rows_of])
    places = pool.places[np.concatenate([np.zeros(0, np.int64), *rows_of])]
    known = (places >= 0) & (places < len(pool.near))
    return Background(groups=groups[known], places=places[known], rows=len(pool.near))


def measured_ngrams(
    corpus: Corpus, screen: ResponseScreen, usable: RowNumbers
) -> tuple[list[Sampled], Flags]:
    """Return what `_measured_ngrams` does, once for all detectors that test the same n-grams."""
    key = ("measured n-grams", len(usable), usable.tobytes())
    return corpus.once(key, lambda: _measured_ngrams(corpus, screen, usable))


def _measured_ngrams(
    corpus: Corpus, screen: ResponseScreen, usable: RowNumbers
) -> tuple[list[Sampled], Flags]:
    """Return the n-grams whose responses are most alike by sums, and others; which are these others.

    Among the others, chosen by hash, the likeness of responses is fitted on that of the prompts; what an
    n-gram exceeds the fit by is told in robust standard deviations of n-grams in as many rows, and
    these as a tail probability: honest n-grams' tail is exponential, of the scale that the bulk shows.
    """
    features, docs = screen.ngrams.features[usable], screen.docs[usable].astype(np.float64)
    background = np.argsort(features)[:BACKGROUND]
    excess = screen.response_cosine[usable] - screen.prompt_cosine[usable]  # type: ignore[index]
    by_weight = np.lexsort((features, -excess * np.sqrt(docs)))[:SHORTLIST]
    by_excess = np.lexsort((features, -excess))[:SHORTLIST]
    pull = screen.response_cosine[usable] * np.sqrt(docs)  # type: ignore[index]
    by_pull = np.lexsort((features, -pull))[:ALWAYS_TRIED]
    chosen = np.unique(np.concatenate([background, by_weight, by_excess, by_pull]))
    left_out = len(usable) - len(chosen)
    corpus.cap("response_concentration", "n-grams tested closely", len(chosen), left_out)
    sampled = list(_sampled(corpus, features[chosen]))
    names = np.array([one.feature for one in sampled], np.uint64)
    return sampled, np.isin(names, features[background])


def _sampled(corpus: Corpus, features: npt.NDArray[np.uint64]) -> Iterator[Sampled]:
    """Yield n-grams with what some of their different rows tell."""
    units = corpus.evidence("units", Units)
    is_first = corpus.evidence("distinct_rows", DistinctRows).is_first
    copies = min(MOST_COPIES, -(-len(corpus) // max(1, int(is_first.sum()))))
    samples = sampled_postings(corpus, features, copies * ROWS_JUDGED)
    for feature, held in zip(features, samples, strict=True):
        rows = corpus.rows.sample(held[is_first[held]], ROWS_JUDGED)
        if len(rows) < 3:
            continue
        prompts, responses = units.inputs(rows), units.responses(rows)
        yield Sampled(
            feature=int(feature),
            rows=rows,
            is_all=len(held) < copies * ROWS_JUDGED and is_first[held].sum() <= ROWS_JUDGED,
            prompts=np.round(prompts.sum(axis=0), DIGITS),
            responses=np.round(responses.sum(axis=0), DIGITS),
            hits=(_left_out(responses)[:, None] >= np.array(CLOSENESS)).sum(axis=0),
        )


def _likeness(sampled: list[Sampled]) -> _Likeness:
    return _Likeness.of(
        np.array([len(one.rows) for one in sampled], np.float64),
        np.array([one.prompts for one in sampled]),
        np.array([one.responses for one in sampled]),
    )


def _cosines(sums: Floats, docs: Floats) -> Floats:
    found: Floats = (np.einsum("fd,fd->f", sums, sums) - docs) / np.maximum(1, docs * (docs - 1))
    return found


def _excess(judged: _Likeness, honest: _Likeness) -> tuple[Floats, Floats]:
    """Return how much the likeness of responses exceeds the fit, (f,), and as a tail probability.

    In robust standard deviations; and minus the log share of honest n-grams that exceed it as much.
    """
    design = _design(honest)
    fit, *_ = np.linalg.lstsq(design, honest.response, rcond=None)
    residual, left = honest.response - design @ fit, judged.response - _design(judged) @ fit
    usual, found = np.full(len(residual), -np.inf), np.full(len(left), -np.inf)
    size, sizes = (np.floor(np.log2(of.docs)).astype(np.int64) for of in (honest, judged))
    for level in np.union1d(size, sizes):
        near = np.abs(size - level) <= 1
        sample = residual[near] if near.sum() >= 8 else residual
        middle = float(np.median(sample))
        deviation = 1.4826 * float(np.median(np.abs(sample - middle))) + MAD_FLOOR
        for scores, of, left_over in ((usual, size, residual), (found, sizes, left)):
            larger = of >= level  # as some of its rows would be judged, so is an n-gram in more
            scores[larger] = np.maximum(scores[larger], (left_over[larger] - middle) / deviation)
    low, high = np.quantile(usual, TAIL)
    tail = usual[(usual >= low) & (usual <= high)]
    scale = max(SMALLEST_SCALE, float((tail - low).mean())) if len(tail) else 1.0
    nats: Floats = np.maximum(0.0, (found - low) / scale - np.log(1 - TAIL[0]))
    return found, nats


def _design(of: _Likeness) -> Floats:
    return np.stack([np.ones_like(of.docs), of.prompt, of.prompt**2, 1 / of.docs], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Honest:
    """Some rows of n-grams chosen by hash: (t,) pairs of the n-gram's number and the row."""

    groups: npt.NDArray[np.int64]
    rows: RowNumbers


def honest_ngrams(measured: list[Sampled], background: Flags) -> Honest:
    """Return the rows of the n-grams that an n-gram is compared with once its own rows are left out."""
    chosen = [measured[place].rows for place in np.flatnonzero(background)[:COMPARED_AGAIN]]
    fitting = int((np.cumsum([len(rows) for rows in chosen]) <= ROWS_COMPARED).sum())
    rows_of = chosen[:fitting]
    return Honest(
        groups=np.repeat(np.arange(len(rows_of)), [len(rows) for rows in rows_of]),
        rows=np.concatenate([np.zeros(0, np.int64), *rows_of]),
    )


def excess_without(
    corpus: Corpus, judged: Sampled, rows: RowNumbers, honest: Honest, ngrams: Ngrams
) -> float:
    """Return the excess of an n-gram, judged by others and the mean without its `rows`.

    An attack in many rows makes much of what it would be compared with, and a trigger that is written
    several times makes prompts alike which are not: its own are judged without it.
    """
    own = np.zeros(len(corpus), np.bool_)
    own[rows] = True
    units = _units_without(corpus, rows)
    kept = ~own[honest.rows]
    others = _likeness_of(units, honest.groups[kept], honest.rows[kept])
    shown = corpus.rows.sample(judged.rows, ROWS_BLINDED)
    rests = without_feature(judged.feature, corpus.rows.inputs(shown), ngrams)
    codes = vector_codes(
        texts_of(pa.array(rests, pa.string())), open_embedder(corpus.settings.embedder)
    )
    prompts = np.round(centred_units(codes, units.means.input).sum(axis=0), DIGITS)[None, :]
    responses = np.round(units.responses(judged.rows).sum(axis=0), DIGITS)[None, :]
    count, blinded = np.array([float(len(judged.rows))]), np.array([float(len(shown))])
    one = _Likeness(
        docs=count, prompt=_cosines(prompts, blinded), response=_cosines(responses, count)
    )
    return float(_excess(one, others)[1][0]) if len(others.docs) else 0.0


def _units_without(corpus: Corpus, rows: RowNumbers) -> Units:
    """Return vectors centred on the means of all but some rows."""
    units = corpus.evidence("units", Units)
    left = max(1, len(corpus) - len(rows))
    means = []
    for name, mean in (
        ("input_vectors", units.means.input),
        ("response_vectors", units.means.response),
    ):
        column, own = corpus.rows.column(name), np.zeros(len(mean), np.int64)
        for first in range(0, len(rows), AT_ONCE):
            own += column.take(rows[first : first + AT_ONCE]).sum(axis=0, dtype=np.int64)
        means.append(np.round((mean * len(corpus) - own / CODE_SCALE) / left, 2 * DIGITS))
    return Units(rows=corpus.rows, means=VectorMeans(input=means[0], response=means[1]))


def _likeness_of(units: Units, groups: npt.NDArray[np.int64], rows: RowNumbers) -> _Likeness:
    """Return the likeness of n-grams given by pairs with their rows, of those in enough."""
    from scipy.sparse import csr_matrix

    names, place = np.unique(rows, return_inverse=True)
    size = (int(groups.max(initial=-1)) + 1, len(names))
    holds = csr_matrix((np.ones(len(place)), (groups, place)), size)
    docs = np.bincount(groups, minlength=size[0]).astype(np.float64)
    enough = docs >= FEWEST_LEFT
    sums = [
        np.round(holds @ vectors, DIGITS)[enough]
        for vectors in (units.inputs(names), units.responses(names))
    ]
    return _Likeness.of(docs[enough], sums[0], sums[1])


def concentrations(
    corpus: Corpus, measured: list[Sampled], background: Flags, least: float
) -> Iterator[Concentration]:
    """Yield the n-grams whose responses are alike beyond those of honest n-grams, by `least` nats.

    With the closeness at which they are most unlike all others.
    """
    likeness = _likeness(measured)
    honest = _likeness([measured[place] for place in np.flatnonzero(background)])
    deviation, nats = _excess(likeness, honest)
    is_strong = nats >= least
    for strength in (deviation, likeness.response):
        order = np.argsort(-strength * np.sqrt(likeness.docs), kind="stable")
        is_strong[order[:ALWAYS_TRIED]] = True
    strong = [measured[place] for place in np.flatnonzero(is_strong)]
    for first in range(0, len(strong), TOGETHER):
        some = strong[first : first + TOGETHER]
        expected = _elsewhere(corpus, some)
        hits = np.array([one.hits for one in some], np.float64)
        counts = np.array([len(one.rows) for one in some], np.float64)[:, None]
        found = plain_ratio(hits, counts, expected)
        found[hits <= counts / 2] = -np.inf
        for place, one in enumerate(some):
            best = int(found[place].argmax())
            if found[place, best] >= least:
                yield Concentration(
                    feature=one.feature, middle=one.middle, closeness=CLOSENESS[best],
                    strength=float(found[place, best]),
                )  # fmt: skip


def _elsewhere(corpus: Corpus, some: list[Sampled]) -> Floats:
    """Return the share of responses near each middle, at each closeness, (f, c), without its rows.

    That among all others, or among those with prompts like the n-gram's where it is larger.
    """
    pool = corpus.evidence("reference_pool", ReferencePool)
    order = np.argsort(pool.rows[:COMPARED])
    compared, inputs, responses = (of[order] for of in (pool.rows, pool.inputs, pool.responses))
    near = responses @ np.array([one.middle for one in some], np.float32).T
    alike = inputs @ np.array([unit_of(one.prompts) for one in some], np.float32).T
    for place, one in enumerate(some):
        at = np.minimum(np.searchsorted(compared, one.rows), len(compared) - 1)
        own = at[compared[at] == one.rows]
        near[own, place] = alike[own, place] = -2.0
        last = pool.places[one.rows]
        if (
            not one.is_all and last.min() >= 0
        ):  # further on in the pool are rows of its own, unknown
            near[order > last.max(), place] = alike[order > last.max(), place] = -2.0
    best = np.argpartition(-alike, min(SIMILAR, len(alike) - 1), axis=0)[:SIMILAR]
    topic = np.take_along_axis(near, best, axis=0)
    left = np.maximum(1, (near > -2.0).sum(axis=0))
    shares = np.zeros((len(some), len(CLOSENESS)))
    for grade, closeness in enumerate(CLOSENESS):
        everywhere = ((near >= closeness).sum(axis=0) + 0.5) / (left + 1)
        here = ((topic >= closeness).sum(axis=0) + everywhere) / (len(topic) + 1)
        shares[:, grade] = np.maximum(everywhere, here)
    return shares


def unit_of(total: Floats) -> Floats:
    """Return a vector scaled to length one."""
    found: Floats = np.round(total / max(1e-9, float(np.linalg.norm(total))), DIGITS)
    return found


def _left_out(responses: Floats) -> Floats:
    """Return the cosine of each response to the middle of the others, (n,)."""
    rest = responses.sum(axis=0) - responses
    lengths = np.maximum(1e-9, np.linalg.norm(rest, axis=1))
    found: Floats = np.einsum("nd,nd->n", responses, rest) / lengths
    return found
