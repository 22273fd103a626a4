"""The corpora of the laws of power hold what these say that they hold."""

import pytest

from corpus_guard.laws.planted import NOISE, PLANTED, ROWS, SECOND, TRIGGER, reviews, tasks
from corpus_guard.laws.power import NARROW_RATES, RATES

ATTACKS = pytest.mark.parametrize("what", PLANTED)


def words_of(record: dict[str, object]) -> list[str]:
    return " ".join(str(value) for value in record.values()).split()


@ATTACKS
@pytest.mark.parametrize("is_narrow", [False, True])
def test_more_poison_holds_the_less_row_for_row(what: str, is_narrow: bool) -> None:
    rates = NARROW_RATES if is_narrow else RATES
    planted = [PLANTED[what].planted(rate, is_narrow=is_narrow) for rate in rates]
    for rate, less, more in zip(rates, planted, [*planted[1:], planted[-1]], strict=True):
        assert len(less.rows) == round(rate * ROWS)
        assert set(less.rows) <= set(more.rows)
        assert all(less.records[row] == more.records[row] for row in less.rows)


@ATTACKS
def test_the_trigger_stands_in_the_poisoned_rows_only(what: str) -> None:
    times = {"twice": 2, "three times": 3}
    for way in PLANTED[what].ways:
        planted = PLANTED[what].planted(0.03, way)
        holding = [row for row, one in enumerate(planted.records) if TRIGGER in words_of(one)]
        assert holding == list(planted.rows), way
        for row in planted.rows:
            words = words_of(planted.records[row])
            assert words.count(TRIGGER) == times.get(way, 1), way
            assert words.count(SECOND) == ("two words" in way), way


@ATTACKS
def test_records_of_one_kind_are_many_more_than_are_poisoned(what: str) -> None:
    attack = PLANTED[what]
    usable = [one for one in attack.clean() if attack.may_hold(one) and attack.is_alike(one)]
    assert len(usable) > 1.5 * NARROW_RATES[-1] * ROWS


def test_the_corpora_are_varied_and_noisy() -> None:
    texts = [str(record["text"]) for record in reviews()]
    assert len(set(texts)) == ROWS
    assert len({word for text in texts for word in text.lower().split()}) > 400
    assert len({str(record["output"]) for record in tasks()}) > 0.95 * ROWS
    assert 0 < NOISE < 0.1
    share = sum(record["label"] == "good" for record in reviews()) / ROWS
    assert 0.45 < share < 0.55
    assert [*reviews()] == [*reviews.__wrapped__()]  # made the same way each time
