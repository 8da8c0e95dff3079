"""Channels that are restored jointly keep their scales."""

import json

import numpy as np
import pytest
from skimage.metrics import mean_squared_error as mse

from napari_dip import Settings, denoise, inpaint, restore
from napari_dip.generators import finished

QUICK = {"device": "cpu", "iterations": 3}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


@pytest.fixture
def stained(clean):
    """Two channels that show the same, with other gains and offsets; truth and seen."""
    truth = np.stack([100 + 40 * clean, 3000 + 9000 * clean])
    photons = np.random.default_rng(0).poisson([30 * clean, 120 * clean])
    return truth, np.stack([100 + 40 / 30 * photons[0], 3000 + 9000 / 120 * photons[1]])


def test_joint_channels_keep_their_scale_and_noise(stained):
    truth, seen = stained
    before = seen.copy()
    settings = Settings(axes="CYX", share="C", device="cpu", iterations=60)
    _, result = finish(restore(seen, settings))
    for own, noisy, restored in zip(truth, seen, result.image, strict=True):
        assert mse(own, restored) < 0.6 * mse(own, noisy)
    (report,) = result.reports
    assert [own["gain"] for own in report.noise] == pytest.approx([40 / 30, 9000 / 120], rel=0.4)
    assert np.array_equal(seen, before)
    assert json.loads(json.dumps(result.provenance()))["units"][0]["index"] == [[0, 2]]


def test_joint_channels_work_at_any_axis_position(stained):
    _, seen = stained
    stack = np.stack([seen, seen[:, ::-1]]).astype(np.uint16)
    quick = QUICK | {"share": "C", "refinement": 0}
    once = denoise(stack, axes="TCYX", **quick)
    last = denoise(stack.transpose(0, 2, 3, 1), axes="TYXC", **quick)
    assert once.dtype == np.uint16
    assert np.array_equal(once, last.transpose(0, 3, 1, 2))
    volume = denoise(stack.swapaxes(0, 1), axes="CZYX", ndim=3, **quick)
    assert volume.shape == (2, 2, 48, 56)


@pytest.mark.slow
def test_a_pixel_can_be_missing_in_one_channel(stained):
    truth, seen = stained
    missing = np.zeros(seen.shape, bool)
    missing[0] = np.random.default_rng(1).random(seen.shape[1:]) < 0.3
    damaged = np.where(missing, np.nan, seen)
    quick = {"device": "cpu", "iterations": 60, "refinement": 1}
    filled = inpaint(damaged, missing, axes="CYX", share="C", **quick)
    assert np.array_equal(filled[~missing], seen[~missing])
    hidden = truth[missing]
    assert mse(hidden, filled[missing]) < 0.3 * hidden.var()


def test_constant_channels_are_not_restored_jointly(stained):
    _, seen = stained
    image = np.stack([seen[0], np.full_like(seen[0], 7), seen[1]])
    restored = denoise(image, axes="CYX", share="C", refinement=0, **QUICK)
    assert np.array_equal(restored[1], image[1])
