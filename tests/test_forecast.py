"""The time that is told before a run counts all that the run does."""

from __future__ import annotations

import numpy as np
import pytest

from napari_dip import Inpaint, Settings
from napari_dip.prior import calibrate
from napari_dip.sentences import duration, outlook
from napari_dip.stack.forecast import expected_seconds, survey_seconds
from napari_dip.stack.outline import lay_out, settle

FAST = Settings(axes="YX", device="cpu", tile=4096)


@pytest.fixture(autouse=True)
def timed(monkeypatch):
    """A device that takes 40 ms."""
    found = calibrate.Calibration(calibrate.PLAIN, "plain", {"plain": 40.0}, cached=True)
    monkeypatch.setattr(calibrate, "calibrate", lambda device, threads=None: found)


def told(shape, settings=FAST, missing=None, device="cpu"):
    plan, _ = settle(lay_out(shape, settings), settings, device=device)
    return expected_seconds(plan, settings, device, missing)


def test_it_is_what_a_plane_was_seen_to_take():
    # 23.6 CPU s at 22 ms: see benchmarks/NOTES.md.
    assert told((256, 256)) == pytest.approx(23.6 * 40 / 22, rel=0.35)


def test_a_gpu_is_timed_with_an_image_16_times_as_large():
    assert told((512, 512), device="cuda") == pytest.approx(told((128, 128)))


def test_the_refinement_counts():
    without = told((256, 256), FAST.replace(refinement=0))
    assert told((256, 256)) - without == pytest.approx(1.6 * 40 / 22, rel=0.35)
    assert told((256, 256), FAST.replace(refinement=4)) > told((256, 256))


def test_planes_that_share_a_network_take_less_and_are_all_refined():
    stack = FAST.replace(axes="ZYX")
    shared, alone = told((12, 144, 144), stack), told((12, 144, 144), stack.replace(share="none"))
    assert shared < alone / 3
    assert shared - told((12, 144, 144), stack.replace(refinement=0)) > 2


def test_of_planes_that_share_a_network_no_more_iterations_count_than_were_asked_for():
    stack = FAST.replace(axes="TYX", refinement=0)
    one, shared = told((10, 144, 144), stack.replace(iterations=1)), told((10, 144, 144), stack)
    assert one == pytest.approx(shared / 110)


def test_it_is_what_volumes_were_seen_to_take(monkeypatch):
    # 76.9 CPU s, and 405 and 151 ms an iteration, at about 40 ms in the arithmetic of volumes.
    times = {"float32, channels first": 40.0, "bfloat16, channels last": 31.0}
    planes = calibrate.Arithmetic("bfloat16", True)
    found = calibrate.Calibration(planes, str(planes), times, cached=True)
    monkeypatch.setattr(calibrate, "calibrate", lambda device, threads=None: found)
    volume = FAST.replace(axes="ZYX", ndim=3)
    assert told((12, 96, 96), volume) == pytest.approx(77, rel=0.35)
    once = volume.replace(refinement=0, iterations=1, stopping="fixed")
    assert told((16, 96, 96), once) == pytest.approx(0.405, rel=0.2)
    assert told((8, 64, 64), once) == pytest.approx(0.151, rel=0.2)


def test_the_kind_of_the_gaps_counts():
    noise = np.random.default_rng(0).random((192, 192))
    half, hole = noise < 0.5, np.zeros((192, 192), bool)
    hole[64:104, 64:104] = True
    inpaint = FAST.replace(task=Inpaint())
    # 17.1 and 7.9 CPU s, at about 22.4 ms.
    assert told((192, 192), inpaint, half) == pytest.approx(17.1 * 40 / 22.4, rel=0.35)
    assert told((192, 192), inpaint, hole) == pytest.approx(7.9 * 40 / 22.4, rel=0.35)
    said = FAST.replace(task=Inpaint(missing="hole"))
    assert told((192, 192), inpaint, hole) == told((192, 192), said, half) == told((192, 192), said)
    stack = inpaint.replace(axes="ZYX")
    gaps = np.stack([np.zeros_like(half), half])
    assert told((2, 192, 192), stack, gaps) == pytest.approx(2 * told((192, 192), inpaint, half))


def test_no_second_opinion_is_counted_where_there_is_none():
    best = FAST.replace(preset="best", refinement=0, members=1)
    assert told((96, 96), best) > told((96, 96), best.replace(preset="fast"))
    gaps = best.replace(task=Inpaint())
    assert told((96, 96), gaps) == told((96, 96), gaps.replace(preset="fast"))
    stack = best.replace(axes="ZYX")
    assert told((5, 96, 96), stack) == told((5, 96, 96), stack.replace(preset="fast"))


def test_tiles_take_longer_by_what_they_share():
    whole, tiles = (told((320, 320), FAST.replace(tile=side)) for side in (4096, 192))
    assert 1.2 < tiles / whole < 3


def test_fits_and_the_second_opinion_count():
    best = FAST.replace(preset="best")
    assert told((128, 128), best) > 4 * told((128, 128))
    assert told((128, 128), best) > 2 * told((128, 128), best.replace(members=2)) - 5


def test_the_look_at_all_planes_is_told_before_it_was_taken():
    settings = FAST.replace(axes="TYX", refinement=0, iterations=1, share="none")
    plan, device = settle(lay_out((60, 30_000, 30_000), settings), settings, device="cpu")
    assert survey_seconds(plan) == pytest.approx(32_400, rel=1e-3)
    words = outlook(plan, settings, device, result_bytes=0)
    hours = (32_400 + expected_seconds(plan, settings, device)) / 3600
    assert f"about {hours:.1f} h" in words


def test_a_stack_is_inpainted_in_no_more_than_what_is_told():
    def words(shape, **task):
        settings = Settings(task=Inpaint(**task), axes="ZYX"[-len(shape) :], device="cpu")
        plan, device = settle(lay_out(shape, settings), settings, device="cpu")
        hidden = np.zeros(shape, bool)
        hidden[..., 3:5, :] = True
        return outlook(plan, settings, device, result_bytes=0, missing=hidden)

    assert "Takes up to" in words((4, 64, 64))
    assert "planes without a gap take no time" in words((4, 64, 64))
    assert "Takes about" in words((64, 64))
    assert "without a gap" not in words((4, 64, 64), keep_known=False)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (42.4, "42 s"), (100, "2 min"), (9000, "2.5 h")]
)
def test_no_time_is_told_as_none(seconds, words):
    assert duration(seconds) == words
