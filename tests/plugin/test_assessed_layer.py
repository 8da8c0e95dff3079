"""A result layer and its input layer give a report and a methods paragraph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

from napari.layers import Image, Labels

from napari_dip import Settings
from napari_dip.errors import BadImage, BadMask
from napari_dip.generators import finished
from napari_dip.image.problem import make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.plugin.models.assessed_layer import AssessedLayer, input_of_result, layer_methods
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.layer_output import to_layer_data
from napari_dip.plugin.models.mask_layers import Mask
from napari_dip.plugin.models.trial import crop

VALUES = np.random.default_rng(0).poisson(20, (2, 24, 28)).astype(np.uint16)


@pytest.fixture
def cells():
    return Image(VALUES, name="<cells>", scale=(1, 0.5, 0.5), units=("pixel", "um", "um"))


def restored(source, **settings):
    """Run as a panel does, and return the layer of the result."""
    asked = Settings(axes="ZYX", iterations=2, device="cpu", **settings)
    problem = make_problem(source.data, asked, source.whole_mask, None)
    problem = replace(problem, origin=source.origin)
    pixels, keywords, _ = to_layer_data(finished(run(problem, InMemory(problem))), source)
    return Image(pixels, **keywords)


def test_names_and_sizes_are_those_of_the_layers(cells):
    source = read_layer(cells)
    text = AssessedLayer.of(restored(source), source).report().html()
    assert "&lt;cells&gt; (denoised)" in text
    assert "Scale bar: 2 µm." in text


def test_a_part_is_cropped_from_the_whole(cells):
    whole = read_layer(cells)
    part = crop(whole, (slice(1, 2), slice(2, 20), slice(4, 28)))
    report = AssessedLayer.of(restored(part), whole).report()
    assert "a part of the field of view" in report.methods.paragraph


def test_a_mask_is_part_of_the_input(cells):
    labels = np.zeros((24, 28), np.uint8)
    labels[4:8, 3:9] = 2
    source = read_layer(cells, Mask(Labels(labels, name="holes"), label=2))
    made = restored(source, task="inpaint")
    assert "the mask &#x27;holes&#x27;" in AssessedLayer.of(made, source).report().html()
    with pytest.raises(BadMask, match="nothing is missing"):
        AssessedLayer.of(made, read_layer(cells)).report()


def test_a_changed_input_is_refused(cells):
    made = restored(read_layer(cells))
    with pytest.raises(BadImage, match="their pixels differ"):
        AssessedLayer.of(made, read_layer(Image(VALUES + 1, name="other"))).report()


def test_methods_are_text_to_paste(cells):
    text = layer_methods(restored(read_layer(cells)))
    assert text.startswith("The z-stack (2 planes, 24 x 28 pixels) was denoised with napari-dip")
    assert "doi:10.1007/s11263-020-01303-4" in text
    with pytest.raises(BadImage, match="is not a finished result"):
        layer_methods(cells)


def test_the_input_is_found_by_its_name(cells):
    made, other = restored(read_layer(cells)), Image(VALUES, name="other")
    assert input_of_result(made, [other, made, cells]).name == "<cells>"
    with pytest.raises(BadImage, match="'<cells>', and no Image layer has this name"):
        input_of_result(made, [other, made])


def test_the_mask_is_found_by_its_name(cells):
    labels = np.zeros((24, 28), np.uint8)
    labels[4:8, 3:9] = 2
    mask = Labels(labels, name="holes")
    source = read_layer(cells, Mask(mask, label=2))
    made = restored(source, task="inpaint")
    found = input_of_result(made, [cells, mask, made])
    assert np.array_equal(found.mask, source.mask)
    with pytest.raises(BadImage, match="the mask 'holes', and no layer has this name"):
        input_of_result(made, [cells, made])


def test_residual_lies_on_the_input(cells):
    source = read_layer(cells)
    made = restored(source, task={"kind": "super-resolve", "factor": 2})
    pixels, keywords, _ = AssessedLayer.of(made, source).residual().data
    layer = Image(pixels, **keywords)
    assert pixels.shape == VALUES.shape
    assert np.allclose(layer.scale, cells.scale)
    assert np.allclose(layer.translate, cells.translate)
    low, high = layer.contrast_limits
    assert low == -high < 0


def test_residual_of_colours_is_their_mean():
    colours = Image(VALUES[0, ..., None].repeat(3, -1), rgb=True, name="colours")
    source = read_layer(colours)
    asked = Settings(axes="YXS", iterations=2, device="cpu")
    problem = make_problem(source.data, asked, None, None)
    result = finished(run(replace(problem, origin=source.origin), InMemory(problem)))
    pixels, keywords, _ = to_layer_data(result, source)
    residual, keywords, _ = AssessedLayer.of(Image(pixels, **keywords), source).residual().data
    expected = (VALUES[0, ..., None] - pixels.astype(float)).mean(-1)
    assert np.allclose(residual, expected, atol=1e-3)


def test_a_result_at_hand_is_not_surveyed_again(cells, monkeypatch):
    source = read_layer(cells)
    asked = Settings(axes="ZYX", iterations=2, device="cpu", uncertainty=True)
    problem = make_problem(source.data, asked, None, None)
    result = finished(run(replace(problem, origin=source.origin), InMemory(problem)))
    pixels, keywords, _ = to_layer_data(result, source)
    layer = Image(pixels, **keywords)
    restored_again = "napari_dip.assess.assessment.half_widths_of"
    monkeypatch.setattr(restored_again, lambda *_: pytest.fail("the uncertainty is known"))
    assessed = AssessedLayer.of(layer, source, result)
    assert assessed.problem() is result.problem
    headings = [one.heading for one in assessed.report(uncertainty=True).assessment.sections]
    assert "Uncertainty" in headings
    mixed = {**layer.metadata["napari-dip"], "picture": {"strength_percent": 50}}
    layer.metadata = {"napari-dip": mixed}
    headings = [
        one.heading for one in AssessedLayer.of(layer, source, result).report().assessment.sections
    ]
    assert "Uncertainty" not in headings
