"""The plan of a restoration is what the restoration then does."""

import numpy as np
import pytest
from skimage import data

from napari_dip import Denoise, Inpaint, Settings, SuperResolve, plan, restore
from napari_dip.errors import BadSettings, MaskHasGreyLevels
from napari_dip.generators import finished

QUICK = {"device": "cpu", "iterations": 3, "preview_every_s": 1e9, "axes": "YX"}


@pytest.fixture
def photons():
    """A photograph in photons, 48 x 56."""
    scene = data.camera()[80:272:4, 160:384:4] / 255
    return np.random.default_rng(0).poisson(60 * scene + 5).astype(np.uint16)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(**QUICK),
        Settings(**QUICK, refinement=0),
        Settings(**QUICK, preset="best", members=2),
        Settings(**QUICK, task=SuperResolve(factor=2), noise=6.0),
        Settings(**QUICK, task=Inpaint()),
    ],
    ids=["denoise", "network alone", "ensemble", "two stages", "inpaint"],
)
def test_the_planned_steps_are_the_reported_steps(photons, settings):
    mask = np.random.default_rng(1).random(photons.shape) < 0.3
    mask = mask if settings.task.kind == "inpaint" else None
    planned = plan(photons, settings, mask=mask)
    result = finished(restore(photons, settings, mask=mask))
    assert planned.steps
    assert result.reports[0].steps == planned.steps
    assert result.provenance()["steps"] == list(planned.steps)


def test_the_text_has_parts_noise_steps_and_time(photons):
    before = photons.copy()
    text = str(plan(photons, Settings(**QUICK)))
    assert "Noise: Poisson-Gaussian, gain" in text
    assert " 1. Stabilise" in text
    assert "at most 3 iterations" in text
    assert "on cpu" in text
    np.testing.assert_array_equal(photons, before)


def test_nothing_to_restore_is_planned_as_such():
    planned = plan(np.full((32, 32), 7), Settings(**QUICK))
    assert planned.steps == ()
    assert "nothing to restore" in str(planned)


def test_aligned_planes_are_planned(photons):
    whole = data.camera()[100:200, 100:200].astype(float)
    planes = np.stack([whole[3 * t :, t:][:64, :64] for t in range(4)])
    noisy = planes + np.random.default_rng(0).normal(0, 10, planes.shape)
    steps = plan(noisy, Settings(**QUICK | {"axes": "TYX"})).steps
    assert steps[0] == "Align the planes, which lie up to 9 pixels apart."
    assert "Move the planes back" in steps[-1]


def test_arguments_are_checked_as_for_a_restoration(photons):
    with pytest.raises(BadSettings, match=r"give napari_dip\.Settings"):
        plan(photons, Denoise())
    mask = np.zeros(photons.shape, np.uint8)
    mask[4:20, 4:20] = np.arange(16) * 12
    with pytest.warns(MaskHasGreyLevels) as caught:
        plan(photons, Settings(**QUICK, task=Inpaint()), mask=mask)
    assert caught[0].filename == __file__
