"""Which detectors run, and that each either ran or is reported as not assessed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard import plugins
from corpus_guard.errors import NotAssessed, NotPresent, PluginError, PluginFailed, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.progress import Progress
from corpus_guard.fuse.checking import faults_of
from corpus_guard.plugins import Detector, Plugin, RecordCheck, taken_by, why_broken
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

    Raises PluginError with the nearest name for one that does not exist, for a plugin that cannot be
    loaded and is not left out by its name, and for a rule that two plugins have; UsageError where no
    plugin is left.
    """
    rules, disable = tuple(rules), tuple(disable)
    loaded = _loaded(rules, disable)
    wanted, unwanted = _matching(loaded, rules), _matching(loaded, disable)
    chosen = {
        name: p
        for name, p in loaded.items()
        if (not wanted or name in wanted) and name not in unwanted
    }
    if not chosen:
        raise UsageError("--rules and --disable leave no rule to run; give other rules")
    _require_one_plugin_a_rule(chosen)
    return Selected(
        detectors={name: p.spec for name, p in chosen.items() if isinstance(p.spec, Detector)},
        checks={name: p.spec for name, p in chosen.items() if isinstance(p.spec, RecordCheck)},
        disabled=tuple(name for name in plugins.names("detect") if name not in chosen),
    )


def _loaded(rules: tuple[str, ...], disable: tuple[str, ...]) -> dict[str, Plugin]:
    """Return all plugins but those that cannot be loaded and that nobody asked for."""
    found = {}
    for name in plugins.names("detect"):
        try:
            found[name] = plugins.load("detect", name)
        except PluginError as error:
            if name not in disable and (not rules or name in rules):
                raise PluginError(
                    f"{error}; uninstall it or leave it out: --disable {name}"
                ) from None
    return found


def _require_one_plugin_a_rule(chosen: Mapping[str, Plugin]) -> None:
    first: dict[str, str] = {}
    for name, plugin in chosen.items():
        rule = getattr(plugin.spec, "rule", "")
        if first.setdefault(rule, name) != name:
            raise PluginError(
                f"{first[rule]} and {name} both have the rule {rule}; leave one out: --disable {name}"
            )


def _matching(loaded: Mapping[str, Plugin], asked: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in asked:
        matches = {key for key, p in loaded.items() if name in (key, getattr(p.spec, "rule", ""))}
        if not matches and name not in plugins.names("detect"):
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
    from threadpoolctl import threadpool_limits

    findings: list[Finding] = []
    runs = {
        name: PluginRun(ran=False, reason="left out by --rules or --disable")
        for name in selected.disabled
    }
    progress.start(0, "Detecting")
    with threadpool_limits(1, user_api="blas"):  # sums on two cores differ in their last bits
        for name, spec in sorted(selected.chosen.items()):
            runs[name] = _run(corpus, name, spec, failures.get(name), findings)
            if runs[name].failed:
                progress.note(f"{name} did not run: {runs[name].reason}")
            corpus.rows.release()
    for name, why in corpus.broken.items():
        runs[name] = PluginRun(ran=False, reason=why, failed=True)
    return Detected(findings=findings, runs=dict(sorted(runs.items())))


def _run(
    corpus: Corpus,
    name: str,
    spec: Detector | RecordCheck,
    failure: str | None,
    findings: list[Finding],
) -> PluginRun:
    """Add what a detector finds to the findings, and return whether it ran."""
    try:
        if failure is not None:
            raise PluginFailed(f"broke down: {failure}")
        corpus.require(getattr(spec, "needs", ()))
        seen = {finding.id for finding in findings}
        options = taken_by(spec.run, corpus.settings.options_of("detect", name))
        for finding in spec.run(corpus, **options):
            findings.append(_checked(finding, spec, corpus, seen))
    except NotAssessed as reason:
        return PluginRun(ran=False, reason=str(reason), gap=not isinstance(reason, NotPresent))
    except PluginFailed as reason:
        return PluginRun(ran=False, reason=str(reason), failed=True)
    except (Exception, SystemExit) as error:  # a plugin raises anything
        return PluginRun(ran=False, reason=f"broke down: {why_broken(error)}", failed=True)
    return PluginRun(ran=True)


def _checked(
    finding: Finding, spec: Detector | RecordCheck, corpus: Corpus, seen: set[str]
) -> Finding:
    """Return a finding that can be reported; raise ValueError where something is wrong with it."""
    for fault in faults_of(finding, spec.rule, len(corpus)):
        raise ValueError(f"a finding cannot be reported: {fault}")
    if finding.id in seen:
        raise ValueError(f"two findings have the id {finding.id}")
    seen.add(finding.id)
    return finding


def outputs_of(
    corpus: Corpus, wanted: Mapping[str, str]
) -> tuple[dict[str, npt.NDArray[np.int64]], dict[str, PluginRun]]:
    """Return the evidence that fills whole columns of `rows.parquet`, and what of it broke down.

    `wanted` names it by column; what this data does not give is left out.
    """
    found, broken = {}, {}
    for column, name in wanted.items():
        try:
            values = corpus.evidence(name, np.ndarray)
            if values.shape != (len(corpus),) or values.dtype != np.int64:
                raise PluginFailed(f"{name} gives no int64 number a row for the column {column}")
            found[column] = values
        except NotAssessed:
            continue
        except (PluginFailed, PluginError) as reason:
            broken[name] = PluginRun(ran=False, reason=str(reason), failed=True)
    return found, broken
