"""Finds poisoned records in the data that language models are trained on.

    import corpus_guard

    result = corpus_guard.scan("data.jsonl")
    for finding in result.findings:
        print(finding.severity, finding.title, len(finding.rows))

The names in `__all__` are the public ones. They are loaded when first used, so that importing the
package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpus_guard.api import probe_model, scan
    from corpus_guard.config import FieldOverrides, ReadOptions, ScanOptions
    from corpus_guard.errors import (
        CorpusGuardError,
        MergeError,
        NotAssessed,
        NotPresent,
        PluginError,
        UnreadableTarget,
        UsageError,
    )
    from corpus_guard.probe_types import ProbeResult
    from corpus_guard.types import Coverage, Finding, ScanResult

__version__ = "0.1.0"

__all__ = [
    "CorpusGuardError",
    "Coverage",
    "FieldOverrides",
    "Finding",
    "MergeError",
    "NotAssessed",
    "NotPresent",
    "PluginError",
    "ProbeResult",
    "ReadOptions",
    "ScanOptions",
    "ScanResult",
    "UnreadableTarget",
    "UsageError",
    "__version__",
    "probe_model",
    "scan",
]

_HOME = {
    "probe_model": "api",
    "scan": "api",
    "FieldOverrides": "config",
    "ReadOptions": "config",
    "ScanOptions": "config",
    "ProbeResult": "probe_types",
    "Coverage": "types",
    "Finding": "types",
    "ScanResult": "types",
}


def __getattr__(name: str) -> object:
    """Return a public name from the module it lives in."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOME.get(name, 'errors')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})
