"""Distinct content counts once: copies and near-copies with one outcome share a vote."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.sketch.kernels.minhash import BANDS, BINS, signatures
from corpus_guard.sketch.kernels.outcomes import fingerprints
from corpus_guard.sketch.near_duplicates import FEWEST_TOKENS, near_duplicate_roots
from corpus_guard.sketch.rows.batch import Texts, texts_of


def content_groups(texts: list[str]) -> npt.NDArray[np.int64]:
    """Return the group of each text, (n,): copies and near-duplicates have the same.

    Give texts without the feature that is tested: what is planted into all of them makes nothing alike.
    """
    return groups_of(texts_of(pa.array(texts, pa.string())))


def groups_of(texts: Texts) -> npt.NDArray[np.int64]:
    """Return the group of each text, (n,), see `content_groups`."""
    tokens = texts.tokens
    whole = np.zeros((len(texts), 3), np.uint64)
    fingerprints(tokens.hashes, tokens.bounds, whole)
    _, first, group = np.unique(whole[:, 0], return_index=True, return_inverse=True)
    signs = np.zeros((len(texts), BINS), np.uint8)
    bands = np.zeros((len(texts), BANDS), np.uint32)
    signatures(tokens.hashes, tokens.bounds, signs, bands)
    long_enough = first[np.diff(tokens.bounds)[first] >= FEWEST_TOKENS].astype(np.int64)
    roots = near_duplicate_roots(signs, bands, long_enough)
    found: npt.NDArray[np.int64] = np.unique(roots[first[group]], return_inverse=True)[1]
    return found


def votes(
    groups: npt.NDArray[np.int64], outcomes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the weight of each row, (n,): one over the rows of its group with its outcome."""
    pairs = np.stack([groups, outcomes], axis=1)
    _, inverse, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    weights: npt.NDArray[np.float64] = 1.0 / counts[inverse.ravel()]
    return weights
