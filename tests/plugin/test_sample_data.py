"""The sample data: degraded images that overlay their ground truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("napari", reason="the samples are napari layers")

from napari.layers import Layer
from skimage.data import _fetchers
from skimage.metrics import peak_signal_noise_ratio

from napari_dip.plugin import sample_data
from napari_dip.plugin.models.layer_input import read_layer
from napari_dip.plugin.models.mask_layers import Mask

SAMPLES = [
    sample_data.noisy,
    sample_data.low_resolution,
    sample_data.scratched,
    sample_data.blurred,
    sample_data.stack,
]


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the sample is not in scikit-image's wheel")

    if _fetchers._image_fetcher is not None:  # it does not exist without pooch
        monkeypatch.setattr(_fetchers._image_fetcher, "fetch", refuse)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_the_same_every_time(sample):
    for (first, *_), (second, *_) in zip(sample(), sample(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_lies_on_its_truth(sample):
    truth, spoilt, *_ = (Layer.create(*data) for data in sample())
    assert truth.name == "truth"
    edges = [layer.extent.world + np.outer((-0.5, 0.5), layer.scale) for layer in (spoilt, truth)]
    np.testing.assert_allclose(*edges)


def test_the_noise_is_neither_faint_nor_hopeless():
    (truth, *_), (noisy, *_) = sample_data.noisy()
    assert 15 < peak_signal_noise_ratio(truth, noisy, data_range=int(np.ptp(truth))) < 25


def test_the_stack_has_similar_noisy_planes():
    (truth, *_), (noisy, *_) = sample_data.stack()
    assert 15 < peak_signal_noise_ratio(truth, noisy, data_range=int(np.ptp(truth))) < 25
    neighbours = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in itertools.pairwise(truth)]
    assert min(neighbours) > 0.8


def test_small_pixels_are_means_of_the_truth():
    (truth, *_), (small, *_) = sample_data.low_resolution()
    blocks = truth.reshape(128, 2, 128, 2, 3).mean((1, 3))
    np.testing.assert_allclose(small, blocks, atol=0.5)


def test_the_mask_marks_exactly_the_scratches():
    truth, scratched, mask = (Layer.create(*data) for data in sample_data.scratched())
    known = ~read_layer(scratched, Mask(mask)).mask
    assert 0.02 < 1 - known.mean() < 0.3
    np.testing.assert_array_equal(scratched.data[known], truth.data[known])
    assert (scratched.data[~known] == 255).all()
