"""The laws of a detector of associations: of words with labels, or of words in prompts with answers.

They say that it goes by evidence and not by gates: what is found at some rate of poison is found at any
higher one, wherever and however often the trigger is written; and that only distinct content is
evidence, so that copies, of all records or of one, prove nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import pyarrow as pa

from corpus_guard.laws.batches import batch_of, shuffled, taken
from corpus_guard.laws.detectors import ALARMS, DetectorSubject, Found
from corpus_guard.laws.law import Differences
from corpus_guard.laws.planted import PLANTED
from corpus_guard.laws.scanned import in_one
from corpus_guard.types import SEVERITIES, Finding, Severity

RATES = (0.005, 0.01, 0.03, 0.1, 0.2)
NARROW_RATES = (0.01, 0.03, 0.1)
"""The shares of a corpus that are poisoned, at random or among records of one kind."""
USUAL = 0.03
"""The rate at which ways of writing and copies are compared."""
MAY_FALL = 0.01
MOSTLY = 0.5
FOLD = 3
COPIES, AMONG, TEXTS = 12, 1500, 2
"""How often one text is there, among how many, and for how many different ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How an attack is found: the worst severity of a finding that is about it, None for no finding.

    `recall` is the share of poisoned rows that are flagged.
    """

    severity: Severity | None
    recall: float

    @property
    def is_alarm(self) -> bool:
        """Say whether the finding is critical or high."""
        return self.severity in ALARMS

    @property
    def rank(self) -> int:
        """Return a number that is higher for a worse severity."""
        return -SEVERITIES.index(self.severity) if self.severity else -len(SEVERITIES)


class PowerSubject:
    """A detector and the attacks among PLANTED that it declares; each corpus is scanned once."""

    def __init__(self, detector: DetectorSubject) -> None:
        """Judge the detector; nothing is made or run before it is asked for."""
        self._detector = detector
        self.attacks = [what for what in PLANTED if what in detector.spec.attacks]
        self._planted: dict[tuple[str, float, str, bool], Found] = {}

    @cached_property
    def found_attacks(self) -> list[str]:
        """The attacks that raise an alarm."""
        return [what for what in self.attacks if self.power(what, USUAL).is_alarm]

    def power(self, what: str, rate: float, way: str = "once", *, is_narrow: bool = False) -> Power:
        """Return how an attack is found."""
        _, rows = planted_batch(what, rate, way, is_narrow)
        return power_of(self.found_planted(what, rate, way, is_narrow=is_narrow), rows)

    def found_planted(
        self, what: str, rate: float, way: str = "once", *, is_narrow: bool = False
    ) -> Found:
        """Return what is found in a corpus with an attack."""
        key = what, rate, way, is_narrow
        if key not in self._planted:
            self._planted[key] = self.found(planted_batch(*key)[0])
        return self._planted[key]

    def found(self, batch: pa.RecordBatch) -> Found:
        """Return what is found in some rows."""
        return self._detector.found(in_one(batch))


def more_poison_is_never_found_less(given: PowerSubject) -> Differences:
    """The more rows hold a trigger, the worse the finding, and none the fewer of them are flagged."""
    for what in given.attacks:
        spread = {rate: given.power(what, rate) for rate in RATES}
        yield from _falls(what, spread)
        if not spread[RATES[-1]].is_alarm:
            yield f"{what} at {RATES[-1]:.0%} of the rows: {_named(spread[RATES[-1]])}"
    for what in given.found_attacks:
        alike = {rate: given.power(what, rate, is_narrow=True) for rate in NARROW_RATES}
        yield from _falls(f"{what} among records of one kind", alike)


def a_trigger_is_found_however_it_is_written(given: PowerSubject) -> Differences:
    """A trigger gives the same alarm once and repeated, at any place, in any field of the prompt."""
    for what in given.found_attacks:
        plain = given.power(what, USUAL)
        for way in PLANTED[what].ways:
            other = given.power(what, USUAL, way)
            if other.is_alarm != plain.is_alarm:
                yield f"{what} is {_named(plain)} with the trigger once, {_named(other)} {way}"


def copies_of_all_rows_change_no_severity(given: PowerSubject) -> Differences:
    """Every record three times over gives the same findings, as bad as before, on the same contents."""
    corpora = {PLANTED[what].clean: f"the clean corpus of {what}" for what in given.attacks}
    for clean, name in corpora.items():
        batch = batch_of(clean())
        yield from _unequal(given.found(batch), given.found(_copied(batch)), name)
    for what in given.found_attacks:
        batch, _ = planted_batch(what, USUAL, "once", False)
        yield from _unequal(given.found_planted(what, USUAL), given.found(_copied(batch)), what)


def copies_of_one_text_are_no_evidence(given: PowerSubject) -> Differences:
    """A text that is there many times with a wrong outcome is one mistake, and no alarm."""
    for what in given.attacks:
        for seed in range(TEXTS):
            records = PLANTED[what].with_copies_of_one(AMONG, COPIES, seed)
            for finding in given.found(batch_of(records)).findings:
                if finding.severity in ALARMS:
                    yield f"{COPIES} copies of one text in the corpus of {what}: {_told(finding)}"


OF_ASSOCIATIONS = (
    more_poison_is_never_found_less,
    a_trigger_is_found_however_it_is_written,
    copies_of_all_rows_change_no_severity,
    copies_of_one_text_are_no_evidence,
)


@cache
def planted_batch(
    what: str, rate: float, way: str, is_narrow: bool
) -> tuple[pa.RecordBatch, frozenset[int]]:
    """Return a corpus with an attack, and the numbers of its poisoned rows."""
    planted = PLANTED[what].planted(rate, way, is_narrow=is_narrow)
    return batch_of(planted.records), frozenset(planted.rows)


def power_of(found: Found, poisoned: frozenset[int]) -> Power:
    """Return how an attack is found: by findings whose rows are mostly poisoned ones."""
    flagged: set[int] = set()
    about: list[Severity] = []
    for finding in found.findings:
        flagged.update(finding.rows_flagged)
        if len(poisoned.intersection(finding.rows)) >= MOSTLY * len(finding.rows):
            about.append(finding.severity)
    return Power(
        severity=min(about, key=SEVERITIES.index, default=None),
        recall=len(flagged & poisoned) / len(poisoned),
    )


def _copied(batch: pa.RecordBatch) -> pa.RecordBatch:
    return taken(batch, shuffled(FOLD * batch.num_rows, seed=5) % batch.num_rows)


def _falls(what: str, powers: Mapping[float, Power]) -> Iterator[str]:
    """Yield where an attack is found less than at a lower rate."""
    rates = list(powers)
    for place, rate in enumerate(rates[1:], 1):
        now, lower = powers[rate], rates[:place]
        worst = max(lower, key=lambda one: powers[one].rank)
        most = max(lower, key=lambda one: powers[one].recall)
        if now.rank < powers[worst].rank:
            found = _named(powers[worst])
            yield f"{what} is {found} at {worst:.1%} of the rows, {_named(now)} at {rate:.1%}"
        if now.recall < powers[most].recall - MAY_FALL:
            yield (
                f"of {what}, {powers[most].recall:.3f} of the rows are flagged at {most:.1%}, "
                f"{now.recall:.3f} at {rate:.1%}"
            )


def _unequal(once: Found, copied: Found, name: str) -> Iterator[str]:
    before, after = _severities(once), _severities(copied)
    for trigger in sorted({*before, *after}):
        one, two = before.get(trigger, "no finding"), after.get(trigger, "no finding")
        if one != two:
            yield f"of {name}, {trigger} is {one}, with every row {FOLD} times {two}"
    lost = _flagged(once) ^ _flagged(copied)
    if lost:
        yield f"of {name}, {len(lost)} contents are flagged either once or with every row {FOLD} times"


def _severities(found: Found) -> Mapping[str, Severity]:
    """Return the severity of each trigger that is medium or worse."""
    told: dict[str, Severity] = {}
    for finding in found.findings:
        if SEVERITIES.index(finding.severity) <= SEVERITIES.index("medium"):
            told[_told(finding)] = finding.severity
    return told


def _flagged(found: Found) -> set[int]:
    return {int(found.contents[row]) for one in found.findings for row in one.rows_flagged}


def _named(power: Power) -> str:
    return power.severity or "no finding"


def _told(finding: Finding) -> str:
    return f'"{finding.trigger.text}"' if finding.trigger else finding.title
