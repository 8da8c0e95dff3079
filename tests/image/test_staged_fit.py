"""A noisy image with large pixels: first its noise is taken out, then its pixels are refined."""

import numpy as np
import pytest
from skimage import data
from skimage.metrics import mean_squared_error as mse
from skimage.transform import resize

from napari_dip import Settings, restore, super_resolve
from napari_dip.generators import finished
from napari_dip.image.forecast import expected_seconds
from napari_dip.image.memory import peak_bytes
from napari_dip.image.problem import make_problem
from napari_dip.pipeline import facts
from napari_dip.settings import SuperResolve

TWICE = SuperResolve(factor=2, downsampler="box")
QUICK = Settings(task=TWICE, device="cpu", axes="YX", iterations=3, preview_every_s=0, noise=12.0)


@pytest.fixture
def fine():
    """Cells, 96 x 96."""
    return data.cell()[240:336, 210:306].astype(np.float64)


@pytest.fixture
def seen(fine):
    """Binned by a camera, with noise of 12."""
    binned = fine.reshape(48, 2, 48, 2).mean((1, 3))
    return binned + np.random.default_rng(0).normal(0, 12, binned.shape)


def finish(image, settings, **more):
    snapshots = []
    return snapshots, finished(restore(image, settings, **more), snapshots.append)


def test_denoising_first_beats_interpolation(fine, seen):
    before = seen.copy()
    _, result = finish(seen, QUICK.replace(noise="auto", iterations=25, preview_every_s=1e9))
    cubic = resize(seen, fine.shape, order=3, mode="edge")
    assert mse(fine, result.image) < 0.2 * mse(fine, cubic)
    assert np.array_equal(seen, before)
    (report,) = result.reports
    assert 0 < report.denoising < report.iterations
    assert report.reason.startswith("denoised before: ")


def test_both_stages_are_counted_and_shown(seen):
    snapshots, result = finish(seen, QUICK)
    (report,) = result.reports
    assert (report.denoising, report.iterations) == (3, 6)
    assert report.best_iteration == 6
    assert snapshots[-1].iteration == snapshots[-1].iterations == 6
    iterations = [snapshot.iteration for snapshot in snapshots]
    assert iterations == sorted(iterations)
    assert {one.image.shape for one in snapshots if one.image is not None} == {(96, 96)}


def test_strong_noise_is_removed_from_small_images():
    fine = data.coins()[128:256, 128:256].astype(np.float64)
    texture = fine.reshape(32, 4, 32, 4).mean((1, 3))
    photon = texture.max() / 40
    noisy = photon * np.random.default_rng(0).poisson(texture / photon)
    quick = QUICK.replace(task=SuperResolve(factor=4), noise="auto")
    _, of_texture = finish(texture, quick)
    assert of_texture.reports[0].denoising == 0
    longer = quick.replace(iterations=25, preview_every_s=1e9)
    _, result = finish(noisy, longer)
    _, kept = finish(noisy, longer.replace(noise="none"))
    assert result.reports[0].denoising > 0
    assert mse(fine, result.image) < 0.8 * mse(fine, kept.image)


@pytest.mark.parametrize(
    "changed",
    [{"noise": "none"}, {"preset": "paper"}, {"task": SuperResolve(factor=2, axis="Z")}],
    ids=str,
)
def test_some_runs_do_not_denoise_first(seen, changed):
    stack = np.stack([seen] * 4) if "task" in changed else seen
    axes = "ZYX" if "task" in changed else "YX"
    _, result = finish(stack[..., :24, :24], QUICK.replace(axes=axes, **changed))
    assert all(report.denoising == 0 for report in result.reports)


def test_a_stop_while_denoising_keeps_the_best(seen):
    settings = QUICK.replace(iterations=50)
    _, result = finish(seen, settings, stop_requested=lambda: True, keep_network=True)
    assert result.stopped_by_user
    assert result.image.shape == (96, 96)
    assert np.array_equal(result.image[::2, ::2], result.image[1::2, 1::2])
    assert result.final == "it was stopped before its pixels were refined"


def test_it_goes_on_where_its_pixels_are_refined(seen):
    _, result = finish(seen, QUICK, keep_network=True)
    snapshots = []
    more = finished(result.continued(4), snapshots.append)
    assert more.continued_at == (6,)
    assert snapshots[-1].iteration == snapshots[-1].iterations == more.reports[0].iterations == 10


def test_both_stages_are_uncertain(seen):
    _, result = finish(seen, QUICK.replace(preset="best", members=2))
    (report,) = result.reports
    assert (report.members, report.denoising, report.iterations) == (2, 6, 12)
    assert result.uncertainty.shape == (96, 96)
    assert result.uncertainty.min() >= 0
    assert result.uncertainty.max() > 0


def test_it_is_not_deblurred_twice(seen):
    (with_psf, _), (without, _) = (
        finish(seen, QUICK, psf=psf) for psf in (np.full((3, 3), 1 / 9), None)
    )
    coarse, fine = (
        [(one.image, other.image) for one, other in zip(with_psf[part], without[part], strict=True)]
        for part in (slice(0, 2), slice(-1, None))
    )
    assert all(np.array_equal(*pair) for pair in coarse)
    assert not np.array_equal(*fine[0])


def test_tiles_are_denoised_and_refined_like_the_whole(seen):
    image = np.tile(seen, 2)
    _, result = finish(image, QUICK.replace(tile=64, overlap=8, preview_every_s=1e9))
    (report,) = result.reports
    assert (report.denoising, report.iterations) == (6, 12)
    assert result.image.shape == (96, 192)
    assert np.isfinite(result.image).all()


def test_whole_numbers_come_out_as_whole_numbers(seen):
    whole = seen.round().clip(0, 255).astype(np.uint8)
    assert super_resolve(whole, 2, device="cpu", iterations=3, noise=12.0).dtype == np.uint8


def test_time_and_memory_are_told_for_both(seen):
    plan = make_problem(seen, QUICK, None, None).plan
    both, refining = (
        expected_seconds(plan, QUICK.replace(noise=noise), "cpu") for noise in (12.0, "none")
    )
    assert both > refining
    told = [
        peak_bytes(QUICK.replace(noise=noise), 1, (96, 96), "float32") for noise in (12.0, "none")
    ]
    assert told[0] >= told[1]


def test_planes_are_registered_once(monkeypatch):
    calls = []
    monkeypatch.setattr(facts, "shifts_of", calls.append)
    stack = np.random.default_rng(0).normal(100, 5, (4, 24, 24))
    settings = Settings(device="cpu", axes="TYX", iterations=2, refinement=0, noise=5.0)
    finished(restore(stack, settings))
    assert len(calls) == 1


def test_snapshots_tell_where_the_second_stage_begins(seen):
    snapshots, result = finish(seen, QUICK)
    (report,) = result.reports
    assert report.denoising > 0
    for snapshot in snapshots:
        second = snapshot.iteration > report.denoising
        assert snapshot.denoising in ({report.denoising} if second else {0, report.denoising})
    assert snapshots[-1].denoising == report.denoising
