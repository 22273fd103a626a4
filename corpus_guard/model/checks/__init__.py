"""Judgements on a model's files, one file each. Nothing of a model is run, unpickled or followed."""

import inspect

from corpus_guard.model.checks import (
    chat_templates,
    consistency,
    outside_paths,
    pickles,
    shipped_code,
    weight_headers,
)
from corpus_guard.model.files import Folder
from corpus_guard.probe_types import FileFinding
from corpus_guard.types import SEVERITIES

_CHECKS = (shipped_code, pickles, outside_paths, weight_headers, chat_templates, consistency)


def judge(folder: Folder) -> tuple[FileFinding, ...]:
    """Return what all checks find, the worst first."""
    found = (finding for check in _CHECKS for finding in check.check(folder))
    return tuple(sorted(found, key=_order))


def pages() -> dict[str, str]:
    """Return what each rule finds and how it decides, by rule."""
    docs = (inspect.getdoc(check) or "" for check in _CHECKS)
    return {doc[:5]: doc for doc in docs}


def _order(finding: FileFinding) -> tuple[int, str, str]:
    return SEVERITIES.index(finding.severity), finding.rule, finding.file
