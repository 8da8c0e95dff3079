"""Aberrations are found from the image that they blurred."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from napari_dip import (
    Deconvolve,
    Optics,
    Settings,
    deconvolve,
    estimate_aberrations,
    optical_psf,
    problem,
)
from napari_dip.errors import BadImage, BadSettings

TOLD = Optics(na=1.2, ri=1.33, wavelength=520, pixel_size=0.08, z_step=0.25)
WAVES = 0.15
STACK = np.random.default_rng(0).poisson(30, (6, 40, 40)).astype(np.uint16)


def lines(shape, seed):
    """Draw bright lines on a dark ground, in photons."""
    random = np.random.default_rng(seed)
    image = np.full(shape, 5.0)
    for _ in range(14):
        start, end = (random.uniform(0, shape) for _ in range(2))
        places = np.linspace(start, end, 300).astype(int)
        image[tuple(places.T)] = random.uniform(500, 3000)
    return image


def observed(sides, seed, aberrations):
    """Return the truth and its noisy image, cut from a larger one."""
    psf = optical_psf(Optics(**dict(TOLD) | aberrations), sides).values.astype(float)
    margins = [size // 2 for size in psf.shape]
    truth = lines([n + 2 * m for n, m in zip(sides, margins, strict=True)], seed)
    seen = fftconvolve(truth, psf, mode="valid").clip(0)
    inside = tuple(slice(m, -m) for m in margins)
    noisy = np.random.default_rng(seed).poisson(seen).astype(np.float32)
    return truth[inside], noisy


def error(image, truth):
    return float(np.sqrt(np.mean((image - truth) ** 2)))


@pytest.mark.parametrize(
    ("seed", "aberrations"),
    [
        (2, {"spherical": -WAVES, "astigmatism": 0.12, "astigmatism_angle": 30}),
        pytest.param(0, {"spherical": WAVES}, marks=pytest.mark.slow),
        pytest.param(1, {"astigmatism": WAVES, "astigmatism_angle": 90}, marks=pytest.mark.slow),
    ],
)
def test_estimated_aberrations_restore_better(seed, aberrations):
    truth, noisy = observed((8, 36, 38), seed, aberrations)
    volume = {"axes": "ZYX", "device": "cpu"}
    found = estimate_aberrations(noisy, TOLD, **volume)
    assert found.spherical == pytest.approx(aberrations.get("spherical", 0), abs=0.05)
    vectors = [
        (2 * np.pi / 360 * 2j * each.astigmatism_angle, each.astigmatism)
        for each in (found, Optics(**dict(TOLD) | aberrations))
    ]
    one, other = (size * np.exp(angle) for angle, size in vectors)
    assert abs(one - other) < 0.06
    told, better = (deconvolve(noisy, optics=each, ndim=3, **volume) for each in (TOLD, found))
    assert error(better, truth) < error(told, truth)


def test_right_optics_stay_as_they_are():
    _, noisy = observed((10, 36, 36), 3, {})
    assert estimate_aberrations(noisy, TOLD, axes="ZYX", device="cpu") == TOLD


def test_deconvolve_estimates_if_it_is_asked():
    _, noisy = observed((8, 36, 36), 2, {"spherical": 0.2})
    asked = problem(
        noisy,
        Settings(
            task=Deconvolve(**dict(TOLD), estimate_aberrations=True),
            axes="ZYX", ndim=3, share="none", device="cpu",
        ),
    )  # fmt: skip
    assert asked.settings.task.spherical > 0.1
    assert not asked.settings.task.estimate_aberrations  # it would be estimated again
    assert "spherical aberration" in asked.blur.describe()
    assert asked.blur.notes == ("Its aberrations were estimated from the image.",)


def test_the_aberration_is_described_and_recorded():
    optics = Optics(**dict(TOLD) | {"spherical": -0.12})
    assert optics.describe().endswith("spherical aberration -0.12 waves")
    assert Optics.model_validate_json(optics.model_dump_json()) == optics
    plain, aberrated = (optical_psf(each, (64, 64)).values for each in (TOLD, optics))
    assert aberrated.max() < 0.8 * plain.max()


@pytest.mark.parametrize(
    ("image", "optics", "error", "words"),
    [
        pytest.param(np.ones((6, 40, 40)), TOLD, BadImage, "of equal values", id="flat"),
        pytest.param(STACK, None, BadSettings, "give napari_dip.Optics", id="none"),
        pytest.param(
            STACK,
            Optics(**dict(TOLD) | {"wavelength": (461, 520)}),
            BadSettings,
            "give one wavelength",
            id="channels",
        ),
        pytest.param(
            STACK,
            Optics(**dict(TOLD) | {"modality": "confocal"}),
            BadSettings,
            "of a confocal microscope cannot be told",
            id="confocal",
        ),
    ],
)
def test_what_cannot_be_refined_is_refused(image, optics, error, words):
    with pytest.raises(error, match=words):
        estimate_aberrations(image, optics, axes="ZYX", device="cpu")


def test_given_aberrations_are_not_estimated_too():
    with pytest.raises(BadSettings, match="estimate_aberrations replaces spherical; leave out"):
        Deconvolve(**dict(TOLD) | {"spherical": 0.1}, estimate_aberrations=True)


def test_a_plane_is_refused():
    with pytest.raises(BadSettings, match="needs a z-stack"):
        estimate_aberrations(STACK[0], TOLD, axes="YX", ndim=2, device="cpu")
