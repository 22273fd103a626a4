"""The laws of what turns evidence into findings: detectors, and record checks as a whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard import plugins
from corpus_guard.config import SketchSettings
from corpus_guard.flow.detecting import Selected, detect_all
from corpus_guard.flow.planning import plan_sketches
from corpus_guard.flow.progress import Silence
from corpus_guard.fuse.checking import faults_of
from corpus_guard.laws.batches import sample_batch, shuffled, taken
from corpus_guard.laws.comparing import differences
from corpus_guard.laws.law import Differences, NotComparable
from corpus_guard.laws.scanned import Shards, in_batches, in_one, in_shards, scanned
from corpus_guard.plugins import Detector, RecordCheck
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.types import Finding, PluginRun

SEEDS = range(2)
ALARMS = ("critical", "high")
OF_ADDING = 1e-9
"""By how much of itself a number may change when what it is the sum of comes in another order."""

Batches = Mapping[str, Callable[[], pa.RecordBatch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a detector found in some rows: `contents` (n,) uint64 tells which rows these are."""

    findings: Sequence[Finding]
    run: PluginRun
    contents: npt.NDArray[np.uint64]

    @property
    def told(self) -> list[dict[str, object]]:
        """The findings without row numbers, sorted."""
        return sorted((self._told(f) for f in self.findings), key=lambda one: str(one["id"]))

    def _told(self, finding: Finding) -> dict[str, object]:
        return {
            **{name: getattr(finding, name) for name in _FIELDS},
            "evidence": dict(finding.evidence),
            "rows": np.sort(self.contents[finding.rows.array]),
            "rows_flagged": np.sort(self.contents[finding.rows_flagged.array]),
            "contexts": sorted((c.before, c.match, c.after) for c in finding.contexts),
        }


_FIELDS = (
    "id", "rule", "severity", "score", "q_value", "title", "message", "attack", "trigger", "target",
    "advice",
)  # fmt: skip


class DetectorSubject:
    """What is judged: a detector or record check, and samples by name.

    `attacks` hold what it should find, `clean` what should leave it quiet, `harmless` too few records
    for a suspicion.
    """

    def __init__(
        self,
        name: str,
        spec: Detector | RecordCheck,
        settings: SketchSettings,
        *,
        attacks: Batches,
        clean: Batches,
        harmless: Batches,
    ) -> None:
        """Judge the plugin called `name`; nothing is made or run before it is asked for."""
        self.name, self.spec, self._settings = name, spec, settings
        self._attacks, self.clean, self.harmless = attacks, clean, harmless

    @cached_property
    def attacks(self) -> dict[str, tuple[pa.RecordBatch, Found]]:
        """The samples with an attack, and what is found in each."""
        return {name: self._with_found(made()) for name, made in self._attacks.items()}

    @cached_property
    def told_by(self) -> list[tuple[str, pa.RecordBatch, Found]]:
        """The samples to compare by: an attack that is found, where there is one, and the mixed one."""
        found = [(name, *both) for name, both in self.attacks.items() if both[1].findings]
        return [*found[:1], ("records of all kinds", *self._with_found(sample_batch()))]

    def found(self, shards: Shards) -> Found:
        """Return what the detector finds in some rows."""
        is_check = isinstance(self.spec, RecordCheck)
        selected = Selected(
            detectors={self.name: self.spec} if isinstance(self.spec, Detector) else {},
            checks={self.name: self.spec} if isinstance(self.spec, RecordCheck) else {},
            disabled=(),
        )
        plan = plan_sketches(selected.chosen)
        with scanned(shards, plan, self._settings) as (corpus, failures):
            told = {name: why for name, why in failures.items() if is_check or name != self.name}
            detected = detect_all(corpus, selected, told, Silence())
            contents = np.array(corpus.rows.column(CONTENT).whole())
        return Found(findings=detected.findings, run=detected.runs[self.name], contents=contents)

    def _with_found(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Found]:
        return batch, self.found(in_one(batch))


def needs_exist(given: DetectorSubject) -> Differences:
    """Every sketch that is needed or used exists."""
    yield from missing_needs(given.spec)


def any_data_is_taken(given: DetectorSubject) -> Differences:
    """Whatever the data, the detector runs, or says why it does not apply; it never breaks down."""
    for name, made in (*given.harmless.items(), *given.clean.items()):
        yield from _broken_down(name, given.found(in_one(made())))
    for name, _, found in given.told_by:
        yield from _broken_down(name, found)


def few_records_are_clean(given: DetectorSubject) -> Differences:
    """A handful of harmless records gives no alarm."""
    for name, made in given.harmless.items():
        yield from _alarms(name, given.found(in_one(made())))


def clean_data_is_quiet(given: DetectorSubject) -> Differences:
    """Clean records give no finding that is critical or high."""
    for name, made in given.clean.items():
        yield from _alarms(name, given.found(in_one(made())))


def its_attack_is_found(given: DetectorSubject) -> Differences:
    """Records that hold the attack give a finding."""
    if not given.attacks:
        declared = ", ".join(given.spec.attacks)
        raise NotComparable(f"there is no sample of {declared}; give one as attack=")
    if not any(found.findings for _, found in given.attacks.values()):
        reasons = {found.run.reason for _, found in given.attacks.values()} - {""}
        why = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        yield f"nothing is found in the samples of {', '.join(given.attacks)}{why}"


def batch_borders_do_not_matter(given: DetectorSubject) -> Differences:
    """The same rows in other batches give the same findings."""
    for name, batch, expected in given.told_by:
        for seed in SEEDS:
            found = given.found(in_batches(batch, seed))
            yield from _unequal(expected, found, f"{name} in other batches (cut {seed})")


def sharding_does_not_matter(given: DetectorSubject) -> Differences:
    """The same rows in several shards give the same findings."""
    for name, batch, expected in given.told_by:
        for seed in SEEDS:
            found = given.found(in_shards(batch, seed))
            yield from _unequal(expected, found, f"{name} in shards (cut {seed})")


def row_order_does_not_matter(given: DetectorSubject) -> Differences:
    """The same rows in another order give the same findings, but for the last digits of sums."""
    for name, batch, expected in given.told_by:
        for seed in SEEDS:
            found = given.found(in_one(taken(batch, shuffled(batch.num_rows, seed))))
            how = f"{name} in another order (shuffle {seed})"
            yield from _unequal(expected, found, how, tolerance=OF_ADDING)


def the_same_rows_give_the_same_findings(given: DetectorSubject) -> Differences:
    """Looking twice with the same seed gives the same findings."""
    for name, batch, expected in given.told_by:
        yield from _unequal(expected, given.found(in_one(batch)), f"{name} once more")


def findings_can_be_reported(given: DetectorSubject) -> Differences:
    """Findings name rows that exist, and hold finite numbers and text that is not empty."""
    for name, (_, found) in given.attacks.items():
        yield from _broken_down(name, found)
        for finding in found.findings:
            for wrong in faults_of(finding, given.spec.rule, len(found.contents)):
                yield f"finding {finding.id or finding.title!r} in {name}: {wrong}"


OF_DETECTORS: Sequence[Callable[[DetectorSubject], Differences]] = (
    needs_exist,
    any_data_is_taken,
    few_records_are_clean,
    clean_data_is_quiet,
    its_attack_is_found,
    batch_borders_do_not_matter,
    sharding_does_not_matter,
    row_order_does_not_matter,
    the_same_rows_give_the_same_findings,
    findings_can_be_reported,
)


def missing_needs(spec: object) -> Iterator[str]:
    """Yield the needs of a plugin that are no sketch."""
    known = plugins.names("sketch")
    for need in (*getattr(spec, "needs", ()), *getattr(spec, "uses", ())):
        if need not in known:
            yield f"there is no sketch called {need}"


def _broken_down(name: str, found: Found) -> Iterator[str]:
    if found.run.failed:
        yield f"on {name}: {found.run.reason}"


def _alarms(name: str, found: Found) -> Iterator[str]:
    yield from (
        f"{finding.severity} on {name}: {finding.title}"
        for finding in found.findings
        if finding.severity in ALARMS
    )


def _unequal(one: Found, two: Found, how: str, tolerance: float = 0.0) -> Iterator[str]:
    yield from differences(one.run, two.run, f"of {how}, the run")
    yield from differences(
        [finding["id"] for finding in one.told],
        [finding["id"] for finding in two.told],
        f"of {how}, the ids",
    )
    yield from differences(one.told, two.told, f"of {how}, findings", tolerance=tolerance)
