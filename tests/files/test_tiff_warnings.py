"""Test that messages of tifffile are collected per read."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
import tifffile

from napari_dip.errors import FileProblem
from napari_dip.files.image_io import (
    read_image,
)
from napari_dip.files.tiff_warnings import collect_tiff_warnings


def stack(shape=(3, 20, 24), dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def write_tiff(path, **options):
    tifffile.imwrite(path, stack(), photometric="minisblack", **options)


def test_logger_of_tifffile_is_unchanged(tmp_path, caplog):
    log = logging.getLogger("tifffile")
    before = (log.propagate, log.level, [*log.handlers], [*log.filters])
    write_tiff(tmp_path / "a.tif", metadata=None)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[:-600])
    ready, go_on = threading.Event(), threading.Event()

    def elsewhere():
        ready.wait()
        log.warning("of another thread")
        go_on.set()

    other = threading.Thread(target=elsewhere)
    other.start()
    with collect_tiff_warnings() as messages:
        ready.set()
        go_on.wait()
        log.warning("of this one")
    other.join()
    assert messages == ["of this one"]
    assert [record.getMessage() for record in caplog.records] == ["of another thread"]
    with pytest.raises(FileProblem):
        read_image(tmp_path / "b.tif", lazy=True).whole()
    assert (log.propagate, log.level, [*log.handlers], [*log.filters]) == before
