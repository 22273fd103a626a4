"""Sources that open record after record with the same sentence.

What: a source of which many records begin alike, as the posts of one campaign do.

How it is decided: records are counted by source and opening sentence; from `fewest_rows` on it is a
finding.

False alarms: newsletters, and whatever else greets its readers.

What it misses: openings of which a word was changed, and sources that are not told.

References: none; this shows how to write a detector.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import Draft, finding_of
from corpus_guard.escape import safe_text
from corpus_guard.plugins import detector
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, Trigger
from corpus_guard_example.source_openings import Openings

MOST_FINDINGS = 20


@detector(
    rule="EX101",
    title="Repeated openings",
    needs=("opening_keys", "source_openings"),
    attacks=("opening campaign",),
)
def repeated_openings(corpus: Corpus, *, fewest_rows: int = 12) -> Iterator[Finding]:
    """Yield a finding for each opening that a source repeats often enough, the most frequent first."""
    openings = corpus.evidence("source_openings", Openings)
    many = np.flatnonzero(openings.counts >= fewest_rows)
    many = many[np.argsort(-openings.counts[many], kind="stable")]  # ties by key: they are sorted
    corpus.cap("repeated_openings", "findings", MOST_FINDINGS, len(many) - MOST_FINDINGS)
    keys = corpus.rows.column("opening_key").whole() if len(many) else np.zeros(0, np.uint64)
    for place in many[:MOST_FINDINGS]:
        yield _finding(corpus, np.flatnonzero(keys == openings.keys[place]))


def _finding(corpus: Corpus, rows: npt.NDArray[np.int64]) -> Finding:
    example = corpus.rows.records(corpus.rows.sample(rows, 1), ("text", "source"))[0]
    opening = " ".join((example["text"] or "").partition(".")[0].lower().split())
    return finding_of(
        corpus,
        Draft(
            rule="EX101",
            severity="high",
            score=0.8,
            q_value=0.0,
            attack="opening campaign",
            rows=rows,
            flagged=True,
            trigger=Trigger(kind="ngram", text=opening[:400]),
            title=f"{safe_text(example['source'], 60)} opens {len(rows)} records alike",
            message=f'{len(rows)} of {len(corpus)} records begin "{safe_text(opening, 100)}".',
            evidence={"rows": len(rows)},
            advice="Read a few of the records; keep one of them if they are a campaign.",
        ),
    )
