"""Test that an existing result is kept until the new one is complete."""

from pathlib import Path

import numpy as np
import pytest
from example_zarr import chunks

from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import StoredImage, read_image, read_provenance, write_image
from napari_dip.files.resumable_output import existing_output
from napari_dip.generators import finished
from napari_dip.settings import Settings


def restore_units(run, units):
    """Restore some units, then stop like a killed run."""
    steps = run.steps()
    while next(steps).unit < units:
        pass
    steps.close()


ANEW = Settings(
    axes="ZYX", device="cpu", iterations=1, noise=5, share="none", at_once=1, refinement=0
)


def test_existing_result_is_kept_until_complete(stack, older):
    run = open_run(stack, older, ANEW, overwrite=True)
    before = chunks(older)
    restore_units(run, 3)
    assert chunks(older) == before
    assert f"{older} is unchanged; --resume continues" in run.describe_unfinished()
    run.close()
    assert existing_output(older) == "an unfinished run"
    again = open_run(stack, older, ANEW, resume=True)
    assert "3 of 6 parts are complete already" in again.notes[-1]
    result = finished(again.steps())
    assert (np.asarray(result.image[:]) != 7).any()
    np.testing.assert_array_equal(read_image(older).image, result.image)
    again.close()
    assert [file.name for file in older.parent.iterdir()] == [older.name]


@pytest.mark.parametrize("renamed", [0, 1])
def test_kill_during_replacement_loses_no_result(stack, older, monkeypatch, renamed):
    run = open_run(stack, older, ANEW, overwrite=True)
    rename, count = Path.rename, [0]

    def killed(self, target):
        if count[0] == renamed:
            raise KeyboardInterrupt
        count[0] += 1
        return rename(self, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "rename", killed)
        finished(run.steps())
    run.close()
    assert older.exists() == (renamed == 0)
    assert existing_output(older) == "an unfinished run"
    again = open_run(stack, older, ANEW, resume=True)
    assert "6 of 6" in again.notes[-1]
    finished(again.steps())
    again.close()
    assert (np.asarray(read_image(older).image) != 7).any()
    assert [file.name for file in older.parent.iterdir()] == [older.name]


def test_overwriting_run_replaces_an_unfinished_one(stack, older):
    first = open_run(stack, older, ANEW, overwrite=True)
    restore_units(first, 2)
    first.close()
    second = open_run(stack, older, ANEW.replace(seed=1), overwrite=True)
    assert not second.output.done()
    finished(second.steps())
    second.close()
    assert read_provenance(older)["seed"] == 1
    assert [file.name for file in older.parent.iterdir()] == [older.name]


def test_image_and_uncertainty_are_replaced_together(stack, older, tmp_path):
    spread = tmp_path / "u.ome.zarr"
    write_image(spread, StoredImage(np.full((6, 24, 28), 7, np.float32), "ZYX"))
    two = ANEW.replace(members=2)
    run = open_run(stack, older, two, uncertainty=spread, overwrite=True)
    restore_units(run, 2)
    run.close()
    assert (np.asarray(read_image(spread).image) == 7).all()
    again = open_run(stack, older, two, uncertainty=spread, resume=True)
    assert "2 of 6 parts" in again.notes[-1]
    finished(again.steps())
    again.close()
    assert all((np.asarray(read_image(path).image) != 7).any() for path in (older, spread))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.ome.zarr", "u.ome.zarr"]
