"""Groups of records that are nearly the same text.

What: edited copies. A coordinated injection repeats one text with small changes; so do templates, news
agencies and spam, which are no attack.

How it is decided: one-permutation MinHash of token bigrams, 16 bands, verified on whole signatures
(Jaccard similarity of about .7 and more). All groups together are one low finding. A group of at least
`fewest_rows` different texts is listed by itself, as low, when most of its rows share a link or a word
that occurs hardly anywhere else: that is what a campaign wants to spread.

False alarms: boilerplate is duplication too; nothing here flags a row by itself.

What it misses: paraphrases, which are CG103, and a repeated passage inside texts that otherwise differ.

References: Broder (1997); Li, Owen and Zhang, One Permutation Hashing (NIPS 2012).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.detect.shared.groups import extremes, groups_of, shared_link
from corpus_guard.plugins import detector
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, Trigger

MOST_LISTED = 10


@detector(
    rule="CG102",
    title="Near-duplicates",
    needs=("near_duplicates", "fingerprints"),
    attacks=("injected documents", "duplication"),
)
def near_duplicates(
    corpus: Corpus, *, fewest_rows: int = 10, shared: float = 0.6
) -> Iterator[Finding]:
    """Yield one finding over all near-duplicate groups, and one per group that spreads a link."""
    whole, content = corpus.rows.column("whole"), corpus.rows.column(CONTENT)
    roots = corpus.evidence("near_duplicates", np.ndarray)
    groups = list(groups_of(roots))
    texts = extremes(whole, groups)
    groups = [rows for rows, low, high in zip(groups, *texts, strict=True) if low != high]
    if not groups:
        return
    rows = np.sort(np.concatenate(groups))
    lowest = extremes(content, groups)[0].tolist()
    firsts = {int(group[0]): first for group, first in zip(groups, lowest, strict=True)}
    largest = max(groups, key=lambda group: (len(group), -firsts[int(group[0])]))
    example = corpus.rows.inputs(corpus.rows.sample(largest, 1))[0]
    yield finding_of(
        corpus,
        Draft(
            rule="CG102",
            severity="low",
            score=0.1,
            q_value=0.0,
            attack="duplication",
            rows=rows,
            flagged=False,
            trigger=Trigger(kind="duplicate_cluster", text=example[:400]),
            title=f"Groups of nearly equal records: {len(groups):,}",
            message=(
                f"{len(rows):,} records are edited copies of one another; "
                f"the largest group holds {len(largest):,}."
            ),
            evidence={"groups": len(groups), "rows": len(rows), "largest_group": len(largest)},
            advice="Look at the largest group; keep one record of each if they are copies.",
        ),
    )
    big = sorted(
        (group for group in groups if len(group) >= fewest_rows),
        key=lambda group: (-len(group), firsts[int(group[0])]),
    )
    corpus.cap("near_duplicates", "large groups looked at", MOST_LISTED, len(big) - MOST_LISTED)
    for group in big[:MOST_LISTED]:
        link = shared_link(corpus, group, shared)
        if link is not None:
            yield _campaign(corpus, group, *link)


def _campaign(corpus: Corpus, rows: npt.NDArray[np.int64], link: str, share: float) -> Finding:
    return finding_of(
        corpus,
        Draft(
            rule="CG102",
            severity="low",
            score=0.3,
            q_value=1.0,
            attack="injected documents",
            rows=rows,
            flagged=False,
            trigger=Trigger(kind="duplicate_cluster", text=link),
            title="Edited copies that share {trigger}",
            message=f"{len(rows):,} nearly equal records; {share:.0%} of them hold {{trigger}}.",
            evidence={"rows": len(rows), "share_with_link": round(share, 4)},
            advice="Check who wrote these records and what they point to.",
        ),
    )
