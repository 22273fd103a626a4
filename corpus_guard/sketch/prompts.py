"""The inputs that a model is given: there only where some record has one with a word in it."""

from dataclasses import dataclass

import numpy as np

from corpus_guard.errors import NotPresent
from corpus_guard.plugins import derived
from corpus_guard.sketch.rows.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Prompts:
    """`rows`: how many records have a word in input or response."""

    rows: int


@derived(needs=("fingerprints",))
def prompts(corpus: Corpus) -> Prompts:
    """Return how many there are."""
    tokens = corpus.rows.column("tokens")
    rows = sum(int(np.count_nonzero(values)) for _, values in tokens.chunks())
    if not rows:
        raise NotPresent("no row has a word")
    return Prompts(rows)
