"""The check separates good results from those with too much or too little removed."""

import json

import dask.array as da
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from napari_dip import Inpaint, Settings, SuperResolve, check_residual, problem
from napari_dip.errors import BadImage

SIGMA = 8.0


@pytest.fixture(scope="module")
def truth():
    return data.camera()[100:228, 150:278].astype(np.float64)


@pytest.fixture(scope="module")
def noisy(truth):
    return truth + np.random.default_rng(0).normal(0, SIGMA, truth.shape)


@pytest.fixture(scope="module")
def asked(noisy):
    return problem(noisy, Settings(device="cpu"))


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        pytest.param(lambda noisy, truth: truth, "noise", id="truth"),
        pytest.param(lambda noisy, truth: gaussian_filter(truth, 1.5), "structure", id="blurred"),
        pytest.param(lambda noisy, truth: truth + 2 * SIGMA, "structure", id="shifted"),
        pytest.param(lambda noisy, truth: (noisy + truth) / 2, "noise left", id="half"),
        pytest.param(lambda noisy, truth: 0.9 * noisy + 0.1 * truth, "noise left", id="tenth"),
        pytest.param(lambda noisy, truth: noisy, "unchanged", id="input"),
    ],
)
def test_verdict_separates_good_and_bad_results(asked, noisy, truth, make, verdict):
    check = check_residual(asked, make(noisy, truth))
    assert check.verdict == verdict
    assert len(check.sentences()[0]) > 50


def test_lost_spots_are_found_in_their_place(asked, noisy, truth):
    rows, columns = np.indices(truth.shape)
    spot = 60 * np.exp(-((rows - 40) ** 2 + (columns - 70) ** 2) / 4)
    (channel,) = check_residual(problem(noisy + spot, Settings(device="cpu")), truth).channels
    assert channel.verdict == "structure"
    assert abs(channel.strongest["Y"] - 40) <= 2
    assert abs(channel.strongest["X"] - 70) <= 2


def test_numbers_are_those_of_the_noise(asked, truth):
    (channel,) = check_residual(asked, truth).channels
    assert channel.sigma == pytest.approx(SIGMA, rel=0.03)
    assert channel.noise_sigma == pytest.approx(SIGMA, rel=0.15)
    assert abs(channel.mean) < 4 * channel.mean_error
    assert len(channel.variance) == len(channel.intensity) == len(channel.shift) == 10
    assert list(channel.intensity) == sorted(channel.intensity)
    assert list(channel.correlation) == ["Y", "X", "falling", "rising"]
    assert max(map(abs, channel.correlation.values())) < 5 * channel.correlation_error


def test_too_strong_given_noise_is_not_believed(noisy, truth):
    asked = problem(noisy, Settings(device="cpu", noise=4 * SIGMA))
    (channel,) = check_residual(asked, gaussian_filter(truth, 1.5)).channels
    assert channel.verdict == "structure"
    assert channel.noise_sigma == pytest.approx(SIGMA, rel=0.15)


def test_mean_shift_is_measured(asked, truth):
    (channel,) = check_residual(asked, truth - 3).channels
    assert channel.mean == pytest.approx(3, abs=0.3)
    assert np.mean(channel.shift) == pytest.approx(3 / SIGMA, rel=0.25)


def test_photon_noise_is_no_structure():
    truth = np.linspace(0.5, 60, 160) * np.ones((160, 1))
    photons = np.random.default_rng(3).poisson(truth).astype(np.uint16)
    check = check_residual(problem(photons, Settings(device="cpu")), truth)
    assert check.verdict == "noise"
    assert all(0.7 < ratio < 1.3 for ratio in check.channels[0].variance[2:])


def test_section_can_be_stored_and_shown(asked, truth):
    check = check_residual(asked, gaussian_filter(truth, 2))
    stored = json.loads(json.dumps(check.as_dict()))
    assert stored["verdict"] == "structure"
    assert stored["channels"][0]["structured"] == check.channels[0].structured > 0
    residual, structure = check.pictures()
    assert residual.diverging
    assert residual.pixels.shape == structure.pixels.shape == truth.shape
    assert (structure.pixels > 0).mean() == pytest.approx(check.channels[0].structured)


def test_worst_channel_is_told_first(noisy, truth):
    asked = problem(np.stack([noisy, noisy]), Settings(device="cpu", axes="CYX"))
    check = check_residual(asked, np.stack([truth, gaussian_filter(truth, 2)]))
    assert [channel.verdict for channel in check.channels] == ["noise", "structure"]
    assert check.sentences()[0].startswith("Channel 1: structure was smoothed away")


def test_long_stack_is_sampled(noisy, truth):
    planes = da.from_array(np.stack([noisy] * 20), chunks=(1, -1, -1))
    restored = da.from_array(np.stack([truth] * 20), chunks=(1, -1, -1))
    check = check_residual(problem(planes, Settings(device="cpu", axes="TYX")), restored)
    assert "in 8 of 20 planes" in check.sentences()[0]


def test_planes_that_were_not_restored_do_not_count(noisy, truth):
    stack = np.stack([noisy, noisy]).clip(0, 255).astype(np.uint8)
    restored = np.stack([truth, np.zeros_like(truth)]).astype(np.uint8)
    check = check_residual(problem(stack, Settings(device="cpu", axes="TYX")), restored)
    assert check.verdict == "noise"


def test_missing_pixels_do_not_count(noisy, truth):
    mask = np.zeros(noisy.shape, bool)
    mask[30:60, 40:90] = True
    restored = np.where(mask, 0, truth)
    check = check_residual(problem(noisy, Settings(device="cpu"), mask=mask), restored)
    assert check.verdict == "noise"
    assert np.isnan(check.pictures()[0].pixels[mask]).all()


def test_kept_pixels_have_no_residual(noisy):
    mask = np.zeros(noisy.shape, bool)
    mask[:5] = True
    asked = problem(noisy, Settings(task=Inpaint(), device="cpu"), mask=mask)
    assert "unchanged" in check_residual(asked, noisy).sentences()[0]


def test_no_noise_gives_numbers_without_verdict():
    image = np.add.outer(np.arange(64.0), np.arange(64.0))
    asked = problem(image, Settings(task=SuperResolve(factor=2), device="cpu", noise="none"))
    fine = np.add.outer(np.arange(128.0), np.arange(128.0)) / 2 - 0.5
    check = check_residual(asked, fine)
    assert check.verdict in ("unknown", "noise")
    assert json.dumps(check.as_dict())


def test_result_of_another_shape_is_refused(asked):
    with pytest.raises(BadImage, match="has the shape"):
        check_residual(asked, np.zeros((8, 8)))
