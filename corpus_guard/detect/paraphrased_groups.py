"""Groups of records that say the same in other words.

What: a campaign that rewrites one message, which MinHash does not see.

How it is decided: the vectors of one record per near-duplicate group go into a FAISS index (flat up to
10,000, inverted lists beyond); records whose cosine is at least .9 with one of their 10 nearest
neighbours are joined. Groups of at least `fewest_rows` records are reported together as info; a group
most of whose records link to one host is listed by itself as low.

False alarms: templates and series ("John has 5 apples ...") also say the same in other words, and news
agencies end their stories with the same link. No row is flagged.

What it misses: groups smaller than `fewest_rows`; beyond `most_compared` records only a sample of so
many is compared, those with the lowest content hashes, and the finding says so.

References: Johnson, Douze and Jégou, Billion-scale similarity search with GPUs (2017); Abbas et al.,
SemDeDup (2023).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.groups import groups_of, shared_link
from corpus_guard.detect.shared.neighbours import near_pairs
from corpus_guard.plugins import detector
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, Trigger

FEWEST_TOKENS = 8
MOST_LISTED = 10


@detector(
    rule="CG103",
    title="Paraphrased groups",
    needs=("vectors", "near_duplicates", "fingerprints"),
    attacks=("injected documents", "paraphrased campaign"),
)
def paraphrased_groups(
    corpus: Corpus,
    *,
    cosine: float = 0.9,
    fewest_rows: int = 10,
    shared: float = 0.6,
    most_compared: int = 20_000,
) -> Iterator[Finding]:
    """Yield one finding over all groups of like meaning, and one per group that spreads a link."""
    content, tokens = corpus.rows.column(CONTENT), corpus.rows.column("tokens").whole()
    roots = corpus.evidence("near_duplicates", np.ndarray)
    order = _heads(corpus.rows.canonical_order, roots)
    order = order[tokens[order] >= FEWEST_TOKENS]
    compared = order[:most_compared]
    what = "different records compared"
    corpus.cap("paraphrased_groups", what, most_compared, len(order) - len(compared))
    groups = [
        np.sort(compared[members])
        for members in groups_of(_roots(corpus, compared, cosine))
        if len(members) >= fewest_rows
    ]
    if not groups:
        return
    rows = np.sort(np.concatenate(groups))
    firsts = {int(group[0]): int(content.take(group).min()) for group in groups}
    largest = max(groups, key=lambda group: (len(group), -firsts[int(group[0])]))
    example = corpus.rows.inputs(corpus.rows.sample(largest, 1))[0]
    yield finding_of(
        corpus,
        Draft(
            rule="CG103",
            severity="info",
            score=0.05,
            q_value=1.0,
            attack="duplication",
            rows=rows,
            flagged=False,
            trigger=Trigger(kind="duplicate_cluster", text=example[:400]),
            title=f"Groups of records that say nearly the same: {len(groups):,}",
            message=(
                f"{len(rows):,} records in groups of {fewest_rows} and more; "
                f"the largest holds {len(largest):,}."
            ),
            evidence={
                "groups": len(groups),
                "rows": len(rows),
                "largest_group": len(largest),
                "compared": len(compared),
                "not_compared": len(order) - len(compared),
            },
            advice="Series and templates look like this; look closer if you expected varied text.",
        ),
    )
    groups.sort(key=lambda group: (-len(group), firsts[int(group[0])]))
    corpus.cap("paraphrased_groups", "groups looked at", MOST_LISTED, len(groups) - MOST_LISTED)
    for group in groups[:MOST_LISTED]:
        link = shared_link(corpus, group, shared)
        if link is not None:
            yield _campaign(corpus, group, *link)


def _heads(canonical: npt.NDArray[np.int64], roots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the first row in content order of every group, in content order."""
    seen = np.zeros(len(roots), np.bool_)
    groups = roots[canonical]
    first = np.full(len(roots), len(roots), np.int64)
    np.minimum.at(first, groups, np.arange(len(groups)))
    seen[first[first < len(roots)]] = True
    heads: npt.NDArray[np.int64] = canonical[seen]
    return heads


def _roots(corpus: Corpus, rows: npt.NDArray[np.int64], cosine: float) -> npt.NDArray[np.int64]:
    """Return the smallest position of each position's group in `rows`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, two = near_pairs(
        corpus.rows.column("input_vectors").take(rows), cosine, corpus.settings.seed
    )
    graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(len(rows), len(rows)))
    _, group = connected_components(graph, directed=False)
    first = np.full(len(rows), len(rows), np.int64)
    np.minimum.at(first, group, np.arange(len(rows)))
    roots: npt.NDArray[np.int64] = first[group]
    return roots


def _campaign(corpus: Corpus, rows: npt.NDArray[np.int64], link: str, share: float) -> Finding:
    return finding_of(
        corpus,
        Draft(
            rule="CG103",
            severity="low",
            score=0.3,
            q_value=1.0,
            attack="paraphrased campaign",
            rows=rows,
            flagged=False,
            trigger=Trigger(kind="duplicate_cluster", text=link),
            title="Many wordings that all point to {trigger}",
            message=(
                f"{len(rows):,} records say nearly the same in other words; "
                f"{share:.0%} hold {{trigger}}."
            ),
            evidence={"rows": len(rows), "share_with_link": round(share, 4)},
            advice="Check who wrote these records and what they point to.",
        ),
    )
