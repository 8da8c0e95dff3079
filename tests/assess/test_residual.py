"""The residual is the image minus what the restored image predicts, in the pixels of the image."""

import dask.array as da
import numpy as np
import pytest
from scipy.signal import fftconvolve

from napari_dip import Deconvolve, Inpaint, Settings, SuperResolve, problem, residual_of
from napari_dip.errors import BadImage
from napari_dip.optics.psf import gaussian_psf
from napari_dip.pipeline.observation import predict

RNG = np.random.default_rng(0)


def fine_pattern(*shape):
    """Smooth pattern, so that a decimation has something to average."""
    places = np.meshgrid(*(np.arange(n) / 5 for n in shape), indexing="ij")
    return 100 + 30 * np.sin(sum(places))


def test_denoised_image_is_subtracted():
    image = RNG.integers(0, 4000, (5, 24, 30)).astype(np.uint16)
    restored = image - 7.5
    residual = residual_of(problem(image, Settings(axes="ZYX")), restored)
    assert (residual.shape, residual.dtype) == (image.shape, np.float32)
    np.testing.assert_allclose(residual, 7.5, atol=1e-4)


def test_unsigned_result_gives_negative_residual():
    image = np.full((16, 16), 10, np.uint8)
    image[0, 0] = 11
    residual = residual_of(problem(image, Settings(noise=1.0)), image + np.uint8(4))
    np.testing.assert_array_equal(np.asarray(residual), -4)


@pytest.mark.parametrize(
    ("shape", "axes", "task"),
    [
        pytest.param((4, 20, 24), "ZYX", {}, id="planes"),
        pytest.param((20, 24, 2), "YXC", {}, id="channels last"),
        pytest.param((20, 24, 4), "YXS", {}, id="alpha"),
        pytest.param((4, 20, 24), "ZYX", {"ndim": 3}, id="volume"),
        pytest.param((3, 16, 18), "TYX", {"task": SuperResolve(factor=2)}, id="finer"),
        pytest.param((6, 70, 18), "ZYX", {"task": SuperResolve(axis="Z", factor=2)}, id="finer z"),
    ],
)
def test_any_part_equals_that_of_the_whole(shape, axes, task):
    image = RNG.normal(100, 10, shape)
    asked = problem(image, Settings(axes=axes, noise=10.0, device="cpu", **task))
    residual = residual_of(asked, RNG.normal(100, 10, asked.shape))
    whole = np.asarray(residual)
    assert whole.shape == residual.shape == (*shape[:-1], 3 if "S" in axes else shape[-1])
    parts = [0, -1, (Ellipsis, 1), (slice(None), slice(3, 9)), (slice(None, None, -2),), (1, 2, 1)]
    for part in [part for part in parts if not isinstance(part, tuple) or len(part) <= len(shape)]:
        np.testing.assert_array_equal(residual[part], whole[part])


@pytest.mark.parametrize("axes", ["YX", "ZYX"])
def test_finer_result_is_decimated_first(axes):
    sides = (40, 48)
    fine = fine_pattern(*sides)
    coarse = fine.reshape(20, 2, 24, 2).mean(axis=(1, 3))
    image, restored = coarse, fine
    if axes == "ZYX":
        image, restored = np.stack([coarse] * 2), np.stack([fine] * 2)
    task = SuperResolve(factor=2, downsampler="box")
    asked = problem(image, Settings(task=task, axes=axes, noise="none", device="cpu"))
    np.testing.assert_allclose(np.asarray(residual_of(asked, restored)), 0, atol=1e-4)


def test_sections_are_decimated_along_z():
    fine = fine_pattern(12, 9, 20)
    coarse = fine.reshape(4, 3, 9, 20).mean(axis=1)
    task = SuperResolve(axis="Z", factor=3, downsampler="box")
    asked = problem(coarse, Settings(task=task, axes="ZYX", noise="none", device="cpu"))
    np.testing.assert_allclose(np.asarray(residual_of(asked, fine)), 0, atol=1e-4)


def test_deconvolved_result_is_blurred_first():
    sharp = fine_pattern(30, 34)
    psf = np.array([[0.0, 1, 0], [1, 4, 2], [0, 1, 0]])
    padded = np.pad(sharp, 1, mode="edge")
    blurred = (
        sum(
            psf[2 - row, 2 - column] * padded[row : row + 30, column : column + 34]
            for row in range(3)
            for column in range(3)
        )
        / psf.sum()
    )
    asked = problem(blurred, Settings(noise="none", device="cpu"), psf=psf)
    # Rounding differs between processors: up to 2e-4 of intensities of 130 was seen.
    np.testing.assert_allclose(np.asarray(residual_of(asked, sharp)), 0, atol=1e-3)


def test_light_from_outside_is_no_residual():
    scene = np.full((60, 60), 20.0)
    scene[:, 6:9] = 4000  # 2 pixels beyond the border of what is seen
    scene[25:35, 25:35] = 400
    psf = gaussian_psf((5.0, 5.0)).values.astype(float)
    inside = slice(11, 49)
    seen = fftconvolve(scene, psf, mode="same")[inside, inside].clip(0)
    noisy = RNG.poisson(seen).astype(np.float32)
    asked = problem(noisy, Settings(task=Deconvolve(), device="cpu"), psf=psf)
    residual = np.asarray(residual_of(asked, scene[inside, inside])) / np.sqrt(seen)
    assert np.abs(residual[:, :4].mean()) < 0.3
    assert residual[:, :4].std() < 1.5
    mirrored = noisy - predict(scene[None, inside, inside], Deconvolve(), psf, (1, 1))[0]
    assert (mirrored / np.sqrt(seen))[:, :4].std() > 3


def test_missing_pixels_are_nan():
    image = RNG.normal(100, 10, (20, 20))
    image[3, 4] = np.nan
    mask = np.zeros(image.shape, bool)
    mask[:2] = True
    residual = np.asarray(
        residual_of(problem(image, Settings(task=Inpaint()), mask=mask), image * 1)
    )
    assert np.isnan(residual).sum() == 41
    assert np.nanmax(np.abs(residual)) == 0


def test_lazy_stack_is_read_plane_by_plane():
    reads = []

    def block(values, block_info=None):
        reads.append(block_info[0]["chunk-location"])
        return values

    image = da.from_array(RNG.normal(100, 10, (6, 16, 16)), chunks=(1, 16, 16))
    asked = problem(image, Settings(axes="ZYX", noise=10.0))
    restored = image.map_blocks(block, dtype=image.dtype)
    reads.clear()
    residual = residual_of(asked, restored)
    assert not reads
    assert residual[2].max() == 0
    assert {place[0] for place in reads} == {2}


def test_result_of_other_settings_is_refused():
    asked = problem(np.eye(16), Settings(task=SuperResolve(factor=2), device="cpu"))
    with pytest.raises(BadImage, match=r"\(16, 16\), but the settings make it \(32, 32\)"):
        residual_of(asked, np.eye(16))


def test_operator_is_applied_once_to_a_volume(monkeypatch):
    from napari_dip.pipeline import observation

    calls = []

    def counted(apply):
        return lambda *given: calls.append(None) or apply(*given)

    for name in ("predict", "predict_blurred"):
        monkeypatch.setattr(observation, name, counted(getattr(observation, name)))
    image = RNG.normal(100, 10, (6, 16, 18))
    psf = np.ones((3, 3, 3))
    asked = problem(image, Settings(axes="ZYX", ndim=3, noise=10.0, device="cpu"), psf=psf)
    residual = residual_of(asked, image)
    planes = [residual[plane] for plane in range(6)]
    assert len(calls) == 1
    np.testing.assert_array_equal(np.stack(planes), np.asarray(residual))
