"""Draw the curve of a fit and its stop as inline SVG."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["curve_svg"]

WIDTH, HEIGHT = 360, 120  # units of the drawing
LEFT, BOTTOM, MARGIN = 60, 26, 8
LABEL_GAP = 4  # from a number to the axis; LEFT has room for nine broad digits, as in -1.23e-05
TICKS = 4  # along the iterations


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
        Empty if the rule has fewer than two numbers.

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
    if len(points) < 2:
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
    step = max(1, round(last / TICKS))
    ticks = "".join(
        f'<text x="{x(number):.1f}" y="{foot + 12}" text-anchor="middle">{number}</text>'
        for number in range(0, last + 1, step)
    )
    ends = "".join(
        f'<text x="{LEFT - LABEL_GAP}" y="{y(height) + 3:.1f}" text-anchor="end">{value:.3g}</text>'
        for height, value in ((high, max(values)), (low, min(values)))
    )
    scale = ", logarithmic" if logarithmic else ""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="9" class="curve">'
        f"<title>Stopping criterion against iteration</title>"
        f'<path d="M{LEFT},{MARGIN}V{foot}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>'
        f'{marks}<polyline points="{line}" fill="none" stroke="#1f5a99" stroke-width="1.5"/>'
        f'{ticks}{ends}<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 2}" text-anchor="middle">'
        f"iteration (criterion of the stopping rule{scale})</text></svg>"
    )


def _vertical(x: float, dashes: str) -> str:
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x:.1f},{MARGIN}V{HEIGHT - BOTTOM}" stroke="#c0392b"{style}/>'
