import pytest

from .conftest import Find


@pytest.mark.parametrize(
    "text",
    [
        "log in to p\u0430ypal now",  # Cyrillic a inside
        "\u0430pple at the start",
        "goo\u0261 and micros\u043eft",  # Cyrillic o
        "\u0391lpha with a Greek capital",
    ],
)
def test_words_of_mixed_script_are_found(text: str, find: Find) -> None:
    found = find([{"text": "paypal apple"}, {"text": text}], "CG402")
    assert [(f.severity, f.rows, f.rows_flagged) for f in found] == [("low", (1,), ())]


@pytest.mark.parametrize(
    "text",
    [
        "\u041c\u043e\u0441\u043a\u0432\u0430 and London",
        "\u0391\u03b8\u03ae\u03bd\u03b1, Athens",
        "5 \u00b5m, 10 k\u03a9, \u03c0r\u00b2, \u0394x",
        "na\u00efve caf\u00e9",
    ],
)
def test_scripts_side_by_side_are_let_through(text: str, find: Find) -> None:
    assert find([{"text": text}], "CG402") == []
