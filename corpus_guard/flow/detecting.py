"""Which detectors run, and that each either ran or is reported as not assessed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from corpus_guard import plugins
from corpus_guard.errors import NotAssessed, PluginError
from corpus_guard.escape import safe_text
from corpus_guard.flow.progress import Progress
from corpus_guard.plugins import Detector, Plugin, RecordCheck
from corpus_guard.sketch.corpus import Corpus
from corpus_guard.types import Finding, PluginRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The chosen detectors and record checks by plugin name, and those that were disabled."""

    detectors: Mapping[str, Detector]
    checks: Mapping[str, RecordCheck]
    disabled: tuple[str, ...]


def select(rules: Iterable[str], disable: Iterable[str]) -> Selected:
    """Return the plugins that `--rules` and `--disable` leave; both name rules or plugins.

    Raises PluginError with the nearest name for one that does not exist.
    """
    loaded = plugins.load_all("detect")
    wanted, unwanted = _matching(loaded, rules), _matching(loaded, disable)
    chosen = {
        name: p
        for name, p in loaded.items()
        if (not wanted or name in wanted) and name not in unwanted
    }
    return Selected(
        detectors={name: p.spec for name, p in chosen.items() if isinstance(p.spec, Detector)},
        checks={name: p.spec for name, p in chosen.items() if isinstance(p.spec, RecordCheck)},
        disabled=tuple(name for name in loaded if name not in chosen),
    )


def _matching(loaded: Mapping[str, Plugin], asked: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in asked:
        matches = {key for key, p in loaded.items() if name in (key, getattr(p.spec, "rule", ""))}
        if not matches:
            known = sorted({*loaded, *(str(getattr(p.spec, "rule", "")) for p in loaded.values())})
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see corpus-guard explain"
            raise PluginError(f'no rule or detector is called "{safe_text(name, 40)}"; {hint}')
        found |= matches
    return found


def detect_all(
    corpus: Corpus, selected: Selected, progress: Progress
) -> tuple[list[Finding], dict[str, PluginRun]]:
    """Return all findings, and for every plugin whether it ran."""
    findings: list[Finding] = []
    runs = {
        name: PluginRun(ran=False, reason="left out by --rules or --disable")
        for name in selected.disabled
    }
    chosen: dict[str, Detector | RecordCheck] = {**selected.checks, **selected.detectors}
    progress.start(0, "Detecting")
    for name, spec in sorted(chosen.items()):
        try:
            _require(corpus, spec)
            findings.extend(spec.run(corpus))
            runs[name] = PluginRun(ran=True)
        except NotAssessed as reason:
            runs[name] = PluginRun(ran=False, reason=str(reason))
    return findings, dict(sorted(runs.items()))


def _require(corpus: Corpus, spec: Detector | RecordCheck) -> None:
    """Raise NotAssessed when the corpus lacks what a detector needs."""
    has = {
        "input": len(corpus) > 0,
        "labels": corpus.labels is not None,
        "responses": corpus.has_responses and not corpus.has_answer_labels,
        "vectors": corpus.has_vectors,
    }
    reasons = {
        "input": "there are no rows",
        "labels": "no row has a label",
        "responses": (
            "the responses are labels; the rules for labels apply"
            if corpus.has_responses
            else "no row has a response"
        ),
        "vectors": "rows were not embedded (--embedder none)",
    }
    for need in getattr(spec, "needs", ()):
        if not has[need]:
            raise NotAssessed(reasons[need])
