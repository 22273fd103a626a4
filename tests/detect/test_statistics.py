import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.detect.shared.statistics import (
    associate,
    beyond,
    mean_pairwise_cosine,
    precision_of,
    q_values,
    tilted,
    upper_tail,
)

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_hits_as_predicted_are_no_association() -> None:
    assert associate(np.tile([1.0, 0.0], 50), np.full(100, 0.5)).statistic == 0.0


def test_fewer_hits_than_predicted_are_no_association() -> None:
    assert associate(np.zeros(50), np.full(50, 0.5)).statistic <= 0.0


def test_a_pattern_that_content_contradicts_is_strong() -> None:
    found = associate(np.ones(20), np.full(20, 0.05))
    assert found.statistic > 8
    assert found.precision > 0.99


def test_hits_that_content_explains_are_weak() -> None:
    assert associate(np.ones(20), np.full(20, 0.95)).statistic < 1.5


def test_the_signed_root_is_that_of_the_binomial_likelihood_ratio() -> None:
    hits, p = np.repeat([1.0, 0.0], [30, 10]), 0.5
    ratio = 30 * np.log(0.75 / p) + 10 * np.log(0.25 / p)
    assert associate(hits, np.full(40, p)).signed_root == pytest.approx(
        np.sqrt(2 * ratio), abs=1e-3
    )


def test_z_is_the_excess_in_standard_deviations() -> None:
    hits = np.repeat([1.0, 0.0], [30, 10])
    assert associate(hits, np.full(40, 0.5)).z == pytest.approx(10 / np.sqrt(10.25))


@given(probabilities, st.randoms(use_true_random=False))
def test_an_association_is_the_weaker_of_its_two_measures(p: list[float], random: object) -> None:
    hits = np.array([float(random.random() < 0.5) for _ in p])  # type: ignore[attr-defined]
    found = associate(hits, np.array(p))
    assert found.statistic == min(found.z, found.signed_root)
    assert np.isfinite(found.statistic)


def test_a_row_of_half_a_vote_counts_half() -> None:
    hits, p = np.repeat([1.0, 0.0], [30, 10]), np.full(40, 0.5)
    twice = associate(np.tile(hits, 2), np.tile(p, 2), np.full(80, 0.5))
    assert twice == pytest.approx(associate(hits, p))


def test_what_an_usual_effect_explains_is_not_beyond_it() -> None:
    p = np.full(40, 0.5)
    hits = np.repeat([1.0, 0.0], [30, 10])
    assert beyond(hits, p, np.ones(40), tilt=1.5) == 0.0
    assert beyond(np.ones(40), p, np.ones(40), tilt=0.0) > beyond(np.ones(40), p, np.ones(40), 1.5)


@given(st.floats(0.001, 0.999), st.floats(0, 12))
def test_a_tilt_raises_log_odds(p: float, tilt: float) -> None:
    raised = float(tilted(np.array([p]), tilt)[0])
    assert np.log(raised / (1 - raised)) == pytest.approx(np.log(p / (1 - p)) + tilt, abs=1e-6)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 1))
def test_precision_is_a_share(hits: int, misses: int, p: float) -> None:
    assert 0.0 <= precision_of(hits, hits + misses, p) <= 1.0


def test_precision_counts_what_the_misses_imply() -> None:
    assert precision_of(90, 99, 0.5) == pytest.approx(1 - 9.5 / 90)


def test_the_upper_tail_is_that_of_the_normal_distribution() -> None:
    assert upper_tail(np.array([0.0, 1.959964, 8.0])) == pytest.approx(
        [0.5, 0.025, 6.2e-16], rel=0.01
    )


def direct_q(p: list[float], tests: int) -> list[float]:
    """For each p, the smallest estimated share of false findings over all cuts that include it."""
    return [
        min(1.0, *(cut * tests / sum(other <= cut for other in p) for cut in p if cut >= own))
        for own in p
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 1000))
def test_q_values_equal_their_definition(p: list[float], more: int) -> None:
    tests = len(p) + more
    assert q_values(np.array(p), tests) == pytest.approx(direct_q(p, tests))


def test_no_p_values_have_no_q_values() -> None:
    assert len(q_values(np.zeros(0), 10)) == 0


def test_the_mean_pairwise_cosine_equals_the_mean_over_pairs() -> None:
    random = np.random.default_rng(2)
    units = random.normal(size=(12, 5))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    pairs = [units[i] @ units[j] for i in range(12) for j in range(i)]
    assert mean_pairwise_cosine(units) == pytest.approx(np.mean(pairs))
