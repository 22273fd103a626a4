"""What each prompt n-gram does to the responses, from sums alone: the screen of the second look.

Every outcome is a vector, and an n-gram's rows agree on an outcome when the sum of their vectors is
long. Prompt and response embeddings are projected at random to a few dimensions; the first and last
words of a response become 16 signs each, so that an outcome which at least 80 % of an n-gram's rows
share leaves every sign sum at 60 % of its maximum or more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.embedder import CODE_SCALE

if TYPE_CHECKING:
    from corpus_guard.sketch.corpus import Corpus, Ngrams

PROMPT_DIMENSIONS = 16
RESPONSE_DIMENSIONS = 32
SIGNS = 16
FIXED_POINT = 1000.0
CHUNK = 65_536
EDGES = (1, 2)
"""Which columns of `RowColumns.outcomes` get signs: the first and the last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseScreen:
    """Numbers per prompt n-gram, all (f,).

    `prompt_cosine` and `response_cosine`, the estimated mean
    pairwise cosines of its prompts and responses; `agreement`, the largest share of rows that could
    begin or end alike, estimated from the weakest sign.
    """

    ngrams: "Ngrams"
    prompt_cosine: npt.NDArray[np.float64]
    response_cosine: npt.NDArray[np.float64]
    agreement: npt.NDArray[np.float64]


def response_screen(corpus: "Corpus") -> ResponseScreen:
    """Return the screen over all frequent n-grams of the prompts."""
    width = PROMPT_DIMENSIONS + RESPONSE_DIMENSIONS + SIGNS * len(EDGES)
    ngrams = corpus.ngrams(width)
    sums = corpus.ngram_sums(ngrams, _row_values(corpus), width).astype(np.float64)
    docs = ngrams.docs.astype(np.float64)
    prompt, response = (
        sums[:, :PROMPT_DIMENSIONS],
        sums[:, PROMPT_DIMENSIONS : width - SIGNS * len(EDGES)],
    )
    signs = np.abs(sums[:, width - SIGNS * len(EDGES) :]).reshape(-1, len(EDGES), SIGNS)
    return ResponseScreen(
        ngrams=ngrams,
        prompt_cosine=_pairwise(prompt / FIXED_POINT, docs),
        response_cosine=_pairwise(response / FIXED_POINT, docs),
        agreement=((1 + signs.min(axis=2) / docs[:, None]) / 2).max(axis=1),
    )


def centred_units(
    codes: npt.NDArray[np.int8], mean: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return int8 vectors with the mean taken off and scaled to length one, (n, d) float64."""
    vectors = codes.astype(np.float64) / CODE_SCALE - mean
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: npt.NDArray[np.float64] = vectors / np.maximum(norms, 1e-6)
    return units


def mean_vector(codes: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Return the mean of int8 vectors, exact in integers, so that no order or split changes it."""
    total = np.zeros(codes.shape[1], np.int64)
    for start in range(0, len(codes), CHUNK):
        total += codes[start : start + CHUNK].sum(axis=0, dtype=np.int64)
    mean: npt.NDArray[np.float64] = total / (CODE_SCALE * max(1, len(codes)))
    return mean


def _pairwise(
    sums: npt.NDArray[np.float64], docs: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    pairs = np.maximum(1.0, docs * (docs - 1))
    cosine: npt.NDArray[np.float64] = ((sums**2).sum(axis=1) - docs) / pairs
    return cosine


def _row_values(corpus: "Corpus") -> Iterator[npt.NDArray[np.int16]]:
    columns = corpus.columns
    prompts, responses = columns.input_vectors, columns.response_vectors
    prompt_mean, response_mean = mean_vector(prompts), mean_vector(responses)
    prompt_basis = _basis(prompts.shape[1], PROMPT_DIMENSIONS, corpus.context.seed)
    response_basis = _basis(responses.shape[1], RESPONSE_DIMENSIONS, corpus.context.seed + 1)
    bits = np.arange(SIGNS, dtype=np.uint64)
    for start in range(0, len(corpus), CHUNK):
        part = slice(start, start + CHUNK)
        marks = (columns.outcomes[part][:, EDGES, None] >> bits) & np.uint64(1)
        yield np.concatenate(
            [
                np.rint(centred_units(prompts[part], prompt_mean) @ prompt_basis * FIXED_POINT),
                np.rint(
                    centred_units(responses[part], response_mean) @ response_basis * FIXED_POINT
                ),
                marks.astype(np.int16).reshape(len(marks), -1) * 2 - 1,
            ],
            axis=1,
        ).astype(np.int16)


def _basis(dimensions: int, kept: int, seed: int) -> npt.NDArray[np.float64]:
    """Return a random projection that keeps squared lengths on average (Johnson-Lindenstrauss)."""
    kept = min(kept, dimensions)
    normal = np.random.default_rng(seed).normal(size=(dimensions, kept))
    basis: npt.NDArray[np.float64] = np.linalg.qr(normal)[0] * np.sqrt(dimensions / kept)
    return basis
