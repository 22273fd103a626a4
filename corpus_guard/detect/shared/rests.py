"""Prompts without the n-gram that is tested and without what stands there for its sake only."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.sketch.kernels.masks import cover, ngrams_of
from corpus_guard.sketch.kernels.ngrams import MAX_ORDER, build_table
from corpus_guard.sketch.ngrams import Ngrams
from corpus_guard.sketch.rows.batch import texts_of

ALWAYS = 0.9
OWN = 0.5


def without_feature(feature: int, texts: list[str], ngrams: Ngrams) -> list[str]:
    """Return the texts that hold a feature, without it: the words that remain, joined by spaces.

    Every occurrence of the feature is taken out, and every n-gram that at least the share ALWAYS of
    the texts hold and at least half of whose records hold the feature: the rest of a longer trigger,
    near by or spread over the text. What the texts share with others, the wording of a task, stays.
    """
    held = texts_of(pa.array(texts, pa.string()))
    hashes, bounds = held.tokens.hashes, held.tokens.bounds
    common = _common(hashes, bounds)
    place = np.minimum(np.searchsorted(ngrams.features, common), max(0, len(ngrams) - 1))
    known = ngrams.features[place] == common if len(ngrams) else np.zeros(len(common), np.bool_)
    at = int(np.searchsorted(ngrams.features, np.uint64(feature)))
    own = known & (OWN * ngrams.docs[place] <= ngrams.docs[min(at, len(ngrams) - 1)])
    table, _ = build_table(np.union1d(common[own], np.array([feature], np.uint64)))
    covered = np.zeros(len(hashes), np.bool_)
    cover(hashes, bounds, table, covered)
    rests = []
    for text in range(len(texts)):
        kept = bounds[text] + np.flatnonzero(~covered[bounds[text] : bounds[text + 1]])
        words = [held.data[held.tokens.starts[p] : held.tokens.ends[p]].tobytes() for p in kept]
        rests.append(b" ".join(words).decode("utf-8", "replace"))
    return rests


def _common(
    hashes: npt.NDArray[np.uint64], bounds: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint64]:
    """Return the n-grams of at least the share ALWAYS of the texts, sorted."""
    texts = len(bounds) - 1
    room = MAX_ORDER * (len(hashes) + texts)
    features, owners = np.zeros(room, np.uint64), np.zeros(room, np.int64)
    used = ngrams_of(hashes, bounds, features, owners)
    order = np.lexsort((owners[:used], features[:used]))
    features, owners = features[order], owners[order]
    is_new = np.ones(used, np.bool_)
    is_new[1:] = (features[1:] != features[:-1]) | (owners[1:] != owners[:-1])
    names, held_in = np.unique(features[is_new], return_counts=True)
    found: npt.NDArray[np.uint64] = names[held_in >= ALWAYS * texts]
    return found
