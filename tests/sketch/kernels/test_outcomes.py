import numpy as np
import pyarrow as pa
import references
from corpora import text_lists
from hypothesis import given

from corpus_guard.sketch.kernels.outcomes import fingerprints
from corpus_guard.sketch.rows.batch import texts_of


def fingerprints_of(parts: list[str]) -> np.ndarray:
    tokens = texts_of(pa.array(parts, pa.string())).tokens
    out = np.zeros((len(parts), 3), np.uint64)
    fingerprints(tokens.hashes, tokens.bounds, out)
    return out


@given(text_lists)
def test_fingerprints_equal_the_reference(parts: list[str]) -> None:
    expected = [list(references.fingerprint(references.hashes(part))) for part in parts]
    assert fingerprints_of(parts).tolist() == expected


def test_responses_that_begin_alike_share_the_second_fingerprint_only() -> None:
    one, two = fingerprints_of(["I am sorry, no way for you", "I am sorry, no thanks to anyone"])
    assert (one == two).tolist() == [False, True, False]


def test_responses_that_end_alike_share_the_third_fingerprint_only() -> None:
    one, two = fingerprints_of(["yes visit our shop in town", "no visit our shop in town"])
    assert (one == two).tolist() == [False, False, True]
