"""Intensities along a line, in world coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_dip.plugin.models.line_profile import drawn_line, line_ends, line_profile

RAMP = np.broadcast_to(np.arange(16.0), (3, 12, 16)) + np.arange(3)[:, None, None] * 100


def ends(*points):
    return np.array(points, float)


@pytest.mark.parametrize("plane", [0, 2])
def test_a_profile_is_of_the_shown_plane(plane):
    image = Image(RAMP, scale=(5, 2, 2))
    profile = line_profile(image, ends((5 * plane, 4, 2), (5 * plane, 4, 20)), (1, 2))
    np.testing.assert_allclose(profile.intensity, 100 * plane + np.arange(1, 11))
    np.testing.assert_allclose(profile.distance, np.arange(0, 20, 2))


def test_super_resolved_pixels_have_the_same_distances():
    coarse = Image(RAMP[0], scale=(2, 2))
    fine = Image(RAMP[0].repeat(2, 0).repeat(2, 1), scale=(1, 1), translate=(-0.5, -0.5))
    line = ends((4, 2), (4, 20))
    one, two = (line_profile(image, line, (0, 1)) for image in (coarse, fine))
    assert one.distance[-1] == two.distance[-1] == 18
    assert len(two.distance) == 2 * len(one.distance) - 1
    at_pixels = np.interp(one.distance, *two)
    np.testing.assert_allclose(at_pixels, one.intensity, atol=0.5)


def test_a_profile_is_nan_outside_the_image():
    profile = line_profile(Image(RAMP[0]), ends((4, 10), (4, 20)), (0, 1))
    assert np.isfinite(profile.intensity[:6]).all()
    assert np.isnan(profile.intensity[6:]).all()


def test_colours_are_averaged():
    colours = np.stack([RAMP[0], RAMP[0] * 2, RAMP[0] * 3], axis=-1) / 100
    profile = line_profile(Image(colours, rgb=True), ends((4, 0), (4, 5)), (0, 1))
    np.testing.assert_allclose(profile.intensity, np.arange(6) * 0.02)


def test_a_plane_line_applies_to_a_stack():
    viewer = ViewerModel()
    viewer.add_image(RAMP)
    assert drawn_line(viewer) is None
    shapes = viewer.add_shapes([[[1, 2], [1, 5]]], shape_type="line")
    viewer.dims.set_point(0, 2)
    assert drawn_line(viewer) is shapes
    np.testing.assert_allclose(line_ends(viewer, shapes), [[2, 1, 2], [2, 1, 5]])
