"""The label of each row.

Where every response is one of a few, a classification set is in the form of instructions, and its labels
are the responses.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.errors import NotAssessed
from corpus_guard.plugins import derived
from corpus_guard.sketch.answers import Answers
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import dictionary_encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """`codes` (n,) int32 into `names`, -1 where a row has none; `field` is where they come from."""

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]
    field: str


@derived(needs=("answers",))
def labels(corpus: Corpus, *, most_labels: int = 100_000) -> Labels:
    """Return the labels; there are none where more than `most_labels` are different."""
    field = "response" if corpus.evidence("answers", Answers).are_labels else "label"
    codes, names = dictionary_encoded(corpus.rows.text_column(field), most_labels)
    if len(names) > most_labels:
        raise NotAssessed(f"more than {most_labels:,} different labels")
    if not names:
        raise NotAssessed("no row has a label")
    return Labels(codes=codes, names=tuple(names), field=field)
