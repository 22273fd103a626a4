"""The curve of `benchmark_calibration.py` as an SVG picture."""

import math
from collections.abc import Iterator, Mapping, Sequence

WIDTH, HEIGHT, MARGIN = 560, 420, 56
DECADES = 7
"""Both axes are logarithmic, from 10 to the power of -DECADES to 1, the upright one to 10."""
COLOURS = ("#0b6e99", "#b8470e", "#5a7d1f", "#7a3e9d")


def reliability_svg(values: Mapping[str, Sequence[float]], runs: int) -> str:
    """Return a picture of findings a run with q <= t over t, a line a rule, and what may be: t."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_axes(),
        _path([(10.0**-DECADES, 10.0**-DECADES), (1.0, 1.0)], "#888", 'stroke-dasharray="4 3"'),
    ]
    for place, (rule, found) in enumerate(values.items()):
        colour = COLOURS[place % len(COLOURS)]
        if found:
            parts.append(_path(list(_steps(found, runs)), colour))
        label = f"{rule}: {len(found)} findings in {runs} runs"
        parts.append(_text(MARGIN + 10, MARGIN + 14 * place, label, f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>", ""])


def _steps(found: Sequence[float], runs: int) -> Iterator[tuple[float, float]]:
    """Yield the corners of the count of values up to t, over the number of runs."""
    ordered = sorted(found)
    for count, value in enumerate(ordered):
        yield value, max(count, 0.1) / runs
        yield value, (count + 1) / runs
    yield 1.0, len(ordered) / runs


def _axes() -> Iterator[str]:
    for power in range(-DECADES, 2):
        level = 10.0**power
        y = _y(level)
        yield f'<path d="M{MARGIN} {y:.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>'
        yield _text(MARGIN - 6, y + 4, f"{level:g}", 'text-anchor="end"')
        if power <= 0:
            x = _x(level)
            yield f'<path d="M{x:.1f} {MARGIN / 2}V{HEIGHT - MARGIN}" stroke="#ddd"/>'
            yield _text(x, HEIGHT - MARGIN + 16, f"{level:g}", 'text-anchor="middle"')
    middle = 'text-anchor="middle"'
    yield _text(WIDTH / 2, HEIGHT - 14, "t", middle)
    yield _text(WIDTH / 2, 16, "false findings a run with q up to t; dashed: what may be", middle)


def _path(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    corners = "L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points)
    return f'<path d="M{corners}" fill="none" stroke="{colour}" stroke-width="1.5" {more}/>'


def _text(x: float, y: float, text: str, more: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{text}</text>'


def _x(value: float) -> float:
    share = (math.log10(max(value, 10.0**-DECADES)) + DECADES) / DECADES
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _y(value: float) -> float:
    share = (math.log10(max(value, 10.0**-DECADES)) + DECADES) / (DECADES + 1)
    return HEIGHT - MARGIN - share * (HEIGHT - 1.5 * MARGIN)
