import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from corpus_guard import plugins
from corpus_guard.errors import PluginError
from corpus_guard.plugins import Detector, RecordCheck
from corpus_guard.report.explain import explain

DETECTORS = plugins.load_all("detect")
every_detector = pytest.mark.parametrize("name", sorted(DETECTORS))
every_plugin = pytest.mark.parametrize(
    ("stage", "name"),
    [(stage, name) for stage in ("read", "sketch", "detect") for name in plugins.names(stage)],
)


def spec_of(name: str) -> Detector | RecordCheck:
    spec = DETECTORS[name].spec
    assert isinstance(spec, Detector | RecordCheck)
    return spec


@every_detector
@pytest.mark.parametrize(
    "part",
    ["^What: ", "^How it is decided: ", "^False alarms: ", "^What it misses: ", "^References: "],
)
def test_every_detector_tells_what_it_finds_and_when_it_is_wrong(name: str, part: str) -> None:
    assert re.search(part, DETECTORS[name].doc, re.MULTILINE)


@every_detector
def test_every_detector_has_a_rule_of_its_family(name: str) -> None:
    assert re.fullmatch(r"CG[1-6]\d\d", spec_of(name).rule)


def test_no_rule_is_given_twice() -> None:
    rules = [spec_of(name).rule for name in DETECTORS]
    assert len(set(rules)) == len(rules)


@every_detector
def test_every_detector_names_what_it_finds(name: str) -> None:
    assert spec_of(name).title
    assert all(spec_of(name).attacks)


@every_plugin
def test_the_first_line_of_every_plugin_is_a_sentence(stage: plugins.Stage, name: str) -> None:
    assert re.match(r"[A-Z]\S* .*?[.]", plugins.load(stage, name).doc.split("\n\n")[0], re.DOTALL)


@every_plugin
def test_every_option_is_on_the_page_of_its_plugin(stage: plugins.Stage, name: str) -> None:
    page, options = explain(name), plugins.load(stage, name).options
    assert all(f"{option} = {default!r}" in page for option, default in options.items())


@every_detector
def test_every_option_has_a_default(name: str) -> None:
    assert all(isinstance(value, int | float | str) for value in DETECTORS[name].options.values())


@pytest.mark.parametrize("stage", ["sketch", "detect"])
def test_needs_are_sketches(stage: plugins.Stage) -> None:
    asked = {
        need
        for plugin in plugins.load_all(stage).values()
        for name in ("needs", "uses")
        for need in getattr(plugin.spec, name, ())
    }
    assert asked <= set(plugins.names("sketch"))


@pytest.mark.parametrize("stage", ["read", "sketch", "detect", "probe", "attack"])
def test_listing_names_loads_no_plugin(stage: str) -> None:
    code = (
        "import sys; from corpus_guard import plugins; "
        f"found = plugins.names({stage!r}); "
        "print([path for path in found.values() if path in sys.modules], 'numpy' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split("\n")[0].startswith("[]")


def registered(*points: tuple[str, str]) -> Callable[..., Any]:
    """Return what `entry_points` answers when third parties registered detectors."""

    def entry_points(*, group: str) -> list[EntryPoint]:
        return [
            EntryPoint(name=name, value=value, group=group)
            for name, value in points
            if group == "corpus_guard.detect"
        ]

    return entry_points


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    forget()
    yield lambda *points: monkeypatch.setattr(plugins, "entry_points", registered(*points))
    forget()


def forget() -> None:
    """Let the next question see what is registered now."""
    plugins.names.cache_clear()
    plugins.load.cache_clear()


def test_a_third_party_detector_is_listed(register: Callable[..., None]) -> None:
    register(("their_check", "their_package.check"))
    assert plugins.names("detect")["their_check"] == "their_package.check"


def test_a_third_party_detector_is_loaded(register: Callable[..., None]) -> None:
    register(("their_check", "corpus_guard.detect.hidden_html"))
    assert plugins.load("detect", "their_check").spec is spec_of("hidden_html")


def test_a_name_in_use_is_refused(register: Callable[..., None]) -> None:
    register(("hidden_html", "their_package.check"))
    with pytest.raises(PluginError, match=r"called 'hidden_html'.*their_package\.check"):
        plugins.names("detect")


def test_a_name_given_twice_by_third_parties_is_refused(register: Callable[..., None]) -> None:
    register(("same", "one.check"), ("same", "two.check"))
    with pytest.raises(PluginError, match=r"two\.check"):
        plugins.names("detect")


def test_a_plugin_that_cannot_be_imported_is_named(register: Callable[..., None]) -> None:
    register(("broken", "no_such_package.check"))
    with pytest.raises(PluginError, match=r"'broken' cannot be loaded.*no_such_package"):
        plugins.load("detect", "broken")


def test_a_module_without_a_plugin_is_refused(register: Callable[..., None]) -> None:
    register(("nothing", "corpus_guard.escape"))
    with pytest.raises(PluginError, match="exactly one decorated function, it has 0"):
        plugins.load("detect", "nothing")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(PluginError, match="did you mean 'hidden_html'"):
        plugins.load("detect", "hiden_html")


def test_a_stage_without_plugins_has_no_names() -> None:
    assert plugins.names("attack") == {}


def test_a_record_check_has_room_for_eight_kinds() -> None:
    kinds = tuple("abcdefghi")
    with pytest.raises(PluginError, match="room for 8"):
        plugins.record_check(rule="CG499", title="t", kinds=kinds, attacks=("a",), scan=len)
