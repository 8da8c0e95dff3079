"""A point spread function is read from a file, and resampled to the pixels of the image."""

import numpy as np
import pytest
import tifffile

from napari_dip import Settings, gaussian_psf
from napari_dip.errors import BadImage
from napari_dip.files.image_io import StoredImage
from napari_dip.files.psf_file import read_psf

STEPS = {"Z": 0.3, "Y": 0.1, "X": 0.1}
PLANE, STACK = Settings(), Settings(ndim=3)


def image(axes, scale=1.0):
    sizes = {axis: scale * STEPS[axis] for axis in axes}
    return StoredImage(np.zeros((40,) * len(axes)), axes, sizes, dict.fromkeys(axes, "µm"))


def write(path, values, axes, sizes=STEPS):
    sizes = {f"PhysicalSize{axis}": sizes[axis] for axis in axes if axis in sizes}
    tifffile.imwrite(path, values, metadata={"axes": axes, **sizes}, ome=True)
    return path


@pytest.fixture
def bead():
    return (np.pad(gaussian_psf((5.0, 3.0, 3.0)).values, 3) * 1e6 + 100).astype(np.uint16)


def test_a_stack_is_read(tmp_path, bead):
    path = write(tmp_path / "bead.ome.tif", bead, "ZYX")
    psf = read_psf(path, image("ZYX"), STACK)
    assert psf.values.ndim == 3
    assert psf.file == str(path)
    assert psf.describe().startswith(f"measured ({path})")
    assert psf.notes == (
        "Its background of 100 was subtracted.",
        *(note for note in psf.notes if "cut" in note),
    )


def test_it_is_resampled_to_the_image(tmp_path, bead):
    path = write(tmp_path / "bead.ome.tif", bead, "ZYX")
    fine = read_psf(path, image("ZYX", 0.5), STACK)
    same = read_psf(path, image("ZYX"), STACK)
    assert any("0.5 × 0.5 × 0.5 times as large" in note for note in fine.notes)
    assert 5 * fine.values.max() < same.values.max()


def test_planes_use_the_brightest_plane(tmp_path, bead):
    psf = read_psf(write(tmp_path / "bead.ome.tif", bead, "ZYX"), image("YX"), PLANE)
    assert psf.values.ndim == 2
    assert psf.notes[0] == f"Its brightest plane, number {len(bead) // 2}, was taken."


def test_an_unknown_size_is_noted(tmp_path, bead):
    path = tmp_path / "bead.tif"
    tifffile.imwrite(path, bead)
    notes = read_psf(path, image("ZYX"), STACK).notes
    assert notes[0] == "Its pixels are taken to be as large as those of the image."


@pytest.mark.parametrize(
    ("values", "axes", "words"),
    [
        pytest.param(np.ones((9, 9), np.uint8), "YX", "shows no bead", id="flat"),
        pytest.param(np.eye(9, dtype=np.uint8), "YX", "ZYX are restored", id="plane"),
        pytest.param(np.ones((2, 3, 9, 9), np.uint8), "TZYX", "axes YX or ZYX", id="frames"),
    ],
)
def test_an_unfit_file_is_refused(tmp_path, values, axes, words):
    path = write(tmp_path / "bead.ome.tif", values, axes, {})
    layout, settings = (image("YX"), PLANE) if "bead" in words else (image("ZYX"), STACK)
    with pytest.raises(BadImage, match=rf"bead.ome.tif: .*{words}"):
        read_psf(path, layout, settings)
