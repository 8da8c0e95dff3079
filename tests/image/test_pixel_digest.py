"""The digest of pixels does not depend on how they are stored or read."""

import numpy as np
import pytest

from napari_dip.image.axes import Layout
from napari_dip.image.pixel_digest import PixelDigest, pixel_digest

IMAGE = np.random.default_rng(0).integers(0, 999, (2, 3, 4, 5), np.uint16)
DIGEST = pixel_digest(IMAGE, "CZYX")


@pytest.mark.parametrize(
    ("image", "axes"),
    [
        pytest.param(IMAGE.astype(">u2"), "CZYX", id="byte order"),
        pytest.param(np.asfortranarray(IMAGE), "CZYX", id="memory order"),
        pytest.param(IMAGE.swapaxes(0, 1), "ZCYX", id="axes"),
        pytest.param(np.moveaxis(IMAGE, 0, -1), "ZYXC", id="channels last"),
        pytest.param(np.moveaxis(IMAGE, 0, -1), "ZYXS", id="colours"),
        pytest.param(IMAGE[None], "TCZYX", id="one frame"),
        pytest.param(IMAGE, "QZYX", id="unknown axis"),
    ],
)
def test_the_same_pixels_have_one_digest(image, axes):
    assert pixel_digest(image, axes) == DIGEST


def test_other_pixels_have_another_digest():
    changed = IMAGE.copy()
    changed[1, 2, 3, 4] += 1
    others = [changed, IMAGE.astype(np.int32), IMAGE[:, ::-1], IMAGE.reshape(2, 3, 5, 4)]
    assert len({DIGEST, *(pixel_digest(one, "CZYX") for one in others)}) == 5


@pytest.mark.parametrize("layout", [("YX", ""), ("ZYX", ""), ("ZX", "Y")], ids=str)
def test_planes_volumes_and_sections_give_it(layout):
    layout = Layout("CZYX", IMAGE.shape, *layout)
    digest = PixelDigest("CZYX", IMAGE.shape)
    for index in layout.indices():
        digest.add(index, IMAGE[index])
    assert str(digest) == DIGEST
