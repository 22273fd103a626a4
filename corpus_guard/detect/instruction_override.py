"""Text that tells a model to drop its instructions.

What: "ignore all previous instructions" and its kin, addressed to a model that reads the record.

How it is decided: a list of phrasings. Low and flags nothing: security texts quote them, and data sets
that teach refusal hold them on purpose. Hidden ones are CG403.

False alarms: many, see above, which is why it is low; on the eight clean sets of the benchmark none.

What it misses: other wordings and other languages.

References: Perez and Ribeiro, Ignore Previous Prompt (arXiv 2211.09527).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.marks import Kind, mark_findings, marks_of
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding

KINDS = (
    Kind(
        name="override",
        pattern=(
            r"(?i:ignore|disregard|forget|override) (?:(?i:all|any|the|your|of|everything) ){0,3}"
            r"(?i:previous|prior|above|earlier|preceding|system) "
            r"(?i:instructions?|prompts?|directions?|rules|guidelines|messages?)"
        ),
        trigger_kind="hidden_text",
        attack="prompt injection",
        severity="low",
        flagged=False,
        title="Text that tells a model to ignore its instructions",
        advice="Read the records; drop those that address the model itself.",
    ),
)


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS."""
    return marks_of(batch, KINDS)


@record_check(
    rule="CG404",
    title="Instruction override",
    kinds=tuple(kind.name for kind in KINDS),
    attacks=("prompt injection",),
    scan=scan,
)
def instruction_override(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding over all such records."""
    yield from mark_findings(corpus, "instruction_override", "CG404", KINDS)
