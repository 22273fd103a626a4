import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.escape import ELLIPSIS, safe_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, and ~ signs", "plain words, and ~ signs"),
        ("naïve 漢字 עברית 🙂", "naïve 漢字 עברית 🙂"),
        ("\x1b]0;title\x07", "<U+001B>]0;title<U+0007>"),
        ("a\nb\rc\td", "a⏎b<U+000D>c<U+0009>d"),
        ("\u202eevil\u2066", "<U+202E>evil<U+2066>"),
        ("zero\u200bwidth\ufeff", "zero<U+200B>width<U+FEFF>"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("\x9b31m", "<U+009B>31m"),
        ("\ud800", "<U+D800>"),
        ("no\u00a0break\u2028", "no<U+00A0>break<U+2028>"),
        ("v\ufe0f\u2800\u3164", "v<U+FE0F><U+2800><U+3164>"),
    ],
)
def test_invisible_and_active_characters_are_spelled_out(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_at_most_four_marks_stack() -> None:
    assert safe_text("o" + "\u0336" * 50) == "o" + "\u0336" * 4


def test_a_limit_counts_source_characters() -> None:
    assert safe_text("\u200b" * 5, limit=2) == "<U+200B><U+200B>" + ELLIPSIS
    assert safe_text("ab", limit=2) == "ab"


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_what_is_shown_is_visible_on_one_line_and_stays_as_it_is(text: str) -> None:
    shown = safe_text(text)
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
    assert shown.splitlines() == ([shown] if shown else [])
    assert safe_text(shown) == shown
    shown.encode()
