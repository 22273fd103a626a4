"""The laws catch plugins that are broken on purpose, and let sound ones through."""

import pytest
from broken_plugins import ATTACK, BROKEN, CLEAN, SOUND, Broken
from registering import registered

from corpus_guard import laws


def laws_of(name: str, broken: Broken) -> tuple[laws.Law, ...]:
    if broken.stage == "sketch":
        return laws.laws_of("sketch", name)
    return laws.laws_of("detect", name, attack=ATTACK, clean=CLEAN)


def broken_laws(name: str, broken: Broken, only: str = "") -> dict[str, str]:
    """Return the laws that a plugin does not keep, or `only` one, and what they say."""
    found = {}
    with registered({(broken.stage, name): broken.spec}):
        for law in (law for law in laws_of(name, broken) if only in ("", law.name)):
            try:
                law.check()
            except laws.LawBroken as told:
                found[law.name] = str(told)
            except laws.NotComparable:
                pass
    return found


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_caught_by_the_law_that_it_breaks(name: str) -> None:
    told = broken_laws(name, BROKEN[name], only=BROKEN[name].law)
    assert BROKEN[name].law in told
    assert told[BROKEN[name].law].startswith(f"{name} breaks the law {BROKEN[name].law} (")


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_plugin_keeps_all_laws(name: str) -> None:
    assert broken_laws(name, SOUND[name]) == {}
