"""Draw the curve of a fit and its stop as inline SVG."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["curve_svg", "round_ticks"]

WIDTH, HEIGHT = 360, 120  # units of the drawing
LEFT, BOTTOM, MARGIN = 60, 26, 8
LABEL_GAP = 4  # from a number to the axis; LEFT has room for nine broad digits, as in -1.23e-05
X_TICKS, Y_TICKS = 6, 4  # at most


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most so many round numbers at equal steps of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> round_ticks(0, 37, 6)
    [0.0, 10.0, 20.0, 30.0]
    >>> round_ticks(0.00053, 0.0006, 4)
    [0.00054, 0.00056, 0.00058, 0.0006]
    """
    power = math.floor(math.log10((high - low) / most))
    for times in (1, 2, 5, 10, 20):
        # Dividing by a power of ten, not multiplying by one below 1, gives the nearest floats.
        step = times * 10.0**power if power >= 0 else times / 10.0**-power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    digits = max(0, -power)
    return [round(number * step, digits) + 0.0 for number in range(first, last + 1)]


def curve_svg(unit: Mapping[str, Any]) -> str:
    """Draw the numbers by which the stopping rule judged a fit, against the iteration.

    A dashed line marks the iteration that was returned, a solid one the end of the fit.

    Parameters
    ----------
    unit
        The report of a unit in a record.

    Returns
    -------
    str
        Empty if the rule has fewer than two numbers, or takes all iterations.

    Examples
    --------
    >>> curve_svg({"metric": [[1, 0.5], [2, 0.25]], "iterations": 2, "best_iteration": 2})[:4]
    '<svg'
    >>> curve_svg({"metric": []})
    ''
    """
    points = [
        (int(iteration), float(value))
        for iteration, value in unit.get("metric", ())
        if value is not None and math.isfinite(value)
    ]
    if len(points) < 2 or unit.get("rule") == "fixed":
        return ""
    values = [value for _, value in points]
    logarithmic = min(values) > 0 and max(values) > 4 * min(values)
    heights = [math.log10(value) if logarithmic else value for value in values]
    low, high = min(heights), max(heights)
    span = high - low or 1.0
    last = max(points[-1][0], 1)

    def x(iteration: float) -> float:
        return LEFT + (WIDTH - LEFT - MARGIN) * iteration / last

    def y(height: float) -> float:
        return MARGIN + (HEIGHT - BOTTOM - MARGIN) * (high - height) / span

    pairs = zip(points, heights, strict=True)
    line = " ".join(f"{x(point[0]):.1f},{y(height):.1f}" for point, height in pairs)
    best, end = unit.get("best_iteration") or 0, points[-1][0]
    marks = _vertical(x(end), "") + (_vertical(x(best), "3 3") if 0 < best <= last else "")
    foot = HEIGHT - BOTTOM
    iterations = [int(number) for number in round_ticks(0, last, X_TICKS) if number % 1 == 0]
    below = "".join(
        f'<text x="{x(number):.1f}" y="{foot + 12}" text-anchor="middle">{number}</text>'
        f'<path d="M{x(number):.1f},{foot}v3" stroke="#888"/>'
        for number in iterations
    )
    beside = "".join(
        f'<text x="{LEFT - LABEL_GAP}" y="{y(height) + 3:.1f}" text-anchor="end">{value:g}</text>'
        f'<path d="M{LEFT},{y(height):.1f}h-3" stroke="#888"/>'
        for height, value in _heights(low, high, logarithmic=logarithmic)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="9" class="curve">'
        f"<title>Stopping criterion against iteration</title>"
        f'<path d="M{LEFT},{MARGIN}V{foot}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>'
        f'{marks}<polyline points="{line}" fill="none" stroke="#1f5a99" stroke-width="1.5"/>'
        f'{below}{beside}<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 2}" '
        'text-anchor="middle">Iteration</text></svg>'
    )


def _heights(low: float, high: float, *, logarithmic: bool) -> list[tuple[float, float]]:
    """Return the heights of the ticks along Y, and their numbers; one for a constant."""
    if low == high:
        return [(low, float(f"{10**low if logarithmic else low:.3g}"))]
    if not logarithmic:
        return [(tick, tick) for tick in round_ticks(low, high, Y_TICKS)]
    powers = range(math.floor(low), math.ceil(high) + 1)
    steps = (1, 2, 5) if high - low < 2 else (1,)
    found = [float(f"{times}e{power}") for power in powers for times in steps]
    found = [number for number in found if low <= math.log10(number) <= high]
    every = -(-len(found) // Y_TICKS) or 1
    return [(math.log10(number), number) for number in found[::every]]


def _vertical(x: float, dashes: str) -> str:
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x:.1f},{MARGIN}V{HEIGHT - BOTTOM}" stroke="#c0392b"{style}/>'
