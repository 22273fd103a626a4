"""What `benchmark_detection.py` makes of a scan: judged by the truth, by floors, over the rates."""

import json
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq
from detection_cases import Case
from planting import Planted

import corpus_guard as cg
from corpus_guard.types import SEVERITIES

ALARMS = ("critical", "high")
LETTERS = {"critical": "C", "high": "H", "medium": "M", "low": "l", "info": "i", "": "-"}
MOSTLY = 0.5
"""From this share of poison on, rows are mostly poison."""
MAY_FALL = 0.02
"""By how much recall may be lower at a higher rate."""

CLEAN_FLAGGED = 0.001
RECALL, PRECISION = 0.95, 0.9
FLOOR_FROM = {"clean-label rare token": 0.03, "syntax": 1.0, "bible style": 1.0}
OTHERS_FROM = 0.01
"""The rate from which on an attack must raise an alarm that flags its rows; 1 means never yet."""
LARGEST_SHARE = 0.6
"""Clean-label poison of a class that more rows have is no promise: hardly any row is surprising."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a scan made of a case: `severity` and `rule` are those of the best finding of the attack."""

    case: str
    series: str
    attack: str
    rate: float
    rows: int
    poisoned: int
    target_share: float
    exit_code: int = 2
    severity: str = ""
    rule: str = ""
    recall: float = 0.0
    precision: float = 0.0
    flagged_share: float = 0.0
    other_high: int = 0
    medium: int = 0
    low: int = 0
    seconds: float = 0.0
    error: str = ""


def outcome_of(case: Case) -> Outcome | None:
    """Return what a scan makes of a case; None where there is no such case."""
    planted = case.planted()
    if planted is None:
        return None
    unseen = Outcome(
        case=case.name,
        series=case.series,
        attack=case.attack,
        rate=case.rate,
        rows=len(planted.records),
        poisoned=len(planted.poisoned),
        target_share=planted.target_share,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in planted.records)
        try:
            result = cg.scan(path, out=Path(folder) / "out", jobs=1)
        except Exception as error:  # one case that breaks down must not end the others
            return replace(unseen, error=repr(error))
        return _judged(unseen, planted, result)


def names(found: cg.Finding, triggers: Sequence[str], poison_share: float) -> bool:
    """Say whether a finding's trigger is a planted one, an extension, or a part.

    A part may be a word that honest rows hold too: it counts where the rows are mostly poison.
    """
    text = _words(found.trigger.text) if found.trigger else []
    for planted in map(_words, triggers):
        if text and (_within(planted, text) or (_within(text, planted) and poison_share >= MOSTLY)):
            return True
    return False


def floor_missed(seen: Outcome) -> str:
    """Return what an outcome lacks of what is promised, in words; nothing where it keeps it."""
    if seen.error:
        return seen.error
    if not seen.poisoned:
        return _clean_missed(seen)
    promised = seen.rate >= FLOOR_FROM.get(seen.attack, OTHERS_FROM)
    if seen.attack.startswith("clean-label") and seen.target_share > LARGEST_SHARE:
        promised = False
    if not promised:
        return ""
    told = [] if seen.severity in ALARMS else [f"severity {seen.severity or 'none'}"]
    told += [f"recall {seen.recall:.3f}"] * (seen.recall < RECALL)
    told += [f"precision {seen.precision:.3f}"] * (seen.precision < PRECISION)
    return ", ".join(told)


def falls(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield where more poison is found less: severity or recall below that of a lower rate."""
    for series, seen in sorted(_by_series(outcomes).items()):
        best = seen[0]
        recalled = seen[0]
        for one in seen[1:]:
            if _rank(one) < _rank(best):
                now = one.severity or "nothing"
                yield f"{series}: {best.severity} at {best.rate:g}, {now} at {one.rate:g}"
            if one.recall < recalled.recall - MAY_FALL:
                yield (
                    f"{series}: recall {recalled.recall:.3f} at {recalled.rate:g}, "
                    f"{one.recall:.3f} at {one.rate:g}"
                )
            best = max(best, one, key=_rank)
            recalled = max(recalled, one, key=lambda seen: seen.recall)


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield attack × rate as lines: a letter per seed, and below how much was found at each rate."""
    rates = sorted({one.rate for one in outcomes if one.poisoned})
    rows: dict[str, dict[float, str]] = defaultdict(lambda: defaultdict(str))
    for series, seen in sorted(_by_series(outcomes).items()):
        for one in seen:
            rows[series.rsplit(" seed ", 1)[0]][one.rate] += LETTERS[one.severity]
    yield f"{'attack':52} " + " ".join(f"{rate:>7g}" for rate in rates)
    for name, cells in rows.items():
        yield f"{name:52} " + " ".join(f"{cells[rate]:>7}" for rate in rates)
    for what in ("alarm", "mean recall"):
        yield f"{what:52} " + " ".join(f"{_share(outcomes, rate, what):7.2f}" for rate in rates)


def _share(outcomes: Sequence[Outcome], rate: float, what: str) -> float:
    seen = [one for one in outcomes if one.poisoned and one.rate == rate]
    values = [one.recall if what == "mean recall" else one.severity in ALARMS for one in seen]
    return sum(values) / len(values)


def _by_series(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for one in sorted(outcomes, key=lambda seen: seen.rate):
        if one.poisoned:
            found[one.series].append(one)
    return found


def _rank(seen: Outcome) -> int:
    return -SEVERITIES.index(seen.severity) if seen.severity else -len(SEVERITIES)


def _clean_missed(seen: Outcome) -> str:
    told = [f"exit code {seen.exit_code}"] * (seen.exit_code != 0)
    told += [f"{seen.other_high} high findings"] * (seen.other_high > 0)
    told += [f"{seen.flagged_share:.2%} flagged"] * (seen.flagged_share > CLEAN_FLAGGED)
    return ", ".join(told)


def _judged(unseen: Outcome, planted: Planted, result: cg.ScanResult) -> Outcome:
    flags = pq.read_table(result.out / "rows.parquet", columns=["row", "flagged"]).to_pydict()
    flagged = {row for row, flag in zip(flags["row"], flags["flagged"], strict=True) if flag}
    told, others = list[cg.Finding](), list[cg.Finding]()
    for found in result.findings:
        share = len(planted.poisoned.intersection(found.rows)) / max(1, len(found.rows))
        is_named = names(found, planted.triggers, share)
        if is_named or (not planted.triggers and share >= MOSTLY):
            told.append(found)
        if not is_named and share < MOSTLY:
            others.append(found)
    hits = len(flagged & planted.poisoned)
    severities = Counter(found.severity for found in result.findings)
    return replace(
        unseen,
        exit_code=result.exit_code,
        severity=told[0].severity if told else "",
        rule=told[0].rule if told else "",
        recall=hits / max(1, len(planted.poisoned)),
        precision=hits / max(1, len(flagged)),
        flagged_share=len(flagged) / max(1, unseen.rows),
        other_high=sum(found.severity in ALARMS for found in others),
        medium=severities["medium"],
        low=severities["low"],
        seconds=round(result.timing["total"], 2),
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _within(part: list[str], whole: list[str]) -> bool:
    """Say whether words stand one after the other among others."""
    ends = range(len(part), len(whole) + 1)
    return bool(part) and any(whole[end - len(part) : end] == part for end in ends)
