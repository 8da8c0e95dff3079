"""The noise of a channel comes from the settings, or from its planes."""

import io

import numpy as np
import pytest
from PIL import Image

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.axes import Layout
from napari_dip.image.channel_noise import channel_noise, without_alpha
from napari_dip.image.intensity import Scale
from napari_dip.image.observed import ObservedPart
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.settings import Denoise, SensorNoise, Settings

SCALE = Scale(100.0, 1100.0)


def part(values):
    return ObservedPart(values, np.ones(values.shape, bool))


def smooth(side=96):
    y, x = np.mgrid[:side, :side] / side
    return 500 + 300 * np.sin(3 * y + 2 * x)


def estimated(values, scale=SCALE, **settings):
    return channel_noise([part(values)], scale, Layout("YX", values.shape), Settings(**settings))


@pytest.mark.parametrize(
    ("noise", "model"),
    [
        pytest.param("none", PoissonGaussian(), id="none"),
        pytest.param(20.0, PoissonGaussian(read=20.0), id="sigma"),
        pytest.param(1e-8, PoissonGaussian(), id="negligible"),
        pytest.param(
            SensorNoise(gain=2, offset=90, read=3), PoissonGaussian(2, 90, 3), id="sensor"
        ),
        pytest.param(
            SensorNoise(gain=1e-12, offset=90, read=3), PoissonGaussian(0, 90, 3), id="few-photons"
        ),
    ],
)
def test_given_noise_is_used(noise, model):
    assert estimated(smooth(), noise=noise) == model


@pytest.mark.parametrize("noise", ["auto", "gaussian"])
def test_unknown_noise_is_estimated(noise):
    values = smooth() + np.random.default_rng(0).normal(0, 20, (96, 96))
    sigma = estimated(values, noise=noise).sigma(np.array([300.0, 700.0]))
    assert sigma == pytest.approx([20, 20], rel=0.15)


def test_photon_noise_depends_on_the_intensity():
    values = 4.0 * np.random.default_rng(0).poisson(smooth(192) / 4)
    sigma = estimated(values, noise="auto").sigma(np.array([250.0, 750.0]))
    assert sigma == pytest.approx([1000**0.5, 3000**0.5], rel=0.15)


def test_without_planes_there_is_no_noise():
    assert channel_noise([], None, Layout("YX", (8, 8)), Settings()) == PoissonGaussian()


@pytest.mark.parametrize(
    ("noise", "error", "words"),
    [
        (200_000.0, BadSettings, "noise=200000 is far more"),
        (SensorNoise(gain=1, read=200_000), BadSettings, "read=200000"),
        (SensorNoise(gain=1, offset=-1e12), BadSettings, "offset=-1e.12 give noise"),
        (SensorNoise(gain=1, offset=1200), BadImage, "offset=1200 is not below"),
    ],
)
def test_noise_in_another_unit_is_refused(noise, error, words):
    with pytest.raises(error, match=words):
        estimated(smooth(), noise=noise)


def test_the_error_of_jpeg_becomes_white_noise():
    buffer = io.BytesIO()
    y, x = np.mgrid[:96, :96]
    truth = 128 + 60 * np.sin(x / 5) * np.cos(y / 7) + 40 * ((x // 24 + y // 24) % 2)
    Image.fromarray(truth.astype(np.uint8)).save(buffer, "JPEG", quality=10)
    values = np.asarray(Image.open(buffer))
    model = estimated(values, Scale(0.0, 255.0), task=Denoise(artefact="jpeg"))
    error = float(np.sqrt(np.mean((values - truth) ** 2)))
    assert model == PoissonGaussian(read=model.read)
    assert model.read == pytest.approx(1.4 * error, rel=0.4)


def test_alpha_does_not_count():
    rgba = np.zeros((8, 9, 4), np.uint8)
    values, known = without_alpha(part(rgba), Layout("YXS", rgba.shape))
    assert values.shape == known.shape == (3, 8, 9)
