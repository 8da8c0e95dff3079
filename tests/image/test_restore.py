"""Test the generator of a restoration: its snapshots, seeds and noise models."""

import time
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from skimage.metrics import mean_squared_error as mse

from napari_dip import SensorNoise, Settings, denoise, restore
from napari_dip.errors import BadImage
from napari_dip.generators import finished
from napari_dip.image.plan_text import outcome

QUICK = {"device": "cpu", "iterations": 3}


def finish(restoration):
    snapshots = []
    return snapshots, finished(restoration, snapshots.append)


def test_a_volume_is_restored_as_one(noisy):
    volume = np.stack([noisy[:12, :13]] * 5)
    _, result = finish(restore(volume, Settings(axes="ZYX", ndim=3, **QUICK)))
    assert result.image.shape == volume.shape
    assert len(result.reports) == 1
    assert result.factors == {"Z": 1, "Y": 1, "X": 1}


@pytest.mark.parametrize(
    ("side", "tile"), [(48, None), pytest.param(72, 64, marks=pytest.mark.slow)]
)
def test_shaken_frames_help_each_other(side, tile):
    scene = data.camera()[100:240, 200:340] / 255
    corners = [(29, 32), (33, 26), (27, 30), (32, 35)]
    frames = np.stack([scene[y : y + side, x : x + side] for y, x in corners])
    noisy = frames + np.random.default_rng(0).normal(0, 0.1, frames.shape)
    settings = Settings(device="cpu", axes="TYX", iterations=12, tile=tile, overlap=16)
    _, together = finish(restore(noisy, settings))
    _, alone = finish(restore(noisy, settings.replace(share="none")))
    assert mse(frames, together.image) < 0.7 * mse(frames, alone.image)
    assert "; planes up to 9 pixels apart were aligned)" in outcome(Path("x"), together)
    assert "aligned" not in outcome(Path("x"), alone)


def test_a_constant_plane_is_unchanged(noisy):
    stack = np.stack([noisy, np.full_like(noisy, 0.5)])
    _, result = finish(restore(stack, Settings(**QUICK)))
    assert (result.image[1] == 0.5).all()
    assert [report.index for report in result.reports] == [(0,)]


def test_the_same_seed_gives_the_same_bytes(noisy):
    # not refined: of fits that have hardly begun, the refinement takes nothing
    runs = [denoise(noisy, seed=seed, refinement=0, **QUICK) for seed in (4, 4, 5)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_each_plane_has_a_seed_from_its_number(noisy):
    stack = np.stack([noisy, noisy])
    quick = {"axes": "ZYX", "noise": 0.1, "refinement": 0} | QUICK
    both = denoise(stack, share="none", **quick)
    assert not np.array_equal(both[0], both[1])
    assert np.array_equal(both[0], denoise(noisy[None], **quick)[0])


def test_a_given_noise_level_has_image_units(noisy):
    image = (1000 * noisy).clip(0).astype(np.uint16)
    quick = QUICK | {"stopping": "discrepancy"}
    _, given = finish(restore(image, Settings(noise=50.0, **quick)))
    _, estimated = finish(restore(image, Settings(**quick)))
    assert given.reports[0].noise["read"] == pytest.approx(50)
    assert estimated.reports[0].noise["read"] == pytest.approx(98, rel=0.15)


def test_snapshots_say_where_the_run_stands(noisy):
    stack = np.stack([noisy[:16, :16]] * 2).astype(np.float64)
    settings = Settings(device="cpu", iterations=4, preview_every_s=0, axes="CYX", refinement=0)
    snapshots, result = finish(restore(stack, settings))
    assert [(s.unit, s.units, s.index) for s in snapshots] == [(0, 2, (0,))] * 4 + [
        (1, 2, (1,))
    ] * 4
    assert [(s.iteration, s.iterations) for s in snapshots] == [(i, 4) for i in range(1, 5)] * 2
    assert all(s.image.shape == (16, 16) and s.image.dtype == stack.dtype for s in snapshots)
    assert snapshots[-1].remaining_s == 0 < snapshots[0].remaining_s
    assert [s.elapsed_s for s in snapshots] == sorted(s.elapsed_s for s in snapshots)
    best = result.reports[1].best_iteration  # which need not be the last
    assert np.array_equal(snapshots[4 + best - 1].image, result.image[1])


def test_closing_the_generator_ends_the_run(noisy):
    restoration = restore(noisy, Settings(device="cpu", iterations=50))
    next(restoration)
    restoration.close()
    with pytest.raises(StopIteration):
        next(restoration)


def test_axes_of_the_call_override_the_settings(noisy):
    restoration = restore(noisy[None], Settings(axes="TYX", **QUICK), axes="ZYX")
    assert finish(restoration)[1].axes == "ZYX"


@pytest.mark.slow
def test_refinement_brings_the_estimate_nearer_to_the_truth(clean, noisy):
    plain, refined = (
        finish(restore(noisy, Settings(device="cpu", iterations=60, refinement=passes)))[1]
        for passes in (0, 3)
    )
    assert mse(clean, refined.image) < mse(clean, plain.image)


def test_photon_noise_is_seen_and_made_even():
    rng = np.random.default_rng(0)
    truth = np.linspace(20, 2000, 64) * np.ones((64, 1))
    image = (100 + 5 * rng.poisson(truth / 5)).astype(np.uint16)
    _, result = finish(restore(image, Settings(**QUICK)))
    assert result.reports[0].noise["gain"] == pytest.approx(5, rel=0.2)
    _, gaussian = finish(restore(image, Settings(noise="gaussian", **QUICK)))
    assert gaussian.reports[0].noise["gain"] == 0
    given = SensorNoise(gain=5, offset=100, read=1)
    _, told = finish(restore(image, Settings(noise=given, **QUICK)))
    assert told.reports[0].noise["gain"] == 5
    assert told.image.dtype == np.uint16


def test_planes_of_a_channel_share_a_noise_estimate(noisy):
    stack = np.stack([np.stack([noisy, noisy[::-1]]), 10 * np.stack([noisy[::-1], noisy])])
    _, result = finish(restore(stack, Settings(axes="CZYX", **QUICK)))
    reads = [report.noise["read"] for report in result.reports]
    assert reads[0] == reads[1]
    assert reads[2] == reads[3] == pytest.approx(10 * reads[0])


def test_an_offset_above_the_image_is_refused(noisy):
    with pytest.raises(BadImage, match="offset=100 is not below the brightest pixel"):
        restore(noisy, Settings(noise=SensorNoise(gain=1, offset=100)))


def test_time_spent_in_a_pause_is_not_counted(noisy):
    paused = []

    def stop():
        if not paused:
            paused.append(time.sleep(0.5))
        return False

    asked = Settings(iterations=5, refinement=0, device="cpu")
    restoration = restore(noisy, asked, stop_requested=stop)
    began = time.monotonic()
    _, result = finish(restoration)
    assert time.monotonic() - began - result.elapsed_s >= 0.5
