import pytest

from corpus_guard.report import words


@pytest.mark.parametrize(
    ("amount", "told"),
    [(1, "1 row"), (0, "0 rows"), (1200, "1,200 rows")],
)
def test_nouns_agree_with_their_number(amount: int, told: str) -> None:
    assert words.counted(amount, "row") == told


@pytest.mark.parametrize(
    ("size_bytes", "told"),
    [
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (3 << 20, "3.0 MiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_sizes_have_a_fitting_unit(size_bytes: int, told: str) -> None:
    assert words.size(size_bytes) == told


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (0.0, "0.0 %"),
        (0.00001, "under 0.1 %"),
        (0.005, "0.5 %"),
        (0.5, "50 %"),
        (0.995, "99.5 %"),
        (0.99999, "over 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_shares_are_never_rounded_to_all_or_nothing(part: float, told: str) -> None:
    assert words.share(part) == told


def test_key_numbers_are_put_into_words() -> None:
    told = words.statistics({"statistic": 13.25, "purity": 0.97, "z": 1.0}, 0.002)
    assert told == [
        "97 % of the trigger's rows agree",
        "13.25 standard deviations beyond chance",
        "q-value 0.002",
    ]


def test_unknown_numbers_keep_their_name() -> None:
    assert words.statistics({"odd_share": 3}, 1.0) == ["odd share 3", "q-value 1"]


def test_the_list_of_numbers_is_short() -> None:
    assert len(words.statistics({f"n{i}": i for i in range(40)}, 1.0)) == words.SHOWN_NUMBERS + 1


def test_the_weighing_tells_the_weightiest_kind_first() -> None:
    evidence = {
        "log_odds": 5.75, "log_odds_prior": -2.3, "log_odds_of_place": 2.04,
        "log_odds_of_strength": 8.0, "log_odds_of_contradiction": -1.99, "statistic": 9.0,
    }  # fmt: skip
    assert words.weighing(evidence) == (
        "strength +8.0 · place +2.0 · contradiction -2.0; in all +5.8, that is 300 to 1 for a trigger"
    )


@pytest.mark.parametrize(
    ("log_odds", "told"),
    [
        (0.0, "1 to 1 for a trigger"),
        (-3.5, "30 to 1 against a trigger"),
        (40.0, "over 1,000,000 to 1 for a trigger"),
    ],
)
def test_odds_are_no_more_precise_than_they_are(log_odds: float, told: str) -> None:
    assert words.weighing({"log_odds": log_odds, "log_odds_of_x": 1.0}).endswith(told)


def test_what_weighs_nothing_is_not_told() -> None:
    assert words.weighing({"statistic": 3.0}) == words.weighing({"log_odds": 3.0}) == ""
