"""Test that vendor formats are read through bioio, with clear errors."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace

import dask.array as da
import numpy as np
import pytest
import tifffile
from kept_metadata import (
    COLOURS,
    DATE,
    NAME,
    NAMES,
    PIXELS,
    READ,
    STAMPS,
    VENDORS,
    expected,
    write_ome_tiff,
)

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import read_image
from napari_dip.image.metadata import Channel


@pytest.fixture
def bioio(monkeypatch):
    """Replace bioio, which is not installed for tests, by an empty module."""
    module = ModuleType("bioio")
    monkeypatch.setitem(sys.modules, "bioio", module)
    return module


def scene(values, order="TCZYX", **changes):
    """Return an object with the attributes of a BioImage."""
    told = {
        "dask_data": da.from_array(values, chunks=1),
        "dims": SimpleNamespace(order=order),
        "physical_pixel_sizes": SimpleNamespace(Z=0.5, Y=0.1, X=0.1),
        "time_interval": timedelta(seconds=3),
        "scenes": ("one",),
        "set_scene": lambda number: None,
    }
    return SimpleNamespace(**(told | changes))


def test_axes_sizes_and_values_are_read(bioio, tmp_path):
    values = np.arange(2 * 3 * 4 * 5, dtype=">u2").reshape(2, 1, 3, 4, 5)
    bioio.BioImage = lambda path: scene(values, scenes=("one", "two"))
    stored = read_image(tmp_path / "cells.CZI")
    assert stored.axes == "TZYX"
    assert stored.pixel_size == {"T": 3, "Z": 0.5, "Y": 0.1, "X": 0.1}
    assert stored.unit == {"T": "s", "Z": "µm", "Y": "µm", "X": "µm"}
    assert stored.image.dtype == np.dtype("u2")
    np.testing.assert_array_equal(stored.image[1, 2], values[1, 0, 2])
    assert type(stored.image[0]) is np.ndarray
    (note,) = stored.notes
    assert "2 images; number 0 is used" in note
    assert "1: 'two', 2 x 1 x 3 x 4 x 5 TCZYX" in note


def test_scene_is_selected_by_its_number(bioio, tmp_path):
    several = scene(np.zeros((1, 1, 1, 4, 5), np.uint8), scenes=("one", "two"))
    several.set_scene = lambda number: setattr(
        several, "dask_data", da.full((1, 1, 1, 4, 5), number, np.uint8)
    )
    bioio.BioImage = lambda path: several
    stored = read_image(tmp_path / "cells.lif", series=1)
    assert (stored.series, stored.image[0, 0]) == (1, 1)
    with pytest.raises(FileProblem, match=r"no image number 2.*0: 'one'.*1: 'two'"):
        read_image(tmp_path / "cells.lif", series=2)


def test_default_channel_names_are_dropped(bioio, tmp_path):
    values = np.zeros((1, 2, 1, 4, 5), np.uint8)
    bioio.BioImage = lambda path: scene(values, channel_names=["DAPI", "Channel:0:1"])
    assert read_image(tmp_path / "cells.czi").channels == (Channel("DAPI"), Channel())


def test_unknown_sizes_are_omitted(bioio, tmp_path):
    unknown = SimpleNamespace(Z=None, Y=None, X=None)
    colours = np.zeros((1, 1, 1, 8, 9, 3), np.uint8)
    bioio.BioImage = lambda path: scene(
        colours, "TCZYXS", physical_pixel_sizes=unknown, time_interval=None
    )
    stored = read_image(tmp_path / "section.vsi")
    assert stored.axes == "YXS"
    assert stored.pixel_size == {}


def test_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bioio", None)
    with pytest.raises(FileProblem, match=r"napari-dip\[formats\] and bioio-nd2"):
        read_image(tmp_path / "cells.nd2")


def test_error_of_bioio_is_reported(bioio, tmp_path):
    def refuse(path):
        raise ValueError("not a LIF")

    bioio.BioImage = refuse
    with pytest.raises(FileProblem, match=r"not a LIF.*bioio-lif"):
        read_image(tmp_path / "cells.lif")


def test_names_colours_and_times_come_from_ome(bioio, tmp_path):
    with tifffile.TiffFile(write_ome_tiff(tmp_path)) as tif:
        xml = tif.ome_metadata
    bioio.BioImage = lambda path: scene(
        PIXELS,
        channel_names=NAMES,
        scenes=("Image:0",),
        ome_metadata=SimpleNamespace(to_xml=lambda: xml),
    )
    stored = read_image(tmp_path / "cells.nd2")
    assert stored.channels == tuple(map(Channel, NAMES, COLOURS))
    assert (stored.name, stored.acquired, [*stored.times]) == (NAME, DATE, STAMPS)


@pytest.mark.parametrize("kind", VENDORS)
def test_file_of_a_microscope_keeps_what_it_says(tmp_path, caplog, kind):
    write, reader = VENDORS[kind]
    pytest.importorskip(reader)
    stored = read_image(write(tmp_path))
    np.testing.assert_array_equal(stored.whole(), PIXELS)
    names = NAMES if kind == "CZI" else ["Blue", "Green"]  # a LIF tells those of its tables
    wanted = expected("TCZYX") | {"channel names": names}
    found = {
        "axes and shape": (stored.axes, np.asarray(stored.whole()).tolist()),
        "pixel sizes": pytest.approx({axis: stored.pixel_size[axis] for axis in "ZYX"}),
        "time between frames": stored.pixel_size.get("T"),
        "channel names": [channel.name for channel in stored.channels],
        "channel colours": [channel.colour for channel in stored.channels],
        "image name": stored.name,
    }
    for name, value in found.items():
        assert (value == wanted[name]) is (name in READ[kind]), name
    assert not caplog.records


def test_log_of_a_reader_is_not_printed(bioio, tmp_path, caplog):
    log = logging.getLogger(f"{__name__.partition('.')[0]}.reader")

    class Reader:
        @property
        def standard_metadata(self):
            log.error("no time stamps")
            return SimpleNamespace(imaging_datetime=None)

    values = np.zeros((1, 1, 1, 8, 8), np.uint8)
    reader = Reader()
    image = scene(values, reader=reader)
    bioio.BioImage = lambda path: type("Image", (Reader,), vars(image))()
    read_image(tmp_path / "cells.lif")
    assert not caplog.records
    log.error("later")
    assert caplog.messages == ["later"]
