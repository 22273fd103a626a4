"""Texts without the feature that is tested: every occurrence is taken out, and what goes with it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.sketch.rows.batch import texts_of

ALWAYS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rests:
    """What texts say besides what they have in common.

    `texts`: the rests, words joined by spaces; `common` (t,) uint64: hashes of the tokens taken out.
    """

    texts: list[str]
    common: npt.NDArray[np.uint64]


def rests_of(texts: list[str], always: float = ALWAYS) -> Rests:
    """Return the texts without the tokens that at least the share `always` of them hold.

    Given the texts that hold a feature, its tokens are among them, wherever and however often they
    stand, and so is what always accompanies it: the rest of a longer trigger, a template. What remains
    is blind to all of that.
    """
    held = texts_of(pa.array(texts, pa.string()))
    tokens, lengths = held.tokens.hashes, np.diff(held.tokens.bounds)
    owner = np.repeat(np.arange(len(texts)), lengths)
    order = np.lexsort((owner, tokens))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (np.diff(tokens[order]) != 0) | (np.diff(owner[order]) != 0)
    names, documents = np.unique(tokens[order][is_first], return_counts=True)
    common = names[documents >= always * len(texts)]
    kept = ~np.isin(tokens, common)
    rests = []
    for text in range(len(texts)):
        places = np.flatnonzero(kept[held.tokens.bounds[text] : held.tokens.bounds[text + 1]])
        places += held.tokens.bounds[text]
        words = [held.data[held.tokens.starts[p] : held.tokens.ends[p]].tobytes() for p in places]
        rests.append(b" ".join(words).decode("utf-8", "replace"))
    return Rests(texts=rests, common=common)
