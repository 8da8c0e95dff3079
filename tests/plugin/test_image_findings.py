"""The plan of a panel names what is unusual in an image."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="the plugin's layers are napari's")

import dask.array as da
from napari.layers import Image

from napari_dip.plugin.models import image_findings
from napari_dip.plugin.models.image_findings import findings_in_words
from napari_dip.plugin.models.layer_input import read_layer

SPOT = 100 + 80 * np.exp(-np.square(np.indices((96, 96)) - 48).sum(axis=0) / 200)
NOISY = SPOT + np.random.default_rng(0).normal(0, 5, SPOT.shape)
STRIPED = NOISY + 6 * np.sin(np.arange(96) * 2 * np.pi / 6)


def test_an_ordinary_image_has_no_findings():
    assert findings_in_words(read_layer(Image(NOISY))) == ""


@pytest.mark.parametrize("shape", [(96, 96), (3, 5, 96, 96)], ids=["plane", "TZYX"])
def test_a_finding_has_a_name_and_advice(shape):
    layer = Image(np.broadcast_to(STRIPED, shape).copy(), axis_labels="tzyx"[-len(shape) :])
    name, _, advice = findings_in_words(read_layer(layer)).partition("\n\n")
    assert name == "Found: periodic noise."
    assert "pixels" in advice


def test_an_image_is_searched_once(monkeypatch):
    layer = Image(STRIPED)
    first = findings_in_words(read_layer(layer))
    monkeypatch.setattr(image_findings, "_search", lambda _: None)
    assert findings_in_words(read_layer(layer)) == first
    layer.data = NOISY
    assert findings_in_words(read_layer(layer)) == ""


def test_lazy_images_are_not_searched():
    assert findings_in_words(read_layer(Image(da.from_array(STRIPED)))) == ""
