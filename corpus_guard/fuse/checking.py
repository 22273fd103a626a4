"""What a finding must be before it is reported, whoever made it."""

import math
from collections.abc import Iterator

from corpus_guard.types import SEVERITIES, Finding, RowSet

TEXTS = ("id", "title", "message", "attack", "advice")


def faults_of(finding: object, rule: str, rows: int) -> Iterator[str]:
    """Yield what is wrong with a finding of a rule over so many rows, in words."""
    if not isinstance(finding, Finding):
        yield f"it is a {type(finding).__name__}, no Finding"
        return
    if finding.rule != rule:
        yield f"its rule is {finding.rule}, declared is {rule}"
    if finding.severity not in SEVERITIES:
        yield f"its severity is {finding.severity!r}"
    for name in TEXTS:
        if not isinstance(getattr(finding, name), str) or not getattr(finding, name):
            yield f"its {name} is {getattr(finding, name)!r}"
    yield from _faulty_numbers(finding)
    yield from _faulty_rows(finding, rows)


def _faulty_numbers(finding: Finding) -> Iterator[str]:
    for name in ("score", "q_value"):
        value = getattr(finding, name)
        if not _is_number(value) or not 0 <= value <= 1:
            yield f"its {name} is {value!r}"
    for name, value in finding.evidence.items():
        if not isinstance(value, str) and not _is_number(value):
            yield f"its evidence {name} is {value!r}"


def _is_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _faulty_rows(finding: Finding, rows: int) -> Iterator[str]:
    named, flagged = finding.rows, finding.rows_flagged
    if not isinstance(named, RowSet) or not isinstance(flagged, RowSet):
        yield "its rows are no RowSet"
    elif not named or named[0] < 0 or named[-1] >= rows:
        yield f"it names rows that do not exist, or none: {named} of {rows}"
    elif flagged.shared_with(named) != len(flagged):
        yield "it flags rows that it does not name"
