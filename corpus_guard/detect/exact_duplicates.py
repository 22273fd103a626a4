"""Records that repeat another one word for word.

What: the same input and response more than once. Duplicates are memorised more readily, leak between
splits, and are how a campaign without wit looks.

How it is decided: all tokens of input and response are hashed; equal hashes are one group. Copies that
carry different labels are told apart from plain copies: they contradict each other.

False alarms: none, the copies are there; but most corpora hold some, so this is low and flags no row.

What it misses: copies with so much as one word changed, which are CG102.

References: Lee et al., Deduplicating Training Data Makes Language Models Better (ACL 2022).
"""

from collections.abc import Iterator

import numpy as np

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.plugins import detector
from corpus_guard.sketch.labels import Labels
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, Trigger


@detector(
    rule="CG101",
    title="Exact duplicates",
    needs=("fingerprints",),
    uses=("labels",),
    attacks=("duplication", "injected documents"),
)
def exact_duplicates(corpus: Corpus, *, fewest_rows: int = 2) -> Iterator[Finding]:
    """Yield at most one finding over all exact duplicates."""
    whole = corpus.rows.column("whole").whole()
    order = np.argsort(whole, kind="stable")
    starts = np.flatnonzero(np.diff(whole[order], prepend=~whole[order[:1]]))
    sizes = np.diff(starts, append=len(order))
    repeated = (sizes >= fewest_rows) & (whole[order[starts]] != 0)
    if not repeated.any():
        return
    groups, largest_size = int(repeated.sum()), int(sizes[repeated].max())
    rows = np.sort(order[np.repeat(repeated, sizes)])
    largest = np.sort(order[np.repeat(repeated & (sizes == largest_size), sizes)])
    example = corpus.rows.inputs(corpus.rows.sample(largest, 1))[0]
    labels, contradicting = corpus.find("labels", Labels), 0
    if labels is not None:
        codes = labels.codes[order]
        differ = np.minimum.reduceat(codes, starts) != np.maximum.reduceat(codes, starts)
        contradicting = int((differ & repeated).sum())
    yield finding_of(
        corpus,
        Draft(
            rule="CG101",
            severity="low",
            score=0.1,
            q_value=0.0,
            attack="duplication",
            rows=rows,
            flagged=False,
            trigger=Trigger(kind="duplicate_cluster", text=example[:400]),
            title=f"Exact copies of other records: {len(rows) - groups:,}",
            message=(
                f"{len(rows):,} records form {groups:,} groups of equal text; "
                f"the largest holds {largest_size:,}."
            ),
            evidence={
                "groups": groups,
                "copies": len(rows) - groups,
                "largest_group": largest_size,
                "groups_with_several_labels": contradicting,
            },
            advice="Keep one record of each group, unless the repetition is meant.",
        ),
    )
