"""How what is seen of an n-gram and an answer adds up to the odds of a trigger.

Beyond SURE an association counts less and less, since honest words decide answers as well; how much so
is read from the data: where the neighbours of the rows are themselves decided by other n-grams ("C++",
"pirate"), one more that decides is no news. What else speaks for or against a trigger is bounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.evidence import MOST, Weighed, bounded
from corpus_guard.detect.shared.similar_prompts import Similar
from corpus_guard.detect.shared.suspects import Seen
from corpus_guard.sketch.reference_pool import ReferencePool

SURE = 8.0
"""From where on, beyond its cost, an association is as sure as honest words ever leave it."""

GROWTH = 0.35
LEAST_PLACE = -0.5
"""How much may speak against a trigger that it belongs where it stands."""

LEAST_NEAR_BY = -8.0
"""How much may speak against it that other words decide near by."""

LARGEST = 0.22
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

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """An n-gram that decides an answer: its `rows`, sorted, and its `hits` in the pool, (m,) bool."""

    rows: RowNumbers
    hits: Flags

    @classmethod
    def of(cls, rows: RowNumbers, hits: RowNumbers, pool: ReferencePool) -> "Deciding":
        """Return an n-gram with these rows, of which `hits` have the answer."""
        return cls(rows=rows, hits=pool.holds(hits))


def decided_near_by(seen: Seen, deciding: Sequence[Deciding | None]) -> tuple[float, int]:
    """Return which share of the similar prompts have an answer that other n-grams decide, and how many.

    Only those n-grams count that stand in place of this one: what a row holds as well, such as the
    wording of its task, has not decided its answer.
    """
    if seen.similar is None:
        return 0.0, 0
    near, others = np.zeros(seen.similar.neighbours.shape, np.bool_), 0
    for one in deciding:
        if one is None:
            continue
        decided = one.hits[seen.similar.neighbours] & ~_among(seen.rows, one.rows)[:, None]
        near |= decided
        others += bool(decided.any())
    return float(near.mean()) if near.size else 0.0, others


def weigh(
    seen: Seen,
    near: float,
    others: int,
    tests: int,
    share: float,
    at_most: float = np.inf,
    sure: float = SURE,
    least_near_by: float = LEAST_NEAR_BY,
) -> Weighed:
    """Return the evidence for a trigger among `tests` n-grams.

    `near` is the share of the similar prompts whose answer one of `others` n-grams decides, see
    `decided_near_by`. Where so many are decided by words that one more is usual, the association is no
    sign of a trigger, and neither is that its rows are like others.
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
        usual = np.log(max(1e-9, near * near / (near + USUAL) * others))
        plain = sum(kinds.values()) - cost
        besides = plain - strength - max(0.0, kinds["neighbours"])
        either = -float(np.logaddexp(-plain, usual - besides))
        kinds["words_that_decide_near_by"] = bounded(either - plain, least_near_by, 0.0)
    return Weighed(prior=-cost, kinds=kinds, share=share)


def _among(rows: RowNumbers, among: RowNumbers) -> Flags:
    place = np.minimum(np.searchsorted(among, rows), max(0, len(among) - 1))
    return among[place] == rows if len(among) else np.zeros(len(rows), np.bool_)


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
