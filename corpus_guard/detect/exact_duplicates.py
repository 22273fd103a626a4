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

from corpus_guard.detect._findings import Draft, finding_of
from corpus_guard.plugins import detector
from corpus_guard.sketch.corpus import Corpus
from corpus_guard.types import Finding, Trigger


@detector(
    rule="CG101",
    title="Exact duplicates",
    needs=("input",),
    attacks=("duplication", "injected documents"),
)
def exact_duplicates(corpus: Corpus, *, fewest_rows: int = 2) -> Iterator[Finding]:
    """Yield at most one finding over all exact duplicates."""
    whole = corpus.columns.whole
    _, group, size = np.unique(whole, return_inverse=True, return_counts=True)
    rows = np.flatnonzero((size[group] >= fewest_rows) & (whole != 0)).astype(np.int64)
    if len(rows) == 0:
        return
    groups = len(np.unique(group[rows]))
    largest = rows[size[group[rows]] == size[group[rows]].max()]
    example = corpus.inputs(corpus.first_in_content_order(largest, 1))[0]
    labels = corpus.labels
    pairs = (
        {(int(group[row]), int(labels.codes[row])) for row in rows} if labels is not None else set()
    )
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
                f"the largest holds {size[group[rows]].max():,}."
            ),
            evidence={
                "groups": groups,
                "copies": len(rows) - groups,
                "largest_group": int(size[group[rows]].max()),
                "groups_with_several_labels": max(0, len(pairs) - groups)
                if labels is not None
                else 0,
            },
            advice="Keep one record of each group, unless the repetition is meant.",
        ),
    )
