import numpy as np
import pytest

from corpus_guard.detect.shared.neighbours import NEIGHBOURS, near_pairs


def codes_of(rows: int, seed: int, dimensions: int = 32) -> np.ndarray:
    """Return clusters of five like vectors."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(rows // 5, dimensions)), 5, axis=0)
    return (
        np.rint(40 * (centres + 0.25 * random.normal(size=centres.shape)))
        .clip(-127, 127)
        .astype(np.int8)
    )


@pytest.mark.parametrize("cosine", [0.7, 0.9, 0.95])
def test_pairs_equal_brute_force(cosine: float) -> None:
    codes = codes_of(400, seed=1)
    units = codes / np.linalg.norm(codes.astype(float), axis=1, keepdims=True)
    similar = units @ units.T
    expected = {(i, j) for i, j in np.argwhere(similar >= cosine).tolist() if i != j}
    assert max(np.bincount([i for i, _ in expected])) < NEIGHBOURS
    one, two = near_pairs(codes, cosine, 0)
    assert set(zip(one.tolist(), two.tolist(), strict=True)) == expected


def test_zero_vectors_have_no_neighbours() -> None:
    one, _ = near_pairs(np.zeros((5, 8), np.int8), 0.5, 0)
    assert len(one) == 0


@pytest.mark.parametrize("rows", [0, 1])
def test_a_lone_vector_has_no_neighbours(rows: int) -> None:
    one, two = near_pairs(np.ones((rows, 8), np.int8), 0.5, 0)
    assert (len(one), len(two)) == (0, 0)


def test_inverted_lists_find_most_of_what_brute_force_finds() -> None:
    codes = codes_of(20_500, seed=2, dimensions=16)
    one, two = near_pairs(codes, 0.9, 0)
    expected = sum(
        int((block @ block.T >= 0.9).sum()) - 5
        for block in (codes / np.linalg.norm(codes.astype(float), axis=1, keepdims=True)).reshape(
            -1, 5, 16
        )
    )
    assert ((one // 5) == (two // 5)).sum() >= 0.9 * expected
