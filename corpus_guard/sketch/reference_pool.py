"""Some records to compare others with: what similar prompts are answered, and how alike answers are.

The pool is the records with the smallest content hashes, one of each content. For the first of them the
nearest others are known: how often neighbours at some likeness share an answer tells how much a similar
prompt says about an answer at all.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.distinct_rows import DistinctRows
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.units import Units

BLOCK = 128
AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class ReferencePool:
    """The pool, in the order of content.

    `places` (n,) int64, the place in the pool of each row or of the one that stands for it, -1 for none;
    `inputs` and `responses` (m, d) float32, their centred unit vectors; `fits` (m,) float32, the cosine
    of the two; `near` (q, k) int64, for the first q of them the places of the k nearest others, and
    `likeness` (q, k) float32, their cosines.
    """

    places: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.float32]
    responses: npt.NDArray[np.float32]
    fits: npt.NDArray[np.float32]
    near: npt.NDArray[np.int64]
    likeness: npt.NDArray[np.float32]

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """A row for each place, (m,)."""
        held = np.flatnonzero(self.places >= 0)
        found = np.zeros(len(self.inputs), np.int64)
        found[self.places[held[::-1]]] = held[::-1]
        return found

    def holds(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Say which places hold one of some rows, (m,)."""
        found = np.zeros(len(self.inputs) + 1, np.bool_)
        found[self.places[rows]] = True
        return found[:-1]


@derived(needs=("units", "responses", "distinct_rows"))
def reference_pool(
    corpus: Corpus, *, most_rows: int = 16_000, compared: int = 2048, neighbours: int = 8
) -> ReferencePool:
    """Return the pool, with the `neighbours` of the first `compared` rows."""
    units, order = corpus.evidence("units", Units), corpus.rows.canonical_order
    distinct = corpus.evidence("distinct_rows", DistinctRows)
    rows = order[distinct.is_first[order]][:most_rows]
    of_row = np.full(len(corpus), -1, np.int64)
    of_row[rows] = np.arange(len(rows))
    inputs = units.inputs(rows).astype(np.float32)
    responses = units.responses(rows).astype(np.float32)
    fits = np.einsum("nd,nd->n", inputs, responses)
    near = np.zeros((min(compared, len(rows)), min(neighbours, max(0, len(rows) - 1))), np.int64)
    likeness = np.zeros(near.shape, np.float32)
    for first in range(0, len(near), AT_ONCE):
        similar = inputs[first : first + AT_ONCE][: len(near) - first] @ inputs.T
        similar[np.arange(len(similar)), first + np.arange(len(similar))] = -2.0
        here = largest(similar, near.shape[1])
        near[first : first + len(here)] = here
        likeness[first : first + len(here)] = np.take_along_axis(similar, here, axis=1)
    places = of_row[distinct.standing_for]
    return ReferencePool(
        places=places, inputs=inputs, responses=responses, fits=fits, near=near, likeness=likeness
    )


def largest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return the places of the `count` largest values of each row, (n, count), in no order.

    They lie in the `count` blocks with the largest maxima, so only these are looked at closely.
    """
    rows, width = values.shape
    blocks = width // BLOCK
    if blocks <= count:
        if count >= width:
            return np.broadcast_to(np.arange(width), (rows, width))
        return np.argpartition(-values, max(0, count - 1), axis=1)[:, :count]
    padded = values[:, : blocks * BLOCK].reshape(rows, blocks, BLOCK)
    best = np.argpartition(-padded.max(axis=2), count - 1, axis=1)[:, :count]
    places = (best[:, :, None] * BLOCK + np.arange(BLOCK)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(blocks * BLOCK, width), (rows, width - blocks * BLOCK))
    places = np.concatenate([places, rest], axis=1)
    among = np.take_along_axis(values, places, axis=1)
    chosen = np.argpartition(-among, count - 1, axis=1)[:, :count]
    found: npt.NDArray[np.int64] = np.take_along_axis(places, chosen, axis=1)
    return found
