"""Findings are made in damaged images, and none in ordinary ones."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, median_filter, shift
from skimage import data
from skimage.transform import resize

from napari_dip import Inpaint, Settings, findings, problem
from napari_dip.noise.jpeg import compress_jpeg

SIGMA = 6.0


def kinds(image, axes="YX", mask=None, **settings):
    asked = problem(image, Settings(axes=axes, device="cpu", **settings), mask=mask)
    return [each.kind for each in findings(asked).found]


def noise(shape=(192, 192), seed=0):
    return np.random.default_rng(seed).normal(0, SIGMA, shape)


@pytest.fixture(scope="module")
def clean():
    """Blurred cells, as a microscope shows them."""
    return gaussian_filter(data.coins()[:192, 20:212].astype(float), 1.5)


@pytest.fixture(scope="module")
def image(clean):
    return clean + noise()


def test_ordinary_image_is_quiet(image):
    found = findings(problem(image, Settings(device="cpu")))
    assert not found
    assert found.sentences() == ("Nothing unusual was found in the image.",)


def test_photon_noise_is_quiet(clean):
    photons = np.random.default_rng(0).poisson(clean / 10)
    assert kinds((100 + 20 * photons).astype(np.uint16)) == []


def with_hot_pixels(image):
    hot = image.copy()
    hot.ravel()[np.random.default_rng(1).choice(hot.size, 30, replace=False)] += 40 * SIGMA
    return hot


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        pytest.param(lambda i: i + SIGMA * np.sin(np.arange(192) * 0.9), "periodic noise", id="p"),
        pytest.param(lambda i: i + noise((192, 1), 3) / 2, "row noise", id="rows"),
        pytest.param(lambda i: i + noise((1, 192), 3) / 2, "row noise", id="columns"),
        pytest.param(lambda i: i.clip(None, np.quantile(i, 2 / 3)), "saturated", id="third"),
        pytest.param(lambda i: (i - 70).clip(0), "clipped in the dark", id="dark"),
        pytest.param(lambda i: compress_jpeg(i.clip(0, 255).astype(np.uint8), 50), "jpeg", id="j"),
        pytest.param(lambda i: resize(i, (384, 384), order=1), "cut spectrum", id="resized"),
        pytest.param(lambda i: i + 3 * gaussian_filter(noise(seed=4), 0.7), "correlated noise"),
        pytest.param(with_hot_pixels, "bad pixels", id="hot"),
        pytest.param(lambda i: median_filter(np.rint(8 * i), 3), "median filter", id="median"),
    ],
)
def test_damage_is_found(image, damage, kind):
    assert kind in kinds(damage(image))


def test_row_noise_is_not_told_twice(image):
    assert kinds(image + 2 * noise((192, 1), 3)) == ["row noise"]


def test_hole_over_the_only_object_is_told():
    rows, columns = np.indices((192, 192)) - 96
    disc = np.hypot(rows, columns) < 30
    hidden = kinds(100 + 60 * disc + noise(), mask=np.hypot(rows, columns) < 34, task=Inpaint())
    assert hidden == ["no structure"]
    assert kinds(100 + 60 * disc + noise()) == []


def test_faint_single_pixel_is_not_bad():
    image = 100 + noise()
    image[40, 50] += 5 * SIGMA
    assert "bad pixels" not in kinds(image)


def test_bleaching_and_drift_are_measured(clean):
    frames = np.stack(
        [
            shift(clean - clean.min(), (0.8 * t, -0.4 * t), mode="nearest")[20:150, 20:150]
            * 0.95**t
            + 100
            for t in range(12)
        ]
    )
    frames += noise(frames.shape) / 3
    asked = problem(frames, Settings(axes="TYX", device="cpu"))
    found = {each.kind: each for each in findings(asked).found}
    assert found["bleaching"].value == pytest.approx(1 - 0.95**11, abs=0.12)
    assert found["drift"].value == pytest.approx(np.hypot(0.8, 0.4) * 11, abs=2)


def test_steady_frames_are_quiet(clean):
    frames = clean[:128, :128] + noise((8, 128, 128))
    assert kinds(frames, "TYX") == []


def test_channel_is_named(image):
    striped = image + SIGMA * np.sin(np.arange(192) * 0.9)
    asked = problem(np.stack([image, striped]), Settings(axes="CYX", device="cpu"))
    (finding,) = findings(asked).found
    assert finding.sentence.startswith("Channel 1: A pattern repeats every 6.9 pixels across")


def test_given_noise_does_not_hide_findings(image):
    assert "periodic noise" in kinds(image + SIGMA * np.sin(np.arange(192) * 0.9), noise=1.0)


def test_section_can_be_stored(image):
    found = findings(problem(with_hot_pixels(image), Settings(device="cpu")))
    stored = json.loads(json.dumps(found.as_dict()))
    assert stored["found"][0]["kind"] == "bad pixels"
    assert "hot" in found.sentences()[0]
    assert found.pictures() == ()


@pytest.mark.parametrize("shape", [(8, 8), (9, 40), (70, 8)])
def test_tiny_images_are_searched(shape):
    assert isinstance(kinds(100 + noise(shape)), list)
