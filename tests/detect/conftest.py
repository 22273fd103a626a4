from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

import corpus_guard as cg
from corpus_guard.types import Finding

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("steady")

Find = Callable[..., list[Finding]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Return a function that scans records or a path with one rule and returns its findings."""

    def scan(target: str | Path | Iterable[Mapping[str, object]], rule: str) -> list[Finding]:
        found = cg.scan(target, rules=(rule,), out=tmp_path / "out").findings
        assert {finding.rule for finding in found} <= {rule}
        return list(found)

    return scan
