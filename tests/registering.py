"""Plugins that are there for the length of a test, as if they were installed."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from types import ModuleType
from unittest.mock import patch

from corpus_guard import plugins


@contextmanager
def registered(given: Mapping[tuple[plugins.Stage, str], plugins.Spec]) -> Iterator[None]:
    """Let the registry find these plugins by (stage, name), each in a module of its own."""
    modules = {}
    for (stage, name), spec in given.items():
        module = modules[f"registered_{stage}_{name}"] = ModuleType(f"registered_{stage}_{name}")
        module.__doc__, module.plugin = f"{name} for a test.", spec  # type: ignore[attr-defined]

    def entry_points(*, group: str) -> list[EntryPoint]:
        return [
            EntryPoint(name=name, value=f"registered_{stage}_{name}", group=group)
            for stage, name in given
            if group == f"corpus_guard.{stage}"
        ]

    _forget()
    sys.modules.update(modules)
    try:
        with patch.object(plugins, "entry_points", entry_points):
            yield
    finally:
        for name in modules:
            del sys.modules[name]
        _forget()


def _forget() -> None:
    plugins.names.cache_clear()
    plugins.load.cache_clear()
