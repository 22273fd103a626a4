from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.normalise.fields import LONGEST_PATH, as_text, field_value, leaves
from corpus_guard.normalise.turns import chat_turns, is_message_list

RECORD = {"a": {"b": {"c": "deep"}, "n": None}, "a.n": "whole", "list": [{"b": "x"}], "": "no name"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a.b.c", "deep"),
        ("a.b", {"c": "deep"}),
        ("a.n", "whole"),
        ("", "no name"),
        ("b", None),
        ("a.c", None),
        ("a.b.c.d", None),
        ("a.n.x", None),
        ("list.b", None),
        ("a..b", None),
        (".", None),
    ],
)
def test_a_field_is_found_by_its_name_or_else_by_its_path(name: str, value: object) -> None:
    assert field_value(RECORD, name) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("as it is\n", "as it is\n"),
        ("\ud800", "\ud800"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (10**400, "1" + "0" * 400),
        (1.0, "1"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (float(2**53), "9007199254740992.0"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (b"bytes", "bytes"),
        (b"\xff", "\ufffd"),
        (Decimal("1.10"), "1.10"),
        (date(2024, 5, 6), "2024-05-06"),
        (datetime(2024, 5, 6, 7, 8, tzinfo=UTC), "2024-05-06 07:08:00+00:00"),
        (timedelta(seconds=90), "0:01:30"),
        ([], ""),
        ({}, ""),
        (["a", 1.0, None, True], "a\n1\ntrue"),
        (("a", "b"), "a\nb"),
        ({"a": "x", "b": {"c": "y"}}, "a: x\nb.c: y"),
        ([("key", "value")], "key\nvalue"),
    ],
)
def test_every_value_has_its_text(value: object, text: str | None) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("x", [("", "x")]),
        (7, [("", "7")]),
        (None, []),
        ("", []),
        ([[], {}, [None, ""]], []),
        ({"a": {"b": "x", "c": 1}}, [("a.b", "x"), ("a.c", "1")]),
        ({"a": {"": "x"}}, [("a.", "x")]),
        ({1: {None: "x"}}, [("1.None", "x")]),
        (["x", ["y", {"a": "z"}]], [("", "x"), ("", "y"), ("a", "z")]),
        ({"a": ["x", "y"], "b": "z"}, [("a", "x"), ("", "y"), ("b", "z")]),
        ({"a": [None, "", [], "x"]}, [("a", "x")]),
        ({"a": [{"b": "x"}, {"b": "y"}]}, [("a.b", "x"), ("b", "y")]),
    ],
)
def test_leaves_come_in_order_with_their_paths(value: object, found: list[tuple[str, str]]) -> None:
    assert list(leaves(value)) == found


def test_a_leaf_is_whole_at_any_depth() -> None:
    value: object = "zero\u200bwidth"
    for _ in range(5000):
        value = {"k": [value]}
    assert list(leaves(value))[-1][1] == "zero\u200bwidth"


def test_a_path_of_any_length_is_given_once() -> None:
    name = "n" * 5000
    found = list(leaves({name: {"a": {"b": ["x", "y"], "c": "z"}}}))
    assert found == [("", name), ("a.b", "x"), ("", "y"), ("a.c", "z")]


@pytest.mark.parametrize("below", [[0] * 1000, [{"a": 0}] * 1000, {str(n): 0 for n in range(1000)}])
def test_names_do_not_multiply_the_text(below: object) -> None:
    wide = {"outer" * 20: {"n" * 100_000: below}}
    assert len(as_text(wide) or "") < 150_000 + 1000 * LONGEST_PATH


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ([{"role": "user", "content": "x"}], True),
        ([{"from": "human", "value": "x"}], True),
        ([{"speaker": "A", "text": "x"}], True),
        ([{"role": None, "from": "human", "value": "x"}], True),
        ([{"role": "user"}, "stray", None, {"content": "x"}], True),
        ([{"content": "x"}], False),
        ([{"role": None}], False),
        (["user", "assistant"], False),
        ([], False),
        ({"role": "user", "content": "x"}, False),
        ("role", False),
        (None, False),
    ],
)
def test_a_message_list_is_one_that_holds_roles(value: object, answer: bool) -> None:
    assert is_message_list(value) is answer


PROMPT, RESPONSE, REST = range(3)


@pytest.mark.parametrize(
    ("role", "place"),
    [
        *((role, PROMPT) for role in ("system", "developer", "user", "human", "prompter", "User")),
        *(
            (role, RESPONSE)
            for role in ("assistant", "gpt", "bot", "model", "chatgpt", "ASSISTANT")
        ),
    ],
)
@pytest.mark.parametrize(
    ("who", "what"), [("role", "content"), ("from", "value"), ("speaker", "text")]
)
def test_a_turn_goes_where_its_role_says(role: str, place: int, who: str, what: str) -> None:
    turns = chat_turns([{who: role, what: "said"}])
    assert turns[place] == ["said"]
    assert sum(map(len, turns)) == 1


OTHERS: dict[str, tuple[object, list[str]]] = {
    "no role": ({"content": "said"}, ["said"]),
    "a text": ("said", ["said"]),
    "a number": (7, ["7"]),
    "a list": (["a", "b"], ["a\nb"]),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_turn_goes_to_the_rest(case: str) -> None:
    message, rest = OTHERS[case]
    assert chat_turns([message]) == ([], [], rest)


EXTRAS: dict[str, tuple[dict[str, object], str, list[str]]] = {
    "a name": ({"content": "said", "name": "Ann"}, "said", ["name: Ann"]),
    "two texts": ({"content": "said", "text": "more"}, "said", ["text: more"]),
    "an empty text": ({"content": "", "value": "said"}, "said", []),
    "two roles": ({"content": "said", "from": "x"}, "said", ["from: x"]),
    "tool calls": (
        {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        "",
        ["tool_calls: function.name: f\nfunction.arguments: {}"],
    ),
    "parts": ({"content": [{"type": "text", "text": "a"}, "b", None]}, "a\nb", []),
    "a picture": (
        {"content": [{"type": "text", "text": "a"}, {"type": "image", "url": "u"}]},
        "a",
        ["type: image\nurl: u"],
    ),
    "parts under value": ({"value": [{"text": "a", "x": "b"}]}, "a", ["x: b"]),
    "nested content": ({"content": {"parts": ["a", "b"]}}, "a\nb", []),
    "a weight": ({"content": "said", "weight": 0}, "said", ["weight: 0"]),
    "nothing else": ({"content": "said", "tool_calls": [], "name": None, "x": ""}, "said", []),
}


@pytest.mark.parametrize("case", EXTRAS)
def test_what_else_a_message_holds_goes_to_the_rest(case: str) -> None:
    message, said, rest = EXTRAS[case]
    assert chat_turns([{"role": "user", **message}]) == ([said], [], rest)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(value=values)
def test_no_value_is_a_crash(value: object) -> None:
    assert value is None or isinstance(as_text(value), str)
    assert all(text for _, text in leaves(value))
    for texts in chat_turns(value):
        assert all(isinstance(text, str) for text in texts)
