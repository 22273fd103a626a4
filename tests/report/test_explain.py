import pytest

from corpus_guard import plugins
from corpus_guard.errors import UsageError
from corpus_guard.report import explain

DETECTORS = list(plugins.names("detect"))


def test_every_detector_is_listed() -> None:
    listed = explain.list_rules()
    assert all(name in listed for name in DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_says_what_how_and_on_what_grounds(name: str) -> None:
    page = explain.explain(name)
    for part in ("What:", "How it is decided:", "References:", "Attacks:", "Options:"):
        assert part in page


def test_a_rule_is_found_in_any_case() -> None:
    assert explain.explain("cg202") == explain.explain("response_triggers")


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean response_triggers\?"):
        explain.explain("response_trigers")


def test_a_far_off_name_lists_the_rules() -> None:
    with pytest.raises(UsageError, match=r"<U\+001B>.*there are CG"):
        explain.explain("\x1b]0;zzzzzzzzzzzz")


@pytest.mark.parametrize("name", plugins.names("read"))
def test_every_format_has_a_page(name: str) -> None:
    page = explain.explain(name)
    assert page.startswith(f"{name}: how this format is read")
    assert "File names: ." in page
