"""Options and settings that are a little different, so that sketches made with them must not merge."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from corpus_guard.config import SketchSettings


def changed_options(options: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield, for each option that is a number or a truth value, a mapping of it to another value."""
    for name, value in options.items():
        if isinstance(value, bool):
            yield {name: not value}
        elif isinstance(value, int | float):
            yield {name: value + 1 if isinstance(value, int) else value * 1.5 + 0.01}


def changed_settings(settings: SketchSettings) -> Iterator[tuple[str, SketchSettings]]:
    """Yield settings of which one is different, after its name."""
    yield "seed", replace(settings, seed=settings.seed + 1)
    yield "mem_bytes", replace(settings, mem_bytes=settings.mem_bytes // 4)
    other = "none" if settings.embedder != "none" else "builtin"
    yield "embedder", replace(settings, embedder=other)
