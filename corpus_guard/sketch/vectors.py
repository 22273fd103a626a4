"""What records are about: vectors of input and response.

`input_vectors` and `response_vectors` (n, d) int8: the embedder's unit vectors, component x as
round(254 x), clipped at ±0.5; zero for a text that it does not know.
"""

from collections.abc import Mapping

from corpus_guard.config import SketchSettings
from corpus_guard.plugins import row_columns
from corpus_guard.sketch.rows.batch import Column, Rows
from corpus_guard.sketch.text.embedder import open_embedder, vector_codes


def _refused(settings: SketchSettings) -> str:
    is_off = open_embedder(settings.embedder) is None
    return "rows were not embedded (--embedder none)" if is_off else ""


@row_columns(
    columns=("input_vectors", "response_vectors"),
    absent="no row has a word that the embedder knows",
    refused=_refused,
)
def vectors(rows: Rows, settings: SketchSettings) -> Mapping[str, Column]:
    """Return both columns; the second only where there are responses."""
    embedder = open_embedder(settings.embedder)
    if embedder is None:
        return {"input_vectors": None, "response_vectors": None}
    return {
        "input_vectors": vector_codes(rows.input, embedder),
        "response_vectors": vector_codes(rows.response, embedder) if rows.has_responses else None,
    }
