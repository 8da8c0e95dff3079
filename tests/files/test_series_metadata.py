"""Test that a series of files has the times and channels of all its files."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_dip.files.image_io import read_image, write_image

WAVELENGTHS = [450.0, 520.0]


def write(folder, *, date="2026-03-04T05:06:0{t}", stamps=True):
    for t in range(2):
        for c in range(2):
            planes = {"ExposureTime": [0.1 + c]} | ({"DeltaT": [0.5 * c]} if stamps else {})
            tifffile.imwrite(
                folder / f"a_t{t}_c{c}.ome.tif",
                np.random.default_rng(0).integers(0, 99, (16, 20), np.uint16),
                metadata={
                    "axes": "YX",
                    "AcquisitionDate": date.format(t=t),
                    "Channel": {"Name": f"dye {c}", "EmissionWavelength": WAVELENGTHS[c]},
                    "Plane": planes,
                },
            )
    return folder / "a_t*_c*.ome.tif"


def test_times_and_channels_of_all_files_are_kept(tmp_path):
    write_image(tmp_path / "out.ome.tif", read_image(write(tmp_path)))
    for stored in (read_image(tmp_path / "a_t*_c*.ome.tif"), read_image(tmp_path / "out.ome.tif")):
        assert stored.axes == "TCYX"
        assert [one.name for one in stored.channels] == ["dye 0", "dye 1"]
        assert stored.optics["wavelength"] == tuple(WAVELENGTHS)
        planes = stored.extras["ome_planes"]
        assert planes["DeltaT"] == {(t, c, 0): t + 0.5 * c for t in range(2) for c in range(2)}
        assert planes["ExposureTime"][1, 1, 0] == pytest.approx(1.1)
        assert stored.times == (0.0, 1.0)


def test_dates_of_files_are_times_of_frames(tmp_path):
    assert read_image(write(tmp_path, stamps=False)).times == (0.0, 1.0)


@pytest.mark.parametrize("stamps", [False, True])
def test_invalid_dates_give_no_times(tmp_path, stamps):
    stored = read_image(write(tmp_path, date="day {t}", stamps=stamps))
    assert stored.times == ()
    assert stored.acquired == "day 0"
