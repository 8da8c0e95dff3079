"""Test that numbers in file names become axes."""

from __future__ import annotations

import numpy as np
import pytest
from example_files import files

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image
from napari_dip.image.metadata import Channel


@pytest.mark.parametrize(
    ("name", "numbers", "pattern", "axes"),
    [
        pytest.param(
            "img_channel{:03}_position000_time{:09}_z{:03}.tif",
            (range(2), range(2), range(3)),
            "img*.tif",
            "CTZ",
            id="Micro-Manager",
        ),
        pytest.param(
            "Pos{}/img_{:09}_{}_{:03}.tif",
            (range(2), range(1, 3), ("Cy5", "DAPI"), range(2)),
            "Pos*/*.tif",
            "QTCZ",
            id="Micro-Manager 1.4",
        ),
        pytest.param(
            "a_C{}_Z{:03}_T{:02}.tif", ((1, 2), (1, 2, 3), (1, 2)), "a_*", "CZT", id="underscores"
        ),
        pytest.param("a_t{}z{}c{}.tif", ((1, 2), (9, 10), (1, 2)), "a_*", "TZC", id="glued"),
        pytest.param("a_w{}_s{}_t{}.TIF", ((1, 2),) * 3, "*.TIF", "CQT", id="MetaMorph"),
        pytest.param("exp_xy{:02}_slice-{}.tif", ((1, 2), (1, 2)), "exp*", "QZ", id="xy"),
        pytest.param("scanCh{}Frame{}.tif", ((1, 2), (1, 2)), "scan*", "CT", id="capitals"),
    ],
)
def test_each_number_is_an_axis(tmp_path, name, numbers, pattern, axes):
    files(tmp_path, name, *numbers)
    stored = read_image(tmp_path / pattern)
    assert stored.axes == "".join(sorted(axes, key="QTZC".index)) + "YX"
    places = [stored.axes.index(letter) for letter in axes]
    whole = np.moveaxis(stored.whole(), places, range(len(axes)))
    np.testing.assert_array_equal(
        whole[..., 0, 0].ravel(), np.arange(np.prod([len(one) for one in numbers]))
    )


def test_missing_file_is_named(tmp_path):
    files(tmp_path, "a_t{}_z{:02}.tif", range(3), range(3))
    (tmp_path / "a_t1_z02.tif").unlink()
    with pytest.raises(FileProblem, match=r"8 of 9 files: a_t1_z02\.tif is missing"):
        read_image(tmp_path / "a_*.tif")
    assert read_image(tmp_path / "a_t[02]*.tif").image.shape == (2, 3, 4, 5)


def test_gap_in_the_numbers_gives_a_note(tmp_path):
    files(tmp_path, "a_t{}.tif", (1, 2, 4))
    assert "no 3" in read_image(tmp_path / "a_t*.tif").notes[1]
    files(tmp_path, "b_t{}.tif", (0, 5, 10))
    assert len(read_image(tmp_path / "b_t*.tif").notes) == 1


@pytest.mark.parametrize(
    ("name", "numbers", "says"),
    [
        ("run{}_t{}.tif", ((1, 2), (1, 2)), r"after 'run' \(1, 2\) is unknown.*'.*run1_t\*\.tif'"),
        ("{}_{}.tif", ((1, 2), (1, 2)), r"at the beginning \(1, 2\).*'.*1_\*\.tif'"),
        ("t{}_time{}.tif", ((1, 2), (1, 2)), r"two numbers stand for T.*'.*t\*_time1\.tif'"),
        ("a{}.tif", (("1", "01"),), "01, 1, some of which are equal"),
        ("{}.tif", (("t1", "t2_new"),), r"t1\.tif and t2_new\.tif, which are numbered differently"),
    ],
)
def test_number_of_unknown_axis_is_refused(tmp_path, name, numbers, says):
    files(tmp_path, name, *numbers)
    with pytest.raises(FileProblem, match=says):
        read_image(tmp_path / "*.tif")


def test_redundant_date_is_not_an_axis(tmp_path):
    for number in range(3):
        files(tmp_path, f"a_t{number}_2024010{number}.tif")
    assert read_image(tmp_path / "a_*.tif").axes == "TYX"


def test_differing_words_are_channel_names(tmp_path):
    files(tmp_path, "cells_{}.tif", ("DAPI", "Cy5"))
    stored = read_image(tmp_path / "cells_*.tif")
    assert (stored.axes, stored.channels) == ("CYX", (Channel("Cy5"), Channel("DAPI")))
