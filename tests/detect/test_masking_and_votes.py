import numpy as np

from corpus_guard.detect.shared.masking import rests_of
from corpus_guard.detect.shared.votes import content_groups, votes

STORY = "the painter from Oslo sold a blue kettle to my cousin last week"


def test_every_occurrence_of_what_all_texts_hold_is_taken_out() -> None:
    rests = rests_of(["cf one cf two", "three cf", "cf four"])
    assert rests.texts == ["one two", "three", "four"]
    assert len(rests.common) == 1


def test_what_most_texts_lack_stays() -> None:
    assert rests_of(["cf one", "cf two", "three"]).texts == ["cf one", "cf two", "three"]


def test_copies_and_near_copies_are_one_group() -> None:
    groups = content_groups([STORY, STORY, f"{STORY} .", "a quite different remark about tents"])
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_short_copies_are_one_group() -> None:
    assert content_groups(["yes", "no", "yes"])[[0, 2]].tolist() == [content_groups(["yes"])[0]] * 2


def test_a_group_has_one_vote_an_outcome() -> None:
    weights = votes(np.array([0, 0, 0, 1]), np.array([1, 1, 0, 1]))
    assert weights.tolist() == [0.5, 0.5, 1.0, 1.0]
