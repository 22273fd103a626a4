import numpy as np

from corpus_guard.detect.shared.calibration import Null, permutation_null
from corpus_guard.detect.shared.statistics import associate

ROWS, CLASSES, FEATURES = 3000, 3, 600


def sample(seed: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Features of random rows, probabilities, and outcomes drawn from them."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(CLASSES), ROWS)
    outcomes = (random.random((ROWS, 1)) > np.cumsum(p, axis=1)).sum(axis=1)
    sizes = random.integers(4, 60, FEATURES)
    members = [np.sort(random.choice(ROWS, size, replace=False)) for size in sizes]
    return members, p, outcomes


def test_p_values_of_honest_features_are_no_smaller_than_chance() -> None:
    members, p, outcomes = sample(1)
    null = permutation_null(members, p, outcomes, seed=0)
    statistics = [
        max(associate((outcomes[rows] == c) * 1.0, p[rows, c]).statistic for c in range(CLASSES))
        for rows in members
    ]
    told = null.p_values(np.array(statistics), np.array([len(rows) for rows in members]) * 1.0)
    for level in (0.01, 0.05, 0.2):
        assert (told <= level).mean() <= level + 3 * np.sqrt(level / FEATURES)


def test_a_model_that_is_too_sure_widens_the_null() -> None:
    members, p, outcomes = sample(2)
    sure = np.where(p == p.max(axis=1, keepdims=True), 0.98, 0.01)
    wide = permutation_null(members, sure, outcomes, seed=0)
    assert wide.spreads.max() > 1.5 * permutation_null(members, p, outcomes, seed=0).spreads.max()


def test_the_choice_of_the_best_outcome_is_paid_for() -> None:
    one, many = (Null(spreads=np.ones(5), outcomes=count) for count in (1, 10))
    rows, statistic = np.array([20.0]), np.array([4.0])
    assert many.p_values(statistic, rows) == 10 * one.p_values(statistic, rows)


def test_no_features_give_the_theoretical_null() -> None:
    null = permutation_null([], np.zeros((0, 2)), np.zeros(0, np.int64), seed=0)
    assert null.spreads.tolist() == [1.0] * 5
