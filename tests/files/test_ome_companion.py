"""Test OME-TIFF files whose metadata are in another file."""

from __future__ import annotations

import re

import pytest
import tifffile
from example_files import ome, read, refused_both_ways


@pytest.mark.parametrize("name", ["set.companion.ome", "set.ome.xml"])
def test_companion_file_describes_its_tiff_files(tmp_path, name):
    path = ome(tmp_path)
    xml = re.sub('UUID="[^"]*"', 'UUID="urn:uuid:c"', tifffile.tiffcomment(path))
    where = '<TiffData PlaneCount="5"><UUID FileName="a.ome.tif">urn:uuid:b</UUID></TiffData>'
    companion = tmp_path / name
    companion.write_text(re.sub("<TiffData.*?/>", where, xml), "utf-8")
    tifffile.tiffcomment(
        path,
        '<?xml version="1.0"?><OME UUID="urn:uuid:b"><BinaryOnly UUID="urn:uuid:c" '
        f'MetadataFile="{name}"/></OME>'.encode(),
    )
    for opened in (companion, path):
        stored = read(opened)
        assert (stored.axes, dict(stored.pixel_size)) == ("ZYX", {"Y": 0.1, "X": 0.1})
    path.unlink()
    assert "names 'a.ome.tif', which does not exist" in refused_both_ways(companion)
