"""A blurred image is denoised, sharpened and corrected by a fit."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from napari_dip import Optics, Settings, gaussian_psf, optical_psf, plan, restore
from napari_dip.generators import finished
from napari_dip.pipeline.sharpen import FirstSharp
from napari_dip.settings import Denoise, SuperResolve

PSF = gaussian_psf((3.5, 3.5))
QUICK = {"device": "cpu", "dtype": "float32", "axes": "YX"}
VOLUME = Settings(ndim=3, **QUICK | {"axes": "ZYX"})
WIDEFIELD = Optics(na=1.2, ri=1.33, wavelength=520, pixel_size=0.08, z_step=0.25)

POINTS = np.full((90, 90), 10.0)
POINTS[[20, 33, 60, 70], [30, 64, 25, 60]] = 4000


def cells(shape, seed=0):
    """Return bright discs on a dark ground, in photons."""
    random = np.random.default_rng(seed)
    grid = np.indices(shape)
    image = np.full(shape, 20.0)
    for _ in range(14):
        centre = [random.uniform(0, side) for side in shape]
        distance = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
        image[distance < random.uniform(3, 9) ** 2] = random.uniform(100, 400)
    return image


def observed(truth, psf, offset=100.0, seed=0):
    """Blur a larger image, and cut out the part that is compared."""
    margins = [size // 2 for size in psf.values.shape]
    inside = tuple(slice(m, -m) for m in margins)
    seen = fftconvolve(truth, psf.values.astype(float), mode="valid").clip(0)
    random = np.random.default_rng(seed)
    noisy = random.poisson(seen) + random.normal(offset, 2, seen.shape)
    return truth[inside] + offset, noisy.astype(np.float32)


@pytest.fixture(scope="module")
def case():
    return observed(cells((80, 84)), PSF)


@pytest.fixture(scope="module")
def result(case):
    return finished(restore(case[1], Settings(**QUICK), psf=PSF))


@pytest.fixture(scope="module")
def denoised(case):
    return finished(restore(case[1], Settings(**QUICK))).image


def error(image, truth):
    return float(np.sqrt(np.mean((image - truth) ** 2)))


def test_it_is_sharper_than_denoising(case, result, denoised):
    truth, _ = case
    assert error(result.image, truth) < 0.8 * error(denoised, truth)


def test_borders_are_as_good_as_the_middle(case, result):
    truth, _ = case
    residual = np.abs(result.image - truth)
    rim = np.ones(truth.shape, bool)
    rim[4:-4, 4:-4] = False
    assert residual[rim].mean() < 1.7 * residual[~rim].mean()


def test_light_is_conserved_to_one_percent(case, result):
    light = [float((image - 100).sum()) for image in (case[1], result.image)]
    assert light[1] == pytest.approx(light[0], rel=0.01)


@pytest.mark.parametrize("shape", [(1, 128, 128), (9, 64, 64)], ids=["plane", "stack"])
def test_points_keep_their_light_and_width(shape):
    planes, *sides = shape
    psf = optical_psf(WIDEFIELD, sides if planes == 1 else shape)
    margins = [size // 2 for size in psf.values.shape]
    truth = np.zeros(
        [side + 2 * m for side, m in zip(shape[-len(margins) :], margins, strict=True)]
    )
    places = np.array([(0.2, 0.25), (0.7, 0.8), (0.75, 0.3)]) * sides
    if planes > 1:
        places = np.insert(places, 0, (4, 5, 3), axis=1)
    places = places.astype(int)
    truth[tuple((places + margins).T)] = np.array([12000, 9000, 14000]) * (1 + 4 * (planes > 1))
    truth, noisy = observed(truth, psf)
    settings = Settings(**QUICK) if planes == 1 else VOLUME
    image = finished(restore(noisy, settings, psf=psf)).image - 100
    for place in places:
        around = tuple(slice(max(0, at - 8), at + 9) for at in place)
        light = truth[tuple(place)] - 100
        assert image[around].sum() == pytest.approx(light, rel=0.08)
        assert image[tuple(place)] > 0.5 * light


def test_light_of_a_stack_is_conserved():
    truth = np.full((24, 50, 50), 10.0)
    truth[9:15, 15:35, 17:33] = cells((6, 20, 16))
    psf = gaussian_psf((3.0, 3.0, 3.0))
    truth, noisy = observed(truth, psf)
    found = finished(restore(noisy, VOLUME, psf=psf)).image
    assert float((found - 100).sum()) == pytest.approx(float((noisy - 100).sum()), rel=0.01)


@pytest.mark.parametrize(
    "inside", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["leaves", "enters"]
)
def test_light_that_crossed_borders_is_put_back(inside):
    psf = optical_psf(WIDEFIELD, (16, 48, 48))
    truth = np.full((30, 60, 60), 10.0) if inside else cells((30, 80, 80))
    if inside:
        truth[12:18, 20:40, 22:38] = cells((6, 20, 16))
    truth, noisy = observed(truth, psf)
    found = finished(restore(noisy, VOLUME, psf=psf)).image
    light, seen, restored = (float((image - 100).sum()) for image in (truth, noisy, found))
    assert abs(seen - light) > 0.07 * light
    assert restored == pytest.approx(light, rel=0.03)


def test_ringing_at_a_step_is_weak():
    truth = np.full((72, 72), 50.0)
    truth[:, 36:] = 200
    step, noisy = observed(truth, PSF, seed=1)
    found = finished(restore(noisy, Settings(**QUICK), psf=PSF)).image
    plateau = found[10:-10, -14:-6].mean(axis=0) - step[30, -1]
    assert np.abs(plateau).max() < 0.08 * 150


def test_no_power_beyond_the_cutoff_but_positivity(case, result, denoised):
    high = np.hypot(
        *np.meshgrid(np.fft.fftfreq(case[0].shape[1]), np.fft.fftfreq(case[0].shape[0]))
    )
    truth, found, smooth = (
        float((np.abs(np.fft.fft2(image - image.mean())) ** 2)[high > 0.35].sum())
        for image in (case[0], result.image, denoised)
    )
    assert found < truth
    assert smooth < truth


def test_steps_are_described(case):
    text = str(plan(case[1], Settings(**QUICK), psf=PSF))
    assert "Point spread function: Gaussian of 3.5 × 3.5 pixels" in text
    assert "Sharpen that estimate (Richardson-Lucy, accelerated)" in text
    assert "as a correction of that estimate, at most 16 iterations." in text


def test_the_same_seed_gives_the_same_bytes(case, result):
    again = finished(restore(case[1], Settings(**QUICK), psf=PSF)).image
    np.testing.assert_array_equal(again, result.image)


def test_previews_come_before_the_fit(case):
    snapshots = restore(case[1], Settings(**QUICK), psf=PSF)
    before = [now.image for now in snapshots if not now.iteration and now.image is not None]
    errors = [error(image, case[0]) for image in before]
    assert len(errors) >= 3
    assert errors[-1] < errors[-2]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        pytest.param(Settings(preset="paper", **QUICK), False, id="published"),
        pytest.param(Settings(refinement=0, **QUICK), False, id="without-filter"),
        pytest.param(Settings(noise="none", **QUICK), False, id="no-noise"),
        pytest.param(Settings(task=SuperResolve(), **QUICK), False, id="decimated"),
        pytest.param(Settings(**QUICK), True, id="many-gaps"),
    ],
)
def test_other_images_are_fitted_alone(case, settings, missing):
    mask = np.zeros(case[1].shape, bool)
    mask[20:40, 20:60] = missing
    stages = plan(case[1], settings, psf=PSF, mask=mask if missing else None).stages
    steps = [step for stage in stages for step in stage.every_step]
    assert not any(isinstance(step, FirstSharp) for step in steps)


def test_few_gaps_cost_hardly_any_sharpness(case, result):
    truth, noisy = case
    gaps = noisy.copy()
    gaps[np.random.default_rng(0).random(noisy.shape) < 0.02] = np.nan
    gaps[30:38, 40:48] = np.nan
    found = finished(restore(gaps, Settings(**QUICK), psf=PSF)).image
    assert error(found, truth) < 1.1 * error(result.image, truth)


def test_many_gaps_are_filled_and_sharpened(case):
    truth, noisy = case
    mask = np.random.default_rng(0).random(noisy.shape) < 0.2
    settings = Settings(iterations=80, **QUICK)
    found = finished(restore(noisy, settings, psf=PSF, mask=mask)).image
    assert error(found, truth) < error(noisy, truth)
    assert error(found[mask], truth[mask]) < 2 * error(found[~mask], truth[~mask])


def test_a_stack_is_deconvolved_as_a_volume():
    psf = gaussian_psf((3.0, 3.0, 3.0))
    truth, noisy = observed(cells((20, 40, 42)), psf)
    settings = Settings(ndim=3, **QUICK | {"axes": "ZYX"})
    found = finished(restore(noisy, settings, psf=psf)).image
    denoised = finished(restore(noisy, settings)).image
    assert error(found, truth) < 0.8 * error(denoised, truth)


def test_frames_are_sharpened_together():
    frames = [observed(cells((60, 60)), PSF, seed=seed) for seed in range(3)]
    truth, noisy = (np.stack(each) for each in zip(*frames, strict=True))
    found = finished(restore(noisy, Settings(**QUICK | {"axes": "TYX"}), psf=PSF)).image
    assert error(found, truth) < 0.85 * error(noisy, truth)


def test_channels_keep_their_scales(case):
    truth, noisy = case
    both = np.stack([noisy, 50 * noisy[::-1]])
    settings = Settings(task=Denoise(), **QUICK | {"axes": "CYX"})
    found = finished(restore(both, settings, psf=PSF)).image
    assert error(found[0], truth) < error(noisy, truth)
    assert error(found[1] / 50, truth[::-1]) < error(noisy, truth)


def test_sharp_points_may_be_brighter():
    _, noisy = observed(POINTS, PSF)
    found = finished(restore(noisy, Settings(**QUICK), psf=PSF)).image
    assert found.max() - 100 > 1.5 * (noisy.max() - 100)


@pytest.mark.slow
def test_a_fit_alone_may_be_brighter_too():
    _, noisy = observed(POINTS, PSF)
    settings = Settings(refinement=0, iterations=150, **QUICK)
    found = finished(restore(noisy, settings, psf=PSF)).image
    assert found.max() - 100 > 1.2 * (noisy.max() - 100)


def test_integers_that_are_too_bright_are_reported():
    _, noisy = observed(POINTS, PSF, offset=0)
    image = (noisy * 250 / noisy.max()).clip(0, 255).astype(np.uint8)
    settings = Settings(device="cpu", axes="YX")
    (report,) = finished(restore(image, settings, psf=PSF)).reports
    assert "pixels are brighter than uint8 can hold; choose dtype='float32'" in report.reason


def test_tiles_show_no_seam():
    truth, noisy = observed(cells((80, 125)), PSF)
    whole = finished(restore(noisy, Settings(**QUICK), psf=PSF)).image
    tiled = finished(restore(noisy, Settings(tile=96, **QUICK), psf=PSF)).image
    assert error(tiled, truth) < 1.1 * error(whole, truth)
