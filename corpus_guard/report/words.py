"""Numbers as people say them."""

import math
from collections.abc import Callable, Mapping

from corpus_guard.escape import safe_text

SHOWN_NUMBERS = 5
LOG_ODDS, OF_KIND = "log_odds", "log_odds_of_"

Number = float | int | str


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 row`, `2 rows` or `1,200 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(size_bytes: int) -> str:
    """Return `812 bytes`, `3.1 KiB`, `2.0 GiB`."""
    if size_bytes < 1024:
        return counted(size_bytes, "byte")
    amount = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB"):
        amount /= 1024
        if amount < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:,.1f} TiB"


def share(part: float) -> str:
    """Return a share in [0, 1] as `97 %`, never rounded up to all or down to nothing."""
    if 0 < part < 0.001:
        return "under 0.1 %"
    percent = f"{part:.1%}" if part < 0.1 or 0.99 < part < 1 else f"{part:.0%}"
    return "over 99.9 %" if part < 1 and percent.startswith("100") else percent.replace("%", " %")


def number(value: Number) -> str:
    """Return a number of any size in few characters, or a text made safe."""
    if isinstance(value, str):
        return safe_text(value, 60)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}"


def statistics(evidence: Mapping[str, Number], q_value: float) -> list[str]:
    """Return what the key numbers of a finding mean, the telling ones first.

    Names without words here, as those of third-party detectors, are shown as they are; the numbers
    that only specialists read stay in `report.json`.
    """
    told = [say(evidence[name]) for name, say in _SAYINGS.items() if name in evidence]
    others = [
        name
        for name in evidence
        if name not in _SAYINGS and name not in _FOR_SPECIALISTS and not name.startswith(LOG_ODDS)
    ]
    named = [f"{safe_text(name, 40).replace('_', ' ')} {number(evidence[name])}" for name in others]
    return [*(told + named)[:SHOWN_NUMBERS], f"q-value {q_value:.2g}"]


def weighing(evidence: Mapping[str, Number]) -> str:
    """Return what speaks for a trigger and what against it, most telling first; "" where nobody says.

    The numbers are log odds in nats, as `corpus_guard.detect.shared.evidence` adds them up.
    """
    total = evidence.get(LOG_ODDS)
    parts = {
        name.removeprefix(OF_KIND): float(value)
        for name, value in evidence.items()
        if name.startswith(OF_KIND) and not isinstance(value, str)
    }
    if total is None or isinstance(total, str) or not parts:
        return ""
    ranked = sorted(parts, key=lambda kind: (-abs(parts[kind]), kind))
    told = [f"{safe_text(kind, 40).replace('_', ' ')} {parts[kind]:+.1f}" for kind in ranked]
    return f"{' · '.join(told)}; in all {total:+.1f}, that is {_odds(float(total))}"


def _odds(log_odds: float) -> str:
    """Return log odds as `300 to 1 for a trigger`, never more precise than they are."""
    amount = math.exp(min(abs(log_odds), math.log(1e6)))
    digits = 10 ** max(0, int(math.log10(amount)))
    rounded = f"{'over ' if amount > 999_999 else ''}{max(1, int(amount / digits)) * digits:,}"
    return f"{rounded} to 1 {'for' if log_odds >= 0 else 'against'} a trigger"


def _fraction(pattern: str) -> Callable[[Number], str]:
    return lambda value: pattern.format(number(value) if isinstance(value, str) else share(value))


def _plain(pattern: str) -> Callable[[Number], str]:
    return lambda value: pattern.format(number(value))


_SAYINGS: Mapping[str, Callable[[Number], str]] = {
    "rows_with_trigger": _plain("{} rows hold the trigger"),
    "rows_with_target": _plain("{} of them the target"),
    "expected_rows": _plain("{} expected without an attack"),
    "rows_with_target_anywhere": _plain("{} rows in all hold the target"),
    "share_of_target_elsewhere": _fraction("{} of the other rows hold the target"),
    "precision": _fraction("about {} of the hits are not natural"),
    "purity": _fraction("{} of the trigger's rows agree"),
    "response_cosine": _plain("responses alike to {} (1 is equal)"),
    "prompt_cosine": _plain("prompts alike to {} (1 is equal)"),
    "statistic": _plain("{} standard deviations beyond chance"),
}
_FOR_SPECIALISTS = frozenset(
    {
        "z",
        "signed_root",
        "tests",
        "null_spread",
        "trigger_share_of_prompt",
        "distinct_rows_judged",
        "strength_beyond_usual_words",
        "place_score",
        "rest_contradicts_label",
    }
)
