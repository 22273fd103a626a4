"""Holm's correction for several tests."""

from collections.abc import Sequence


def holm(p_values: Sequence[float], tests: int = 0) -> list[float]:
    """Return Holm's adjusted p-values, in the order given.

    The family has `tests` tests where those are more than the values given; the others' are larger.

    Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, running = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (max(tests, len(order)) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted
