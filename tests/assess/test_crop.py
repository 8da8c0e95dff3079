"""A crop is the middle of an image, with the settings and the noise of the whole."""

import numpy as np
import pytest

from napari_dip import Settings
from napari_dip.assess.crop import crop
from napari_dip.errors import BadImage
from napari_dip.image.problem import make_problem


@pytest.fixture
def stack():
    return np.random.default_rng(0).poisson(40, (20, 300, 40)).astype(np.uint16)


def problem_of(stack, **settings):
    return make_problem(stack, Settings(device="cpu", axes="ZYX", **settings), None, None)


def test_crop_is_the_middle(stack):
    part = crop(problem_of(stack), stack)
    np.testing.assert_array_equal(part.values, stack[6:14, 22:278])
    np.testing.assert_array_equal(part.restored, part.values)


def test_crop_of_refined_image_covers_the_same_pixels(stack):
    task = {"kind": "super-resolve", "factor": 2}
    fine = stack.repeat(2, 1).repeat(2, 2)
    part = crop(problem_of(stack, task=task), fine)
    np.testing.assert_array_equal(part.restored[:, ::2, ::2], part.values)


def test_crop_keeps_the_noise_of_the_whole(stack):
    stack = stack.copy()
    stack[:6] += np.random.default_rng(1).poisson(900, (6, 300, 40)).astype(np.uint16)
    problem = problem_of(stack)
    assert crop(problem, stack).noises == problem.survey.noises


def test_crop_keeps_missing_pixels(stack):
    mask = np.zeros(stack.shape, bool)
    mask[10, 100, 20] = True
    problem = make_problem(stack, Settings(device="cpu", axes="ZYX"), mask, None)
    part = crop(problem, stack)
    assert np.argwhere(~part.known).tolist() == [[4, 78, 20]]
    assert part.problem.observed.read((4,)).known.sum() == 256 * 40 - 1


def test_crop_restores_other_values_with_the_settings(stack):
    part = crop(problem_of(stack[:, :64], share="none", iterations=2), stack[:, :64])
    other = np.full(part.values.shape, 7.0) + np.random.default_rng(0).normal(
        0, 1, part.values.shape
    )
    restored = part.restore(other)
    assert restored.shape == part.values.shape and restored.dtype == np.float32
    assert np.abs(restored - 7).mean() < np.abs(other - 7).mean()


def test_planes_of_a_channel_include_its_colours(stack):
    colours = np.stack([stack, stack + 1, stack + 2], axis=-1)
    problem = make_problem(colours, Settings(device="cpu", axes="ZYXS"), None, None)
    part = crop(problem, colours)
    planes = part.planes(part.values, 0)
    assert planes.shape == (3, 256, 40)
    np.testing.assert_array_equal(planes[1], part.values[0, ..., 1])


def test_result_of_another_shape_is_refused(stack):
    with pytest.raises(BadImage, match=r"has the shape \(20, 150, 40\), but the settings make it"):
        crop(problem_of(stack), stack[:, :150])
