"""The forecast of the run time includes every step of the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_dip import Deconvolve, Denoise, Inpaint, Settings, SuperResolve
from napari_dip.image.forecast import (
    expected_bytes,
    expected_seconds,
    expected_steps,
    survey_seconds,
)
from napari_dip.image.layout_plan import choose_plan, make_layout
from napari_dip.image.plan_text import duration, outlook
from napari_dip.image.restoration_plan import plan
from napari_dip.pipeline import costs as module
from napari_dip.pipeline import precision as calibrate

FAST = Settings(axes="YX", device="cpu", tile=4096)


ITERATION_S, PIXEL_S, FILTER_S, BLUR_S = 0.02, 1e-6, 5e-6, 1e-7
TIMES = {"float32, channels first": 40.0, "bfloat16, channels last": 20.0}


@pytest.fixture(autouse=True)
def costs(monkeypatch):
    """Costs that are easy to add up, in bfloat16; float32 takes twice the time."""
    arithmetic = calibrate.Arithmetic("bfloat16", True)
    found = calibrate.Calibration(arithmetic, str(arithmetic), TIMES, cached=True)
    own = module.Costs(ITERATION_S, PIXEL_S, FILTER_S, BLUR_S)
    monkeypatch.setattr(calibrate, "calibrate", lambda device, threads=None: found)
    monkeypatch.setattr(module, "measure_costs", lambda device, threads=None: own)


def told(shape, settings=FAST, missing=None, device="cpu", **noise):
    plan, _ = choose_plan(make_layout(shape, settings), settings, device=device)
    return expected_seconds(plan, settings, device, missing, **noise)


def alone(settings=FAST):
    """One fit of a single iteration, and nothing after it."""
    return settings.replace(refinement=0, iterations=1, stopping="fixed")


def test_an_iteration_costs_what_was_measured():
    expected = ITERATION_S + 64 * 96 * PIXEL_S
    assert expected <= told((64, 96), alone()) < 1.3 * expected


def test_float32_is_counted_at_its_own_speed():
    assert told((64, 64), alone(FAST.replace(precision="float32"))) == pytest.approx(
        2 * told((64, 64), alone())
    )
    volume = FAST.replace(axes="ZYX", ndim=3)
    assert told((4, 32, 32), alone(volume)) == pytest.approx(2 * told((64, 64), alone()))


def test_the_network_of_paper_costs_more():
    paper = alone(FAST.replace(preset="paper", precision="bfloat16"))
    assert told((128, 128), paper) > 4 * told((128, 128), alone())


def test_the_refinement_counts():
    two, four = told((256, 256)), told((256, 256), FAST.replace(refinement=4))
    passes = (four - two) / (256 * 256 * FILTER_S)
    assert passes == pytest.approx(2)
    # Two passes come before the fit and two after it; an iteration costs less than a pass.
    one = told((256, 256), FAST.replace(iterations=1))
    assert 4 * passes / 2 < one / (256 * 256 * FILTER_S) < 5 * passes / 2


def test_shared_planes_take_less_time():
    stack = FAST.replace(axes="ZYX")
    shared, alone = told((12, 144, 144), stack), told((12, 144, 144), stack.replace(share="none"))
    assert shared < alone / 2
    assert shared > told((12, 144, 144), stack.replace(prior="none")) > 1  # the filter alone


def test_shared_planes_count_at_most_the_given_iterations():
    stack = FAST.replace(axes="TYX", refinement=0)
    one, shared = told((10, 144, 144), stack.replace(iterations=1)), told((10, 144, 144), stack)
    assert one == pytest.approx(shared / 110)


def test_the_kind_of_the_gaps_counts():
    noise = np.random.default_rng(0).random((192, 192))
    half, hole = noise < 0.5, np.zeros((192, 192), bool)
    hole[64:104, 64:104] = True
    inpaint = FAST.replace(task=Inpaint())
    said = FAST.replace(task=Inpaint(missing="hole"))
    assert told((192, 192), inpaint, hole) == told((192, 192), said, half) == told((192, 192), said)
    assert told((192, 192), inpaint, hole) < told((192, 192), inpaint, half)
    stack = inpaint.replace(axes="ZYX")
    gaps = np.stack([np.zeros_like(half), half])
    assert told((2, 192, 192), stack, gaps) == pytest.approx(2 * told((192, 192), inpaint, half))


def test_noise_ends_a_fit_with_gaps_sooner():
    inpaint = FAST.replace(task=Inpaint(missing="scratches"), refinement=0)
    clean, noisy = told((96, 96), inpaint), told((96, 96), inpaint, noisy=True)
    assert clean == pytest.approx(4 * noisy)


def test_the_filter_alone_counts_only_where_used():
    best = FAST.replace(preset="best", refinement=1, members=1, uncertainty=False)
    assert told((96, 96), best) > told((96, 96), best.replace(preset="fast"))
    gaps = best.replace(task=Inpaint())
    assert told((96, 96), gaps) == told((96, 96), gaps.replace(preset="fast"))
    stack = best.replace(axes="ZYX")
    assert told((5, 96, 96), stack) == told((5, 96, 96), stack.replace(preset="fast"))


def test_tiles_take_longer_by_what_they_share():
    whole, tiles = (told((320, 320), FAST.replace(tile=side)) for side in (4096, 192))
    assert 1.2 < tiles / whole < 3


def test_fits_and_the_second_opinion_count():
    best = FAST.replace(preset="best", uncertainty=False)
    once = 2 * 128 * 128 * FILTER_S  # the filter before the fits, which all members share
    assert told((128, 128), best) - once > 4 * (told((128, 128)) - once)
    assert told((128, 128), best) > 1.5 * told((128, 128), best.replace(members=2))


def test_the_forecast_includes_the_survey():
    settings = FAST.replace(axes="TYX", refinement=0, iterations=1, share="none")
    plan, device = choose_plan(make_layout((60, 30_000, 30_000), settings), settings, device="cpu")
    assert survey_seconds(plan) == pytest.approx(32_400, rel=1e-3)
    words = outlook(plan, settings, device, result_bytes=0)
    hours = (32_400 + expected_seconds(plan, settings, device)) / 3600
    assert f"about {hours:.1f} h" in words


def test_volumes_in_processes_have_one_time():
    optics = {"na": 1.2, "ri": 1.33, "wavelength": 520, "pixel_size": 0.08, "z_step": 0.25}
    task = {"kind": "deconvolve"} | optics
    settings = Settings(task=task, axes="TZYX", ndim=3, device="cpu")
    plan, device = choose_plan(make_layout((2, 8, 48, 56), settings), settings, device="cpu")
    words = outlook(replace(plan, at_once=1), settings, device, result_bytes=0, workers=2)
    assert "about" in words
    assert "depends on" not in words


def test_reasons_follow_time_and_memory():
    settings = FAST.replace(axes="ZYX", tile=None)
    plan, device = choose_plan(make_layout((12, 144, 144), settings), settings, device="cpu")
    line = outlook(plan, settings, device, result_bytes=0).split("\n")[0]
    assert line.endswith("CPU; the time depends on how similar neighbours are")


def test_inpainting_a_stack_stays_within_the_forecast():
    def words(shape, **task):
        settings = Settings(task=Inpaint(**task), axes="ZYX"[-len(shape) :], device="cpu")
        plan, device = choose_plan(make_layout(shape, settings), settings, device="cpu")
        hidden = np.zeros(shape, bool)
        hidden[..., 3:5, :] = True
        return outlook(plan, settings, device, result_bytes=0, missing=hidden)

    assert "· up to" in words((4, 64, 64))
    assert "planes without a gap take no time" in words((4, 64, 64))
    assert "· about" in words((64, 64))
    assert "without a gap" not in words((4, 64, 64), keep_known=False)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(axes="YX", noise=10.0),
        Settings(axes="YX", preset="best", noise=10.0),
        Settings(axes="YX", task="super-resolve", noise=30.0),
        Settings(axes="YX", preset="paper", noise=10.0),
    ],
    ids=["fast", "best", "super-resolve", "paper"],
)
def test_expected_steps_are_those_of_the_plan(settings):
    settings = settings.replace(device="cpu")
    image = np.random.default_rng(0).normal(100, 10, (64, 64)).astype(np.float32)
    planned = plan(image, settings)
    expected, _ = choose_plan(make_layout(image.shape, settings), settings, device="cpu")
    assert expected_steps(expected, settings) == planned.steps


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (42.4, "42 s"), (100, "2 min"), (9000, "2.5 h")]
)
def test_no_time_is_told_as_none(seconds, words):
    assert duration(seconds) == words


def test_uncertainty_triples_the_time():
    settings = Settings(axes="YX", device="cpu")
    chosen, _ = choose_plan(make_layout((64, 64), settings), settings)
    with_it = settings.replace(uncertainty=True)
    alone, both = (expected_seconds(chosen, each, "cpu") for each in (settings, with_it))
    assert both == pytest.approx(3 * alone)
    steps = expected_steps(chosen, with_it)
    assert steps[:-1] == expected_steps(chosen, settings)
    assert "uncertainty" in steps[-1]


@pytest.mark.parametrize("given", [True, False], ids=["given", "computed"])
def test_a_point_spread_function_counts(given):
    volume = FAST.replace(axes="ZYX", ndim=3, task=Deconvolve(fwhm=None if given else 3))
    layout, kernel = make_layout((16, 96, 96), volume), (9, 9, 9) if given else ()
    chosen, _ = choose_plan(layout, volume, device="cpu", kernel=kernel)
    assert chosen.kernel == ((9, 9, 9) if given else (13, 13, 13))
    wide, _ = choose_plan(layout, volume, device="cpu", kernel=(17, 49, 49))
    narrow, broad = (expected_seconds(each, volume, "cpu") for each in (chosen, wide))
    alone = told((16, 96, 96), volume.replace(task=Denoise()))
    assert broad > narrow > 1.5 * alone
    assert expected_bytes(wide, volume, "cpu") > expected_bytes(chosen, volume, "cpu")


def test_only_the_second_stage_is_deconvolved():
    finer = FAST.replace(task=SuperResolve())
    chosen, _ = choose_plan(make_layout((64, 64), finer), finer, device="cpu", kernel=(9, 9))
    steps = expected_steps(chosen, finer)
    assert not any("Sharpen" in step for step in steps)
