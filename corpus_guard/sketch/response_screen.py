"""What each prompt n-gram does to the responses, from sums alone: the screen of the second look.

Every outcome is a vector, and an n-gram's rows agree on an outcome when the sum of their vectors is
long. Prompt and response embeddings are projected at random to a few dimensions; the first and last
words of a response become 16 signs each, so that an outcome which at least 80 % of an n-gram's rows
share leaves every sign sum at 60 % of its maximum or more. Without vectors the signs are there alone.
Of copies of a record only one counts.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from corpus_guard.plugins import derived
from corpus_guard.sketch.distinct_rows import DistinctRows
from corpus_guard.sketch.ngrams import Ngrams
from corpus_guard.sketch.rows.batch import Rows
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.store import Shared
from corpus_guard.sketch.units import Units, centred_units

PROMPT_DIMENSIONS = 16
RESPONSE_DIMENSIONS = 32
SIGNS = 16
FIXED_POINT = 1000.0
EDGES = (1, 2)
"""Which columns of the outcomes get signs: the first and the last words."""

SIGN_COLUMNS = SIGNS * len(EDGES)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseScreen:
    """Numbers per prompt n-gram, all (f,), and `rows`, how many records differ from one another.

    `docs` int64, in how many different records each n-gram of `ngrams` occurs;
    `prompt_cosine` and `response_cosine`, the estimated mean pairwise cosines of its prompts and
    responses, None without vectors; `agreement`, the largest share of rows that could begin or end
    alike, estimated from the weakest sign.
    """

    ngrams: Ngrams
    rows: int
    docs: npt.NDArray[np.int64]
    prompt_cosine: Floats | None
    response_cosine: Floats | None
    agreement: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Projection:
    """A mean and a random basis: vectors in, a few fixed-point coordinates out."""

    column: str
    mean: Floats
    basis: Floats

    def __call__(self, rows: Rows) -> Floats:
        codes = rows.column(self.column)
        if not isinstance(codes, np.ndarray):
            codes = np.zeros((len(rows), len(self.mean)), np.int8)
        found: Floats = np.rint(centred_units(codes, self.mean) @ self.basis * FIXED_POINT)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Projection) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("column", "mean", "basis")
        )

    __hash__ = None  # type: ignore[assignment]  # arrays have none


@dataclass(frozen=True, slots=True)
class ScreenValues:
    """What each row carries: projected prompt, projected response, signs of the response's edges.

    A last number counts the row. Rows that `distinct` leaves out carry nothing.
    """

    projections: tuple[_Projection, ...] = field(default=())
    distinct: Shared | None = None

    @property
    def width(self) -> int:
        """How many numbers a row carries."""
        return 1 + SIGN_COLUMNS + sum(int(one.basis.shape[1]) for one in self.projections)

    def __call__(self, rows: Rows) -> npt.NDArray[np.int16]:
        """Return the rows' numbers, the signs first."""
        outcomes = rows.column("outcomes")
        if not isinstance(outcomes, np.ndarray):
            outcomes = np.zeros((len(rows), 3), np.uint64)
        bits = np.arange(SIGNS, dtype=np.uint64)
        marks = (outcomes[:, EDGES, None] >> bits) & np.uint64(1)
        signs = marks.astype(np.int16).reshape(len(rows), -1) * np.int16(2) - np.int16(1)
        ones = np.ones((len(rows), 1), np.int16)
        pieces = [signs, *(one(rows).astype(np.int16) for one in self.projections), ones]
        values = np.ascontiguousarray(np.concatenate(pieces, axis=1))
        if self.distinct is not None:
            counts = self.distinct.load()[rows.first_row : rows.first_row + len(rows)]
            values[~counts] = 0
        return values


@derived(needs=("ngrams", "responses", "outcomes", "distinct_rows"), uses=("units",))
def response_screen(corpus: Corpus) -> ResponseScreen:
    """Return the screen over all frequent n-grams of the prompts."""
    rows = corpus.evidence("distinct_rows", DistinctRows)
    distinct = corpus.rows.store.share("distinct", rows.is_first)
    values = ScreenValues(_projections(corpus), distinct)
    ngrams = corpus.evidence("ngrams", Ngrams).fitting(corpus, values.width, "response_screen")
    sums = ngrams.sums(corpus, values)
    distinct.drop()
    count, docs = rows.count, sums[:, -1]
    divisor = np.maximum(1.0, docs)
    signs = np.abs(sums[:, :SIGN_COLUMNS]).reshape(-1, len(EDGES), SIGNS)
    agreement = ((1 + signs.min(axis=2) / divisor[:, None]) / 2).max(axis=1)
    if not values.projections:
        return ResponseScreen(
            ngrams=ngrams, rows=count, docs=docs, prompt_cosine=None, response_cosine=None,
            agreement=agreement,
        )  # fmt: skip
    middle = SIGN_COLUMNS + values.projections[0].basis.shape[1]
    return ResponseScreen(
        ngrams=ngrams,
        rows=count,
        docs=docs,
        prompt_cosine=_pairwise(sums[:, SIGN_COLUMNS:middle] / FIXED_POINT, divisor),
        response_cosine=_pairwise(sums[:, middle:-1] / FIXED_POINT, divisor),
        agreement=agreement,
    )


def _projections(corpus: Corpus) -> tuple[_Projection, ...]:
    units, seed = corpus.find("units", Units), corpus.settings.seed
    if units is None:
        return ()
    prompt, response = units.means.input, units.means.response
    return (
        _Projection("input_vectors", prompt, _basis(len(prompt), PROMPT_DIMENSIONS, seed)),
        _Projection(
            "response_vectors", response, _basis(len(response), RESPONSE_DIMENSIONS, seed + 1)
        ),
    )


def _pairwise(sums: Floats, docs: Floats) -> Floats:
    pairs = np.maximum(1.0, docs * (docs - 1))
    cosine: Floats = (np.einsum("ij,ij->i", sums, sums) - docs) / pairs
    return cosine


def _basis(dimensions: int, kept: int, seed: int) -> Floats:
    """Return a random projection that keeps squared lengths on average (Johnson-Lindenstrauss)."""
    kept = min(kept, dimensions)
    normal = np.random.default_rng(seed).normal(size=(dimensions, kept))
    basis: Floats = np.linalg.qr(normal)[0] * np.sqrt(dimensions / kept)
    return basis
