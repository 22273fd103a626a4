from collections.abc import Iterable
from dataclasses import replace

from corpus_guard.fuse.incidents import incidents as united
from corpus_guard.types import Finding, RowSet

FAMILY = ("CG201", "CG202", "CG203")


def found(finding: Finding, **changes: object) -> Finding:
    rows = {name: RowSet(changes[name]) for name in ("rows", "rows_flagged") if name in changes}
    return replace(finding, **{**changes, **rows})  # type: ignore[arg-type]


def incidents(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(incident.finding for incident in united(findings))


def test_the_worst_comes_first(finding: Finding) -> None:
    given = [
        found(finding, id=name, rule="CG401", severity=severity, score=score)
        for name, severity, score in [
            ("d", "low", 1.0), ("b", "high", 0.2), ("a", "high", 0.7), ("c", "medium", 0.9),
        ]
    ]  # fmt: skip
    assert [one.id for one in incidents(given)] == ["a", "b", "c", "d"]


def test_the_order_of_detectors_does_not_matter(finding: Finding) -> None:
    given = [found(finding, id=name, rows=(row,)) for row, name in enumerate("abc")]
    assert incidents(given) == incidents(reversed(given))


def test_triggers_on_the_same_rows_are_one_incident(finding: Finding) -> None:
    weaker = found(finding, id="weaker", rule="CG203", severity="high")
    kept = incidents([weaker, finding])
    assert [one.id for one in kept] == [finding.id]
    assert kept[0].evidence["confirmed_by"] == "CG203"


def test_every_rule_that_agrees_is_named_once(finding: Finding) -> None:
    weaker = [
        found(finding, id=f"{rule}-{place}", rule=rule, score=0.1)
        for rule in ("CG203", "CG201")
        for place in range(2)
    ]
    assert incidents([finding, *weaker])[0].evidence["confirmed_by"] == "CG201, CG203"


def test_a_rule_does_not_confirm_itself(finding: Finding) -> None:
    kept = incidents([finding, found(finding, id="again", score=0.1)])
    assert "confirmed_by" not in kept[0].evidence


def test_triggers_on_other_rows_stay_apart(finding: Finding) -> None:
    elsewhere = found(
        finding, id="elsewhere", score=0.1, rows=(*finding.rows[:5], 1, 2, 3, 4, 5, 6)
    )
    assert len(incidents([finding, elsewhere])) == 2


def test_a_trigger_half_of_whose_rows_are_explained_is_the_same_incident(finding: Finding) -> None:
    shared = found(finding, id="shared", score=0.1, rows=(*finding.rows[:3], 1, 2, 3))
    assert len(incidents([finding, shared])) == 1


def test_a_weaker_finding_keeps_its_rows_and_flags(finding: Finding) -> None:
    half_covered = (*finding.rows[:12], *range(1, 120, 10))
    weaker = found(
        finding, id="weaker", severity="high", rows=half_covered, rows_flagged=half_covered
    )
    kept = incidents([finding, weaker])
    assert [one.id for one in kept] == [finding.id]
    assert set(kept[0].rows) == {*finding.rows, *half_covered}
    assert kept[0].rows_flagged == kept[0].rows


def test_rows_of_a_finding_that_flags_nothing_are_united_and_not_flagged(finding: Finding) -> None:
    low = found(finding, id="low", severity="low", rows=(*finding.rows[:9], 1, 2), rows_flagged=())
    kept = incidents([finding, low])
    assert set(kept[0].rows) == {*finding.rows, 1, 2}
    assert kept[0].rows_flagged == finding.rows


def test_other_families_are_never_merged(finding: Finding) -> None:
    hidden = found(finding, id="hidden", rule="CG401")
    assert len(incidents([finding, hidden])) == 2


def test_no_findings_are_no_incidents() -> None:
    assert incidents([]) == ()
