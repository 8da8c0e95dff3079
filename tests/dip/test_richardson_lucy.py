"""The iteration of Richardson and Lucy sharpens, and conserves light across borders."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.restoration import richardson_lucy

from napari_dip import gaussian_psf
from napari_dip.dip.operators import Blur
from napari_dip.dip.richardson_lucy import RichardsonLucy

SIDES = [(40, 46), (12, 30, 34)]


def tensor(image):
    return torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None]


def points(shape):
    image = np.full(shape, 5.0)
    image[tuple(slice(4, None, 9) for _ in shape)] = 900
    return image


@pytest.fixture(params=SIDES, ids=["2d", "3d"])
def case(request):
    truth = points(request.param)
    psf = torch.from_numpy(gaussian_psf((3.0,) * truth.ndim).values)
    return truth, RichardsonLucy(tensor(truth), psf).reblurred, psf


def test_points_become_sharp_again(case):
    truth, blurred, psf = case
    sharpening = RichardsonLucy(blurred, psf)
    brightest = [float(sharpening.estimate.max())]
    for _ in range(3):
        sharpening.advance(15)
        brightest.append(float(sharpening.estimate.max()))
    assert brightest == sorted(brightest)
    assert brightest[-1] > 3 * brightest[0]
    assert brightest[-1] < 1.1 * truth.max()


def test_light_is_conserved(case):
    _, blurred, psf = case
    sharpening = RichardsonLucy(blurred, psf)
    sharpening.advance(20)
    assert float(sharpening.reblurred.sum()) == pytest.approx(float(blurred.sum()), rel=2e-3)
    assert float(sharpening.estimate.min()) >= 0


def test_light_from_outside_is_removed():
    psf = torch.from_numpy(gaussian_psf((9.0, 9.0)).values)
    truth = np.full((80, 80), 5.0)
    truth[63] = 1000  # four pixels outside
    blurred = Blur(psf)(tensor(truth))[..., 20:60, 20:60]
    sharpening = RichardsonLucy(blurred, psf)
    sharpening.advance(40)
    stray, left = (float((x - 5).clamp(min=0).sum()) for x in (blurred, sharpening.estimate))
    assert stray > 0.1 * 1000 * 40
    assert left < 0.5 * stray
    assert float(sharpening.reblurred.sum()) == pytest.approx(float(blurred.sum()), rel=2e-3)


def test_image_and_surroundings_add_up():
    psf = torch.from_numpy(gaussian_psf((5.0, 5.0)).values)
    sharpening = RichardsonLucy(tensor(points((40, 44))), psf)
    sharpening.advance(10)
    alone = Blur(psf, border="dark")(sharpening.estimate)
    torch.testing.assert_close(
        alone + sharpening.from_outside, sharpening.reblurred, rtol=1e-4, atol=1e-2
    )
    flat = Blur(psf, border="dark")(torch.ones(1, 1, 40, 44)) + sharpening.share_from_outside
    torch.testing.assert_close(flat, torch.ones_like(flat))


def test_a_flat_image_stays_flat_at_borders():
    psf = torch.from_numpy(gaussian_psf((7.0, 7.0)).values)
    sharpening = RichardsonLucy(torch.full((1, 2, 33, 41), 3.0), psf)
    sharpening.advance(25)
    assert float((sharpening.estimate - 3).abs().max()) < 1e-3


def test_skimage_sharpens_to_the_same_image():
    truth = gaussian_filter(points((48, 48)), 1)
    psf = gaussian_psf((3.0, 3.0)).values.astype(float)
    sharpening = RichardsonLucy(tensor(truth), torch.from_numpy(psf))
    sharpening.advance(15)
    padded = np.pad(truth, 16, mode="symmetric")
    expected = richardson_lucy(padded, psf, num_iter=80, clip=False)[16:-16, 16:-16]
    change = np.abs(expected - truth).max()
    assert np.abs(sharpening.estimate[0, 0].numpy() - expected).max() < 0.2 * change


def test_channels_do_not_mix():
    psf = torch.from_numpy(gaussian_psf((3.0, 3.0)).values)
    one, other = tensor(points((30, 30))), tensor(10 * points((30, 30)).T + 3)
    both, alone = RichardsonLucy(torch.cat([one, other], dim=1), psf), RichardsonLucy(one, psf)
    for sharpening in (both, alone):
        sharpening.advance(8)
    torch.testing.assert_close(both.estimate[:, :1], alone.estimate, rtol=1e-3, atol=1e-2)
