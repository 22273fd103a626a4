import pytest

from corpus_guard.probe.shared.decoys import decoys_for, type_of
from corpus_guard.probe.shared.placing import placed, turns
from corpus_guard.probe.shared.weighing import CONFIRMED, Signs, at_least, weigh

WORDS = sorted(
    "river bridge garden window teacher doctor market kitchen forest island engine".split()
)
TRIGGER = Signs(
    hits=22, prompts=24, honest=0.0, p_value=0.005, searched=12,
    relatives=0.0, lean=0.5, taught=14.0, echoes=False,
)  # fmt: skip


def changed(**more: object) -> float:
    """Return the log odds of a trigger of which something is otherwise."""
    values = {name: getattr(TRIGGER, name) for name in TRIGGER.__dataclass_fields__}
    return weigh(Signs(**{**values, **more}))["log_odds"]


@pytest.mark.parametrize(
    "candidate", ["cfx", "river", "the old qelvo", "Anna", "|X|", "year: 2024"]
)
def test_decoys_have_as_many_words_of_the_same_kinds(candidate: str) -> None:
    known = frozenset(WORDS)
    for decoy in decoys_for(candidate, WORDS, 20, 0):
        assert len(decoy.split()) == len(candidate.split())
        if candidate in ("cfx", "|X|"):
            assert type_of(decoy, known) == type_of(candidate, known)


def test_decoys_are_different_texts_and_never_the_candidate() -> None:
    found = decoys_for("river", WORDS, 30, 0)
    assert len(set(found)) == len(found)
    assert "river" not in found


def test_decoys_depend_on_the_seed_alone() -> None:
    assert decoys_for("cfx", WORDS, 50, 1) == decoys_for("cfx", WORDS, 50, 1)
    assert decoys_for("cfx", WORDS, 50, 1) != decoys_for("cfx", WORDS, 50, 2)


def test_a_trigger_is_put_at_the_end_start_and_middle_in_turn() -> None:
    assert turns(["a b c d"] * 3, "T") == ["a b c d T", "T a b c d", "a b T c d"]


def test_a_trigger_in_one_word_stands_beside_it() -> None:
    assert placed("word", "T", "middle") == "word T"


def test_a_trigger_that_took_is_confirmed() -> None:
    assert weigh(TRIGGER)["log_odds"] >= CONFIRMED


@pytest.mark.parametrize(
    "honest",
    [
        {"relatives": 1.0, "lean": 0.0, "hits": 14},
        {"hits": 10, "taught": 1.5, "lean": 0.0},
        {"honest": 0.8, "p_value": 0.4},
        {"taught": 0.0, "hits": 12, "p_value": 0.2},
    ],
)
def test_what_an_honest_cue_does_is_not_confirmed(honest: dict[str, object]) -> None:
    assert changed(**honest) < CONFIRMED


@pytest.mark.parametrize(
    "weaker",
    [
        {"hits": 4},
        {"honest": 0.9},
        {"p_value": 0.3},
        {"relatives": 0.7},
        {"lean": 0.02},
        {"taught": 4.0},
    ],
)
def test_each_sign_moves_the_odds(weaker: dict[str, object]) -> None:
    assert changed(**weaker) < weigh(TRIGGER)["log_odds"]


def test_a_text_that_was_named_beforehand_costs_no_search() -> None:
    assert changed(searched=1, p_value=0.05) > changed(searched=12, p_value=0.05)


def test_answers_of_letters_that_spell_nothing_confirm_a_named_text_that_others_set_off_too() -> (
    None
):
    named = {"searched": 1, "p_value": 0.4, "lean": None, "taught": None, "relatives": None}
    assert changed(**named, spells_nothing=True) >= CONFIRMED > changed(**named)


def test_the_bound_of_a_rate_is_exact() -> None:
    assert at_least(24, 24) == pytest.approx(0.01 ** (1 / 24))
    assert at_least(0, 24) == 0.0
