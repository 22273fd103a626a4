import numpy as np
import pytest

from corpus_guard.sketch.text.moments import Moments

ROWS, DIMENSIONS, CLASSES = 900, 12, 3


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    known = random.integers(0, CLASSES, ROWS)
    means = random.normal(scale=30, size=(CLASSES, DIMENSIONS))
    codes = np.clip(means[known] + random.normal(scale=25, size=(ROWS, DIMENSIONS)), -127, 127)
    return np.rint(codes).astype(np.int8), known


def equal(one: Moments, two: Moments) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(two, name))
        for name in ("counts", "sums", "squares")
    )


def test_moments_add_up_exactly(data: tuple[np.ndarray, np.ndarray]) -> None:
    codes, known = data
    parts = [Moments.of(codes[k::3], known[k::3], CLASSES) for k in range(3)]
    assert equal(parts[2] + parts[0] + parts[1], Moments.of(codes, known, CLASSES))


def test_rows_are_left_out_exactly(data: tuple[np.ndarray, np.ndarray]) -> None:
    codes, known = data
    every, some = Moments.of(codes, known, CLASSES), Moments.of(codes[:50], known[:50], CLASSES)
    assert equal(every - some, Moments.of(codes[50:], known[50:], CLASSES))


def test_the_discriminant_tells_the_classes(data: tuple[np.ndarray, np.ndarray]) -> None:
    codes, known = data
    model = Moments.of(codes[:600], known[:600], CLASSES).discriminant()
    assert (model.scores(codes[600:]).argmax(axis=1) == known[600:]).mean() > 0.8


def test_the_discriminant_is_as_good_as_the_library_s(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    codes, known = data
    library = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(codes, known)
    model = Moments.of(codes, known, CLASSES).discriminant()
    assert (model.scores(codes).argmax(axis=1) == library.predict(codes)).mean() > 0.98


def test_a_class_without_rows_is_as_good_as_impossible(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    codes, known = data
    model = Moments.of(codes, known, CLASSES + 1).discriminant()
    assert (model.scores(codes).argmax(axis=1) != CLASSES).all()
