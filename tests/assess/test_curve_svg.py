"""The curve of a fit is drawn with its end."""

from xml.etree import ElementTree

import pytest

from napari_dip.assess.curve_svg import curve_svg


@pytest.mark.parametrize(
    "metric",
    [
        [[1, 1e-5], [9, 3.0], [20, 2.0]],
        [[1, -2.0], [2, 0.0]],
        [[5, 1.0], [6, 1.0]],
        [[1, None], [2, 3.0], [3, 4.0]],
    ],
)
def test_the_drawing_is_valid(metric):
    text = curve_svg({"metric": metric, "iterations": 20, "best_iteration": 2})
    drawing = ElementTree.fromstring(text)
    line = drawing.find("polyline").get("points").split()
    assert len(line) == sum(value is not None for _, value in metric)
    assert all(0 <= float(part) <= 360 for point in line for part in point.split(","))
    assert "dasharray" in text


@pytest.mark.parametrize("metric", [[], [[1, 2.0]], [[1, float("nan")], [2, None]]])
def test_too_few_numbers_draw_nothing(metric):
    assert curve_svg({"metric": metric}) == ""
