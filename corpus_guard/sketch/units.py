"""Vectors that can be compared: centred, of length one, for any rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import RowTable
from corpus_guard.sketch.text.embedder import CODE_SCALE
from corpus_guard.sketch.vector_sums import VectorMeans

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Centred unit vectors of rows, (n, d) float64."""

    rows: RowTable
    means: VectorMeans

    def inputs(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Return those of some rows' inputs."""
        return centred_units(self.rows.column("input_vectors").take(rows), self.means.input)

    def responses(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Return those of some rows' responses."""
        return centred_units(self.rows.column("response_vectors").take(rows), self.means.response)


def centred_units(codes: npt.NDArray[np.int8], mean: Floats) -> Floats:
    """Return int8 vectors with the mean taken off and scaled to length one, (n, d) float64."""
    vectors = codes.astype(np.float64)
    vectors /= CODE_SCALE
    vectors -= mean
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.maximum(lengths, 1e-6)[:, None]
    return vectors


@derived(needs=("vectors", "vector_sums"))
def units(corpus: Corpus) -> Units:
    """Return the vectors."""
    return Units(rows=corpus.rows, means=corpus.evidence("vector_sums", VectorMeans))
