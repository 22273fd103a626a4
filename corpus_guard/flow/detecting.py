"""Which detectors run, and that each either ran or is reported as not assessed."""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard import plugins
from corpus_guard.errors import CorpusGuardError, NotAssessed, PluginError, PluginFailed
from corpus_guard.escape import safe_text, why_failed
from corpus_guard.flow.progress import Progress
from corpus_guard.plugins import Detector, Plugin, RecordCheck, options_of
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding, PluginRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The chosen detectors and record checks by plugin name, and those that were disabled."""

    detectors: Mapping[str, Detector]
    checks: Mapping[str, RecordCheck]
    disabled: tuple[str, ...]

    @property
    def chosen(self) -> dict[str, Detector | RecordCheck]:
        """All chosen plugins by name."""
        return {**self.checks, **self.detectors}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What the detectors found, and for every plugin whether it ran."""

    findings: list[Finding]
    runs: Mapping[str, PluginRun]


def detect_all(
    corpus: Corpus, selected: Selected, failures: Mapping[str, str], progress: Progress
) -> Detected:
    """Run all detectors; one that breaks down is told, and the others go on.

    `failures` says which record checks broke down while reading. With CORPUS_GUARD_DEBUG=1 what a
    detector raises is raised on.
    """
    findings: list[Finding] = []
    runs = {
        name: PluginRun(ran=False, reason="left out by --rules or --disable")
        for name in selected.disabled
    }
    progress.start(0, "Detecting")
    for name, spec in sorted(selected.chosen.items()):
        run = PluginRun(ran=True)
        try:
            if name in failures:
                raise PluginFailed(f"broke down: {failures[name]}")
            for need in getattr(spec, "needs", ()):
                corpus.evidence(need, object)
            findings.extend(spec.run(corpus, **_options(corpus, name, spec)))
        except NotAssessed as reason:
            run = PluginRun(ran=False, reason=str(reason))
        except PluginFailed as reason:
            run = PluginRun(ran=False, reason=str(reason), failed=True)
        except (CorpusGuardError, OSError, MemoryError):
            raise
        except Exception as error:  # a plugin raises anything
            if os.environ.get("CORPUS_GUARD_DEBUG") == "1":
                raise
            run = PluginRun(ran=False, reason=f"broke down: {why_failed(error)}", failed=True)
        if run.failed:
            progress.note(f"{name} did not run: {run.reason}")
        runs[name] = run
        corpus.rows.release()
    return Detected(findings=findings, runs=dict(sorted(runs.items())))


def outputs_of(
    corpus: Corpus, wanted: Mapping[str, str]
) -> tuple[dict[str, npt.NDArray[np.int64]], dict[str, PluginRun]]:
    """Return the evidence that fills whole columns of `rows.parquet`, and what of it broke down.

    `wanted` names it by column; what this data does not give is left out.
    """
    found, broken = {}, {}
    for column, name in wanted.items():
        try:
            found[column] = corpus.evidence(name, np.ndarray)
        except NotAssessed:
            continue
        except PluginFailed as reason:
            broken[name] = PluginRun(ran=False, reason=str(reason), failed=True)
    return found, broken


def _options(corpus: Corpus, name: str, spec: Detector | RecordCheck) -> dict[str, object]:
    given = corpus.settings.options_of("detect", name)
    return {option: given[option] for option in options_of(spec.run) if option in given}
