import pytest
from corpora import Record

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise import detect_layout
from corpus_guard.types import Layout


def layout_of(*fields: tuple[str, str], **named: str) -> Layout:
    records: list[Record] = [
        {name: pattern.replace("#", str(place)) for name, pattern in fields} for place in range(40)
    ]
    return detect_layout(records, FieldOverrides(**named))


ASKS, SAYS, MORE = (
    "How do I mend number # now?",
    "You mend number # with care.",
    "Number # is old news.",
)


@pytest.mark.parametrize(
    "names",
    [
        ("问题", "回答"),
        ("Question", "Best Answer"),
        ("frage", "antwort"),
        ("userQuestion", "modelReply"),
    ],
)
def test_names_of_many_languages_settle_the_roles(names: tuple[str, str]) -> None:
    found = layout_of((names[0], SAYS), (names[1], MORE))
    assert found.roles == {"prompt": (names[0],), "response": (names[1],)}
    assert found.turned == ()


@pytest.mark.parametrize("is_reversed", [False, True])
def test_question_marks_settle_the_roles(*, is_reversed: bool) -> None:
    fields = [("f1", ASKS), ("c2", SAYS)]
    found = layout_of(*(fields[::-1] if is_reversed else fields))
    assert found.roles == {"prompt": ("f1",), "response": ("c2",)}
    assert found.turned == ()


def test_texts_of_unknown_roles_are_read_each_way() -> None:
    found = layout_of(("f1", SAYS), ("c2", MORE))
    assert found.roles == {"prompt": ("f1",), "response": ("c2",)}
    assert found.turned == ({"prompt": ("c2",), "response": ("f1",)},)


def test_each_of_three_texts_is_read_as_the_response() -> None:
    found = layout_of(("a1", SAYS), ("b2", MORE), ("c3", "Third # of the texts."))
    answers = [found.roles["response"], *(ways["response"] for ways in found.turned)]
    assert sorted(answers) == [("a1",), ("b2",), ("c3",)]


def test_what_the_user_names_is_settled() -> None:
    found = layout_of(("f1", SAYS), ("c2", MORE), prompt="c2", response="f1")
    assert found.roles == {"prompt": ("c2",), "response": ("f1",)}
    assert found.turned == ()


def test_a_text_beside_a_text_is_tested_as_its_response_and_the_other_way() -> None:
    found = layout_of(("text", SAYS), ("notes", MORE))
    assert found.roles == {"text": ("text",)}
    assert [ways["response"] for ways in found.turned] == [("notes",), ("text",)]


def test_a_short_heading_belongs_to_its_text() -> None:
    assert layout_of(("title", "On the #"), ("text", SAYS * 12)).turned == ()


def test_other_fields_of_few_values_are_tested_as_the_label_too() -> None:
    records: list[Record] = [
        {"w": SAYS.replace("#", str(place)), "a": "xy"[place % 2], "b": "uvw"[place % 3]}
        for place in range(60)
    ]
    found = detect_layout(records, FieldOverrides())
    assert found.roles == {"text": ("w",), "label": ("a",)}
    assert [ways["label"] for ways in found.turned] == [("b",)]


def test_varied_short_texts_are_no_label_whatever_their_field_is_called() -> None:
    assert layout_of(("input", SAYS), ("target", MORE)).roles["response"] == ("target",)


@pytest.mark.parametrize("name", ["label", "y"])
def test_a_label_beside_two_texts_of_unknown_roles_is_one(name: str) -> None:
    records: list[Record] = [
        {
            "f1": SAYS.replace("#", str(place)),
            "c2": MORE.replace("#", str(place)),
            name: "ab"[place % 2],
        }
        for place in range(600)
    ]
    found = detect_layout(records, FieldOverrides())
    assert found.roles == {"text": ("f1", "c2"), "label": (name,)}
    assert sorted(ways["response"] for ways in found.turned) == [("c2",), ("f1",)]
