"""A plane that is restored in tiles, and what happens when the memory runs out."""

import numpy as np
import pytest
from skimage import data

from napari_dip import Settings, restore
from napari_dip.errors import BadMask, BadSettings, OutOfMemory
from napari_dip.generators import finished
from napari_dip.image import unit
from napari_dip.pipeline import restore_block
from napari_dip.pipeline.fit_step import Fit

TRUTH = data.camera()[100:196, 180:300] / 255
QUICK = {"device": "cpu", "iterations": 10, "noise": 0.1, "refinement": 1, "overlap": 16}


@pytest.fixture(scope="module")
def noisy():
    return TRUTH + np.random.default_rng(0).normal(0, 0.1, TRUTH.shape)


def finish(image, settings, **keywords):
    snapshots = []
    return snapshots, finished(restore(image, settings, **keywords), snapshots.append)


def mse(image):
    return np.mean((image - TRUTH) ** 2)


def test_tiles_equal_the_whole_without_a_seam(noisy):
    _, whole = finish(noisy, Settings(**QUICK))
    snapshots, tiled = finish(noisy, Settings(tile=72, **QUICK))
    assert mse(tiled.image) < 1.2 * mse(whole.image)
    steps = [np.abs(np.diff(each.image, axis=0)).mean(axis=1) for each in (tiled, whole)]
    assert np.divide(*steps)[20:76].max() < 1.5
    assert [snapshot.iteration for snapshot in snapshots] == sorted(
        snapshot.iteration for snapshot in snapshots
    )
    assert "tiles of 72" in tiled.plan
    assert tiled.reports[0].iterations == 4 * 10
    # the best is one of the tile that is shown
    assert all(0 <= one.iteration - one.best_iteration < 10 for one in snapshots)


@pytest.mark.slow
def test_all_tiles_take_the_iterations_of_the_first(noisy):
    asked = QUICK | {"iterations": 40, "stopping": "consensus"}
    fits = []
    original = Fit.choose

    def counted(self, *estimates):
        fits.append(self.recipe)
        return original(self, *estimates)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fit, "choose", counted)
        _, result = finish(noisy, Settings(tile=72, **asked))
    assert [recipe.stopping.rule for recipe in fits] == ["consensus", "fixed", "fixed", "fixed"]
    assert result.reports[0].iterations % 4 == 0


def test_super_resolved_tiles_are_joined_in_fine_pixels():
    coarse = data.camera()[100:170, 180:260]
    settings = Settings(task="super-resolve", tile=64, overlap=16, device="cpu", iterations=2)
    _, result = finish(coarse, settings)
    assert result.image.shape == (140, 160)
    assert result.image.std() > 0


@pytest.mark.parametrize(
    ("task", "dtype"),
    [
        ("denoise", "float32"),
        ("super-resolve", "uint8"),
        ("inpaint", "float32"),
        pytest.param("denoise", "uint8", marks=pytest.mark.slow),
        pytest.param("super-resolve", "float32", marks=pytest.mark.slow),
        pytest.param("inpaint", "uint8", marks=pytest.mark.slow),
    ],
)
def test_tiles_that_were_not_begun_are_empty(noisy, task, dtype):
    image = (1 + 200 * noisy.clip(0, 1)).astype(dtype)
    mask = np.random.default_rng(0).random(image.shape) < 0.01
    asked = iter([*[False] * 9, *[True] * 1000])
    settings = Settings(tile=72, task=task, preview_every_s=0, **QUICK | {"iterations": 4})
    steps = restore(image, settings, mask=mask, stop_requested=lambda: next(asked))
    pictures = []
    result = finished(steps, lambda step: pictures.append(step.image))
    assert result.stopped_by_user
    done = result.reports[0].tiles
    assert 0 < done < result.reports[0].of_tiles
    assert f"in tile {done} of " in result.coverage.in_words()
    for picture in (pictures[-1], result.image):
        empty = np.isnan(picture) if dtype == "float32" else picture == 0
        assert 0.05 < empty.mean() < 0.95


@pytest.mark.parametrize("task", ["denoise", "super-resolve"])
def test_empty_tiles_of_a_stitched_image_stay_empty(noisy, task):
    stitched = np.full((150, 170), np.nan)
    stitched[:60, 90:] = noisy[:60, :80]
    quick = QUICK | {"iterations": 3, "refinement": 0}
    _, result = finish(stitched, Settings(task=task, tile=72, **quick))
    factor = 1 if task == "denoise" else 2
    assert np.isfinite(result.image[: 60 * factor, 90 * factor :]).all()
    assert np.isnan(result.image[-10:, : 40 * factor]).all()


def test_a_tile_inside_a_hole_is_refused(noisy):
    mask = np.zeros(noisy.shape, bool)
    mask[:75, :75] = True
    snapshots = []
    with pytest.raises(BadMask, match="larger tiles"):
        finished(
            restore(noisy, Settings(task="inpaint", tile=72, **QUICK), mask=mask), snapshots.append
        )
    assert not snapshots


def test_tiles_are_halved_if_memory_runs_out(noisy, monkeypatch):
    original = restore_block.restore_block

    def narrow(part, *args, **keywords):
        if max(part.values.shape) > 60:
            raise OutOfMemory("too large")
        return (yield from original(part, *args, **keywords))

    monkeypatch.setattr(restore_block, "restore_block", narrow)
    quick = QUICK | {"iterations": 3, "refinement": 0}
    monkeypatch.setattr(unit, "SMALLEST_TILE", 40)
    _, result = finish(noisy, Settings(**quick))
    assert "tiles of 60 pixels" in result.reports[0].reason
    assert np.isfinite(result.image).all()


def test_tiles_that_do_not_advance_are_refused():
    with pytest.raises(BadSettings, match=r"overlap=32.*larger tile"):
        Settings(tile=64)
