import numpy as np
import pyarrow as pa
import references
from corpora import text_lists, texts
from hypothesis import given

from corpus_guard.sketch.kernels.minhash import BANDS, BINS, signatures
from corpus_guard.sketch.rows.batch import texts_of


def signed(parts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    tokens = texts_of(pa.array(parts, pa.string())).tokens
    signs, bands = np.zeros((len(parts), BINS), np.uint8), np.zeros((len(parts), BANDS), np.uint32)
    signatures(tokens.hashes, tokens.bounds, signs, bands)
    return signs, bands


@given(text_lists)
def test_signatures_equal_the_reference(parts: list[str]) -> None:
    signs, bands = signed(parts)
    expected = [references.signature(references.hashes(part)) for part in parts]
    assert signs.tolist() == [one for one, _ in expected]
    assert bands.tolist() == [two for _, two in expected]


@given(texts)
def test_equal_texts_have_equal_signatures(text: str) -> None:
    signs, bands = signed([text, "something else", text])
    assert (signs[0] == signs[2]).all()
    assert (bands[0] == bands[2]).all()


def test_disjoint_texts_share_no_band() -> None:
    signs, bands = signed(["one two three four five six seven", "uno due tre quattro cinque sei"])
    assert not (bands[0] == bands[1]).any()
    assert (signs[0] == signs[1]).mean() < 0.1


def test_equal_bins_estimate_the_similarity() -> None:
    words = [f"word{number}" for number in range(400)]
    signs, _ = signed([" ".join(words), " ".join(words[:300] + ["other"] * 3)])
    similarity = 300 / (401 + 4)
    assert abs((signs[0] == signs[1]).mean() - similarity) < 0.15
