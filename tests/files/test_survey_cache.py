"""Test that a resumed run repeats no survey of its image."""

import json
import math
import os

import numpy as np
import pytest
import tifffile

from napari_dip.errors import BadSettings
from napari_dip.files.file_run import open_run
from napari_dip.files.image_io import read_image, write_image
from napari_dip.files.survey_cache import SurveyCache
from napari_dip.files.zarr_reader import ZarrArray
from napari_dip.generators import finished
from napari_dip.image.intensity import Scale
from napari_dip.image.metadata import StoredImage
from napari_dip.image.survey import Survey
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.settings import Settings

SETTINGS = Settings(iterations=2, refinement=0, precision="float32", share="none", device="cpu")
FRAMES = 6


@pytest.fixture
def movie(tmp_path):
    """Write a movie whose noise has gain, read noise and clipping."""
    values = np.random.default_rng(0).poisson(9, (FRAMES, 24, 28)).clip(3, 15).astype(np.uint16)
    write_image(tmp_path / "movie.ome.zarr", StoredImage(values, "TYX"))
    return tmp_path / "movie.ome.zarr"


@pytest.fixture
def reads(movie, monkeypatch):
    """Return a list to which each read index of the movie is added."""
    found = []
    read = ZarrArray.__getitem__

    def counted(array, index):
        if movie == array._path:
            found.append(index)
        return read(array, index)

    monkeypatch.setattr(ZarrArray, "__getitem__", counted)
    return found


def begin(movie, out, units=2):
    """Restore some units, then stop like a killed run."""
    run = open_run(movie, out, SETTINGS)
    steps = run.steps()
    while next(steps).unit < units:
        pass
    steps.close()
    return run


def chunks(folder):
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("c/**/*")
        if file.is_file()
    }


def test_resumed_run_repeats_no_survey(movie, tmp_path, reads):
    finished(open_run(movie, tmp_path / "whole.ome.zarr", SETTINGS).steps(), print)
    out = tmp_path / "out.ome.zarr"
    begun = begin(movie, out)
    reads.clear()
    run = open_run(movie, out, SETTINGS, resume=True)
    assert reads == []
    assert run.problem.survey == begun.problem.survey
    assert run.problem.plan == begun.problem.plan
    finished(run.steps(), print)
    assert len(reads) == FRAMES - 2
    assert chunks(out) == chunks(tmp_path / "whole.ome.zarr")


def test_survey_is_restored_exactly(tmp_path):
    numbers = [1 / 3, math.pi * 1e-300, math.inf, -math.inf, 2.0]
    strange = PoissonGaussian(*numbers, ((0.1 + 0.2,), ()))
    told = Survey(
        (Scale(0.1, 1e300), None), (strange, PoissonGaussian()), frozenset({(3, 0), (4, 1)}), "d"
    )
    (tmp_path / ".napari-dip").mkdir()
    SurveyCache("one").save(tmp_path, told)
    read = SurveyCache("one").load(tmp_path)
    assert read == told
    values = (*vars(read.noises[0]).values(), read.scales[0].low)
    assert {type(value) for value in values} == {float, tuple, bool}
    json.loads((tmp_path / ".napari-dip" / "look.json").read_text(), parse_constant=pytest.fail)
    assert SurveyCache("other").load(tmp_path) is None


def test_changed_frame_is_refused(movie, tmp_path):
    out = tmp_path / "out.ome.zarr"
    begin(movie, out)
    frames = movie / "0" / "c"
    (frames / "5/0/0").write_bytes((frames / "4/0/0").read_bytes())
    with pytest.raises(BadSettings, match="values and mask"):
        open_run(movie, out, SETTINGS, resume=True)


def test_touched_files_are_surveyed_again(movie, tmp_path, reads):
    out = tmp_path / "out.ome.zarr"
    begin(movie, out)
    os.utime(movie / "0" / "c" / "0" / "0" / "0", (1, 1))
    for expected in (FRAMES, 0):
        reads.clear()
        open_run(movie, out, SETTINGS, resume=True)
        assert len(reads) == expected


@pytest.mark.parametrize("there", [None, b"", b"[]", b'{"of": "another"}'])
def test_run_without_valid_cache_is_resumed(movie, tmp_path, reads, there):
    out = tmp_path / "out.ome.zarr"
    begin(movie, out)
    kept = out / ".napari-dip" / "look.json"
    if there is None:  # killed during the write
        kept.rename(kept.with_name("look.json.123.partial"))
    else:
        kept.write_bytes(there)
    reads.clear()
    finished(open_run(movie, out, SETTINGS, resume=True).steps(), print)
    assert len(reads) == FRAMES + FRAMES - 2
    assert [*out.rglob("*.partial")] == []


def test_mask_and_settings_change_the_digest(movie):
    stored = read_image(movie)
    mask = np.zeros((24, 28), bool)
    other = mask.copy()
    other[3, 4] = True
    looks = [
        SurveyCache.for_image(stored, missing, settings)
        for missing in (None, mask, other)
        for settings in (SETTINGS, SETTINGS.replace(noise=3.0))
    ]
    assert None not in looks
    assert len(set(looks)) == 6
    assert SurveyCache.for_image(stored, None, SETTINGS.replace(preview_every_s=9.0)) == looks[0]


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a*.tif"])
def test_modification_time_changes_the_digest(tmp_path, name):
    for number in range(2):
        write_image(tmp_path / f"a{number}.tif", StoredImage(np.eye(16, dtype="uint8"), "YX"))
    if "*" not in name:
        write_image(tmp_path / name, StoredImage(np.eye(16, dtype="uint8"), "YX"))
    before = SurveyCache.for_image(read_image(tmp_path / name, lazy=True), None, SETTINGS)
    assert before is not None
    os.utime(max(tmp_path.glob(name)), (1, 1))
    assert SurveyCache.for_image(read_image(tmp_path / name, lazy=True), None, SETTINGS) != before


def test_image_with_unknown_files_has_no_cache(tmp_path, movie):
    assert SurveyCache.for_image(StoredImage(np.eye(16), "YX"), None, SETTINGS) is None
    assert (
        SurveyCache.for_image(read_image(movie).with_image(np.eye(16), "YX"), None, SETTINGS)
        is None
    )
    (movie / "0" / "c").rename(tmp_path / "elsewhere")
    (movie / "0" / "c").symlink_to(tmp_path / "elsewhere")
    assert SurveyCache.for_image(read_image(movie), None, SETTINGS) is None


def test_multi_file_ome_tiff_has_no_cache(tmp_path):
    pages = "".join(
        f'<TiffData FirstZ="{z}" PlaneCount="1"><UUID FileName="{z}.ome.tif">urn:uuid:{z}</UUID>'
        "</TiffData>"
        for z in range(2)
    )
    for z in range(2):
        said = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{z}">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" '
            f'SizeX="16" SizeY="16" SizeZ="2" SizeC="1" SizeT="1">{pages}</Pixels></Image></OME>'
        )
        tifffile.imwrite(
            tmp_path / f"{z}.ome.tif", np.zeros((16, 16), np.uint8), description=said, metadata=None
        )
    stored = read_image(tmp_path / "0.ome.tif", lazy=True)
    assert stored.image.shape == (2, 16, 16)
    assert SurveyCache.for_image(stored, None, SETTINGS) is None
