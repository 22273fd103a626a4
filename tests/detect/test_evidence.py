import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.detect.shared.evidence import CRITICAL_SHARE, HIGH, MEDIUM, Weighed, bounded
from corpus_guard.detect.shared.weighing import (
    Population,
    log_density,
    log_expected_above,
    population,
)

SEVERITIES = ("low", "medium", "high", "critical")
USUAL = Population(-4.0, 2.0)


def weighed(**kinds: float) -> Weighed:
    return Weighed(prior=-2.0, kinds=kinds)


def test_kinds_add_up_with_the_prior() -> None:
    assert weighed(strength=5.0, place=-1.5).log_odds == 1.5


@pytest.mark.parametrize(
    ("log_odds", "severity"),
    [(HIGH, "high"), (MEDIUM, "medium"), (MEDIUM - 0.01, "low")],
)
def test_the_sum_decides_the_severity(log_odds: float, severity: str) -> None:
    assert weighed(strength=log_odds + 2.0).severity == severity


@pytest.mark.parametrize(("log_odds", "severity"), [(HIGH, "critical"), (MEDIUM, "medium")])
def test_what_is_high_in_many_records_is_critical(log_odds: float, severity: str) -> None:
    one = Weighed(prior=0.0, kinds={"strength": log_odds}, share=CRITICAL_SHARE)
    assert one.severity == severity


@given(st.floats(-20, 20), st.floats(0, 10))
def test_more_evidence_is_never_less_severe(log_odds: float, more: float) -> None:
    first, second = weighed(place=log_odds), weighed(place=log_odds, strength=more)
    assert SEVERITIES.index(second.severity) >= SEVERITIES.index(first.severity)
    assert second.score >= first.score


def test_every_kind_stands_in_the_numbers() -> None:
    assert weighed(strength=5.0, place=-1.5).numbers == {
        "log_odds": 1.5, "log_odds_prior": -2.0,
        "log_odds_of_strength": 5.0, "log_odds_of_place": -1.5,
    }  # fmt: skip


def test_a_bounded_kind_has_no_veto() -> None:
    assert (bounded(-1e9), bounded(1e9), bounded(0.5)) == (-4.0, 4.0, 0.5)
    assert (bounded(-1e9, -5.0, 6.5), bounded(1e9, -5.0, 6.5)) == (-5.0, 6.5)


def test_a_population_without_values_is_the_usual_one() -> None:
    assert population(np.zeros(0), USUAL, 0.1) == USUAL


def test_a_population_of_many_values_is_their_own() -> None:
    values = np.random.default_rng(1).normal(3.0, 0.5, 4000)
    assert population(values, USUAL, 0.1) == pytest.approx(Population(3.0, 0.5), rel=0.05)


def test_a_few_outliers_do_not_move_a_population() -> None:
    values = np.random.default_rng(1).normal(3.0, 0.5, 400)
    moved = population(np.append(values, [100.0] * 20), USUAL, 0.1)
    assert moved == pytest.approx(population(values, USUAL, 0.1), rel=0.1)


def test_a_density_is_highest_in_the_middle() -> None:
    of = Population(1.0, 0.5)
    assert log_density(1.0, of) > log_density(1.4, of) > log_density(3.0, of)


def test_as_many_honest_values_are_expected_above_as_an_exponential_tail_says() -> None:
    others = np.random.default_rng(2).exponential(2.0, 3000)
    told = log_expected_above(24.0, others)
    assert told == pytest.approx(np.log(3000) - 24.0 / 2.0, abs=2.5)


def test_the_same_strength_is_rarer_where_honest_words_are_weak() -> None:
    random = np.random.default_rng(3)
    weak, strong = random.exponential(1.0, 100), random.exponential(30.0, 100)
    assert log_expected_above(50.0, weak) < -10 < 0 < log_expected_above(50.0, strong)


def test_some_triggers_among_the_others_do_not_hide_one_more() -> None:
    honest = np.random.default_rng(4).exponential(1.0, 100)
    alone = log_expected_above(50.0, honest)
    assert log_expected_above(50.0, np.append(honest, [60.0] * 4)) < alone / 2 < -5


def test_nothing_to_compare_with_says_that_strength_is_rare() -> None:
    assert log_expected_above(10.0, np.zeros(0)) < -5


def test_one_other_of_the_same_strength_is_no_tail() -> None:
    assert log_expected_above(50.0, np.array([52.0, 3.0])) < -5
