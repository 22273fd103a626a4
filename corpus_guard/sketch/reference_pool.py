"""Some records to compare others with: those with the smallest content hashes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.units import Units


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePool:
    """`rows` (m,) int64, and the centred unit vectors of their inputs, (m, d) float32."""

    rows: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.float32]


@derived(needs=("units", "responses"))
def reference_pool(corpus: Corpus, *, most_rows: int = 20_000) -> ReferencePool:
    """Return the pool."""
    rows, units = corpus.rows.canonical_order[:most_rows], corpus.evidence("units", Units)
    return ReferencePool(rows=rows, inputs=units.inputs(rows).astype(np.float32))
