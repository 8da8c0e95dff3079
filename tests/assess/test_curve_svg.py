"""The curve of a fit is drawn with its end."""

from xml.etree import ElementTree

import pytest

from napari_dip.assess.curve_svg import curve_svg, round_ticks


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


@pytest.mark.parametrize("least", [0.0106, 1.06e-4, -1.06e-4, 1.06e-5, -1.06e-5])
def test_numbers_at_the_axis_are_not_cut(least):
    drawing = ElementTree.fromstring(curve_svg({"metric": [[1, 3 * least], [9, least]]}))
    numbers = [each for each in drawing.findall("text") if each.get("text-anchor") == "end"]
    digit = 0.64 * float(drawing.get("font-size"))  # the width in broad fonts such as Verdana
    assert len(numbers) >= 2
    assert all(float(each.get("x")) > digit * len(each.text) for each in numbers)


@pytest.mark.parametrize(
    ("metric", "along", "up"),
    [
        ([[1, 5.34e-4], [37, 5.96e-4]], [0, 10, 20, 30], [5.4e-4, 5.6e-4, 5.8e-4]),
        ([[1, 0.017], [16, 3.0]], [0, 5, 10, 15], [0.1, 1]),
        ([[1, -7.0], [2, 12.0]], [0, 1, 2], [-5, 0, 5, 10]),
        ([[1, 4.0], [2, 4.0]], [0, 1, 2], [4]),
        ([[1, 0.9], [2, 5.1]], [0, 1, 2], [1, 2, 5]),
    ],
)
def test_ticks_are_round(metric, along, up):
    drawing = ElementTree.fromstring(curve_svg({"metric": metric}))
    numbers = {"middle": [], "end": []}
    for text in drawing.findall("text")[:-1]:
        numbers[text.get("text-anchor")].append(float(text.text))
    assert numbers["middle"] == along
    assert sorted(numbers["end"]) == up


@pytest.mark.parametrize("most", [2, 4, 6])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 3000), (-0.3, 0.41), (99.5, 100.25)])
def test_ticks_are_few_and_inside(low, high, most):
    ticks = round_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    assert low - 1e-9 <= ticks[0] and ticks[-1] <= high + 1e-9


def test_rule_of_all_iterations_has_no_curve():
    assert curve_svg({"metric": [[1, -1.0], [2, -2.0]], "rule": "fixed"}) == ""


@pytest.mark.parametrize("metric", [[], [[1, 2.0]], [[1, float("nan")], [2, None]]])
def test_too_few_numbers_draw_nothing(metric):
    assert curve_svg({"metric": metric}) == ""
