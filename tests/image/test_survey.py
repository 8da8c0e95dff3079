"""The survey measures ranges, noise, breaks and a digest of all planes."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_dip import Settings
from napari_dip.errors import BadImage
from napari_dip.image.arrays import as_lazy
from napari_dip.image.axes import Layout
from napari_dip.image.observed import ObservedImage
from napari_dip.image.problem import make_problem
from napari_dip.image.survey import survey


class CountedArray:
    """A lazy array that counts its reads and their largest size."""

    def __init__(self, array):
        self._array, self.largest, self.reads = array, 0, 0
        self.shape, self.ndim, self.dtype = array.shape, array.ndim, array.dtype

    def __getitem__(self, index):
        part = self._array[index]
        self.largest, self.reads = max(self.largest, part.size), self.reads + 1
        return part


@pytest.fixture
def stack():
    """Six planes with slow motion, and four of another scene, with photon noise."""
    y, x = np.mgrid[:48, :56] / 56
    one = [20 + 10 * np.sin(9 * x + 0.05 * z) * np.cos(7 * y) for z in range(6)]
    other = [20 + 15 * np.cos(30 * y - 0.05 * z) for z in range(4)]
    return np.random.default_rng(0).poisson(np.stack([*one, *other])).astype(np.uint16)


def surveyed(stack, axes, shared, **settings):
    layout = Layout(axes, stack.shape, shared=shared)
    return survey(ObservedImage(as_lazy(stack), None), layout, Settings(**settings))


def test_a_break_is_found_between_scenes(stack):
    assert surveyed(stack, "ZYX", "Z").breaks == {(6,)}


def test_only_another_scene_is_a_break(stack):
    cells = gaussian_filter(np.random.default_rng(0).random((5, 48, 56)), (1, 2, 2))
    cells = 100 * (cells - cells.min()) / np.ptp(cells)
    noisy = np.random.default_rng(1).poisson(np.concatenate([cells, stack]))
    assert np.var(cells[1] - cells[0]) > noisy[:5].mean()  # more than the noise variance
    assert surveyed(noisy, "ZYX", "Z").breaks == {(5,), (11,)}


@pytest.mark.parametrize(
    ("asked", "cut"),
    [({}, False), ({"preset": "paper", "share": "T"}, True)],
    ids=["fast", "paper"],
)
def test_registered_frames_have_no_breaks(asked, cut):
    scene = 300 * gaussian_filter(np.random.default_rng(0).random((80, 80)), 1)
    corners = [(0, 9), (12, 3), (4, 15), (9, 2)]
    shaken = np.stack([scene[y : y + 60, x : x + 60] for y, x in corners])
    shaken = np.concatenate([shaken, shaken[:1, ::-1]])  # another scene
    noisy = np.random.default_rng(1).poisson(shaken)
    assert surveyed(noisy, "TYX", "T", **asked).breaks == (
        {(1,), (2,), (3,), (4,)} if cut else {(4,)}
    )


def test_channels_have_own_breaks_scale_and_noise(stack):
    channels = np.stack([stack, stack[::-1] * 100], axis=1)
    found = surveyed(channels, "ZCYX", "Z")
    assert found.breaks == {(6, 0), (4, 1)}
    assert found.scales[1].high > 50 * found.scales[0].high
    assert found.noises[1].gain == pytest.approx(100 * found.noises[0].gain, rel=0.3)


def test_only_constant_channels_split_joint_channels(stack):
    channels = np.stack([stack, stack[::-1] * 100, np.full_like(stack, 7)], axis=1)
    assert surveyed(channels, "ZCYX", "C").breaks == {(plane, 2) for plane in range(10)}


def test_different_noise_free_planes_share_no_network(stack):
    clean = np.linspace(0, 1, 10)[:, None, None] * stack[:1].astype(float)
    assert len(surveyed(clean, "ZYX", "Z", noise=1e-6).breaks) == 9


def test_a_lazy_image_is_read_by_planes(stack):
    lazy = CountedArray(stack)
    problem = make_problem(lazy, Settings(axes="ZYX", device="cpu"), None, None)
    assert lazy.largest == stack[0].size
    assert lazy.reads == len(stack) + 2
    assert (
        problem.survey == make_problem(stack, Settings(axes="ZYX", device="cpu"), None, None).survey
    )


def test_the_digest_depends_on_values_and_mask(stack):
    settings = Settings(axes="ZYX", device="cpu")
    mask = np.zeros(stack.shape[1:], bool)
    mask[3, 4] = True
    changed = stack.copy()
    changed[5, 3, 3] += 1
    digests = {
        (found.digest, found.known)
        for image, hidden in ((stack, None), (stack, mask), (changed, None))
        for found in [make_problem(image, settings, hidden, None).survey]
    }
    assert len(digests) == 3


def test_an_offset_brighter_than_the_image_is_refused(stack):
    with pytest.raises(BadImage, match="offset=9000 is not below"):
        surveyed(stack, "ZYX", "Z", noise={"gain": 1, "offset": 9000})


def test_a_hot_pixel_does_not_set_the_range(stack):
    hot = stack.astype(np.uint16)
    hot[0, 0, 0] = 60_000
    with pytest.raises(BadImage, match="offset=9000 is not below"):
        surveyed(hot, "ZYX", "Z", noise={"gain": 1, "offset": 9000})
