"""The diffraction integral agrees with closed forms and with two other programs."""

import numpy as np
import pytest
from scipy.special import j1

from napari_dip import Optics, optical_psf
from napari_dip.optics.diffraction import Pupil

LOW = Pupil(0.1, 0.5, 1.0)


def test_a_low_aperture_gives_the_airy_disc():
    radii = np.linspace(1e-6, 12, 200)
    v = 2 * np.pi / 0.5 * 0.1 * radii
    np.testing.assert_allclose(
        LOW.intensity(radii, np.zeros(1))[0, 0], (2 * j1(v) / v) ** 2, atol=1e-3
    )


def test_a_low_aperture_gives_sinc_along_the_axis():
    heights = np.linspace(-150, 150, 121)
    u = 2 * np.pi / 0.5 * 0.1**2 * heights / 4
    np.testing.assert_allclose(
        LOW.intensity(np.zeros(1), heights)[:, 0, 0], np.sinc(u / np.pi) ** 2, atol=3e-3
    )


def test_more_nodes_change_nothing(monkeypatch):
    radii, heights = np.linspace(0, 5, 40), np.linspace(-4, 4, 9)
    found = Pupil(1.3, 0.52, 1.518, 1.38, 5.0).intensity(radii, heights)
    monkeypatch.setattr("napari_dip.optics.diffraction.NODES", 400)
    np.testing.assert_allclose(
        Pupil(1.3, 0.52, 1.518, 1.38, 5.0).intensity(radii, heights), found, atol=2e-5
    )


def test_light_in_each_plane_is_equal():
    radii = np.linspace(0, 60, 6001)
    power = Pupil(0.8, 0.52, 1.33).intensity(radii, np.array([0.0, 3.0]))[:, 0] @ radii
    assert power[1] == pytest.approx(power[0], rel=0.01)


def test_two_indices_spread_light_to_one_side():
    heights = np.array([-1, -0.5, 0, 0.5, 1])
    along = Pupil(1.3, 0.52, 1.518, 1.36, 4.0).intensity(np.zeros(1), heights)[:, 0, 0]
    assert along[2] == pytest.approx(1)
    # psfmodels 0.3.3: make_psf(pz=4, NA=1.3, wvl=0.52, ns=1.36, ni=1.518), planes of 0.05 µm
    np.testing.assert_allclose(along, [0.114, 0.506, 1.0, 0.265, 0.191], atol=0.04)


def test_equal_indices_need_no_depth():
    deep, shallow = (
        Pupil(1.2, 0.52, 1.33, 1.33, depth).intensity(np.zeros(1), np.array([0.7]))
        for depth in (20.0, 0.0)
    )
    assert deep == pytest.approx(shallow)


def test_half_widths_agree_with_psf_generator():
    # psf-generator 0.1.0: VectorialSphericalPropagator(na=1.2, wavelength=520, n_i=1.33,
    # pix_size=100, n_pix_psf=41), both polarisations; its pixels are 102.5 nm apart
    profile = [1.0, 0.6138, 0.1172, 0.0181, 0.0145, 0.0044]
    found = Pupil(1.2, 0.52, 1.33).intensity(0.1025 * np.arange(6), np.zeros(1))[0, 0]
    np.testing.assert_allclose(found, profile, atol=2e-3)


def by_direct_sum(x, y, z, astigmatism, spherical):
    """Sum the rays of a water objective over both angles, for light polarised along X and Y."""
    points, weights = np.polynomial.legendre.leggauss(120)
    radius, weights = (points[:, None] + 1) / 2, weights[:, None] / 2
    phi = np.arange(256) * 2 * np.pi / 256
    sine = 1.2 * radius
    cosine = np.sqrt(1 - (sine / 1.33) ** 2)
    zernike = spherical * np.sqrt(5) * (6 * radius**4 - 6 * radius**2 + 1)
    wave = 2 * np.pi / 0.52
    light = weights * radius / np.sqrt(cosine) / 256
    on_axis = (light * np.exp(2j * np.pi * zernike) * (1 + cosine)).sum() * 256
    zernike = zernike + astigmatism * np.sqrt(6) * radius**2 * np.cos(2 * phi)
    path = sine * (x * np.cos(phi) + y * np.sin(phi)) - z * 1.33 * cosine
    rays = light * np.exp(1j * wave * path + 2j * np.pi * zernike)
    along, across = (cosine - 1) * np.cos(2 * phi), (cosine - 1) * np.sin(2 * phi)
    fields = [
        1 + cosine + along, across, -2 * sine / 1.33 * np.cos(phi),
        1 + cosine - along, across, -2 * sine / 1.33 * np.sin(phi),
    ]  # fmt: skip
    power = sum(np.abs((rays * field).sum()) ** 2 for field in fields)
    return power / 2 / np.abs(on_axis) ** 2


def test_astigmatism_agrees_with_a_direct_sum():
    radii, heights = np.array([0, 0.3, 1.2]), np.array([-1.5, 0, 0.7])
    pupil = Pupil(1.2, 0.52, 1.33, spherical=0.1, astigmatism=0.12)
    table = pupil.intensity(radii, heights)
    for angle in (0, 5, table.shape[1] // 3, table.shape[1] - 2):
        phi = angle * np.pi / table.shape[1]
        for number, z in enumerate(heights):
            expected = [
                by_direct_sum(r * np.cos(phi), r * np.sin(phi), z, 0.12, 0.1) for r in radii
            ]
            np.testing.assert_allclose(table[number, angle], expected, atol=1e-5)


def test_astigmatism_turns_with_its_angle():
    optics = {"na": 1.2, "ri": 1.33, "wavelength": 520, "pixel_size": 0.08, "z_step": 0.25}
    flat, upright = (
        optical_psf(Optics(**optics, astigmatism=0.1, astigmatism_angle=angle), (8, 48, 48)).values
        for angle in (0, 90)
    )
    assert np.abs(flat - upright).max() > 0.1 * flat.max()
    np.testing.assert_allclose(flat.transpose(0, 2, 1), upright, atol=1e-5 * flat.max())
