"""Neighbouring planes are compared with their noise, and after a shift."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_dip.image.axes import Layout
from napari_dip.image.observed import ObservedImage, ObservedPart
from napari_dip.image.plane_similarity import PlaneComparisons, is_shifted
from napari_dip.noise.poisson_gaussian import PoissonGaussian

SIGMA = 5.0
NOISE = PoissonGaussian(read=SIGMA)
SCENE = 300 * gaussian_filter(np.random.default_rng(0).random((72, 72)), 1.5)


def breaks(planes, known=None, noise=NOISE):
    layout = Layout("TYX", np.shape(planes), shared="T")
    comparisons = PlaneComparisons(layout)
    for number, plane in enumerate(planes):
        mask = np.ones(plane.shape, bool) if known is None else known[number]
        comparisons.add(ObservedPart(plane, mask), (number,), 0)
    return set(comparisons.breaks((noise,)))


def noisy(*planes):
    return np.stack(planes) + np.random.default_rng(1).normal(0, SIGMA, (len(planes), 72, 72))


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(SCENE, set(), id="equal"),
        pytest.param(SCENE + 1000, set(), id="brighter"),
        pytest.param(1.2 * SCENE, set(), id="more-contrast"),
        pytest.param(SCENE[::-1], {(1,)}, id="another-scene"),
        pytest.param(50 * SCENE, {(1,)}, id="far-above-the-noise"),
    ],
)
def test_dissimilar_planes_are_breaks(second, expected):
    assert breaks(noisy(SCENE, second)) == expected


def test_without_noise_any_difference_is_a_break():
    assert breaks(np.stack([SCENE, SCENE + 0.01 * SCENE[::-1]]), noise=PoissonGaussian()) == {(1,)}
    assert breaks(np.stack([SCENE, SCENE]), noise=PoissonGaussian()) == set()


def test_only_common_known_pixels_are_compared():
    planes = noisy(SCENE, SCENE)
    known = np.ones(planes.shape, bool)
    planes[1, :30], known[1, :30] = 1e6, False
    assert breaks(planes, known) == set()
    known[0, 30:] = False
    assert breaks(planes, known) == set()  # no common pixel


def test_each_channel_is_compared_with_itself():
    layout = Layout("TCYX", (2, 2, 72, 72), shared="T")
    comparisons = PlaneComparisons(layout)
    first, second = noisy(SCENE, SCENE), noisy(SCENE, SCENE[::-1])
    for time in (0, 1):
        for channel, planes in enumerate((first, second)):
            part = ObservedPart(planes[time], np.ones((72, 72), bool))
            comparisons.add(part, (time, channel), channel)
    assert set(comparisons.breaks((NOISE, NOISE))) == {(1, 1)}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(SCENE[9:69, 3:63], True, id="shifted"),
        pytest.param(SCENE[:60, :60], False, id="same-place"),
        pytest.param(SCENE[60:0:-1, 5:65], False, id="another-scene"),
    ],
)
def test_a_shifted_plane_is_recognised(second, expected):
    planes = np.stack([SCENE[:60, :60], second])
    planes = planes + np.random.default_rng(1).normal(0, SIGMA, planes.shape)
    layout = Layout("TYX", planes.shape, shared="T")
    assert is_shifted(ObservedImage(planes, None), layout, (1,), NOISE) is expected
