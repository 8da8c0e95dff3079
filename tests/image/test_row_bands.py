"""A stack is read in bands of rows, each of which is read once."""

import numpy as np
import pytest

from napari_dip.image.lazy import ChunkedArray
from napari_dip.image.row_bands import MAX_BAND_BYTES, BandedArray, read_in_bands

STACK = np.arange(4 * 12 * 5, dtype=np.float32).reshape(4, 12, 5)
ROW_BYTES = 4 * 5 * 4  # one row of all planes


class Counted(ChunkedArray):
    """An array that counts how often it is read."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


def test_sections_of_a_band_are_read_once():
    counted = Counted(STACK)
    bands = BandedArray(counted, 1, max_bytes=4 * ROW_BYTES)
    for row in range(12):
        np.testing.assert_array_equal(bands[:, row], STACK[:, row])
    assert counted.reads == 3


@pytest.mark.parametrize(
    "index",
    [
        (slice(None), slice(3, 9)),
        (slice(None), 11),
        (2, slice(0, 12)),
        (slice(None), slice(2, 4), slice(1, 3)),
        (1, 5),
        1,
    ],
)
def test_any_index_gives_the_same_values(index):
    bands = BandedArray(STACK, 1, max_bytes=2 * ROW_BYTES)
    np.testing.assert_array_equal(bands[index], STACK[index])


def test_another_place_needs_another_band():
    hyperstack = np.stack([STACK, -STACK])
    bands = BandedArray(hyperstack, 2)
    for time in (0, 1, 0):
        np.testing.assert_array_equal(bands[time, :, 4], hyperstack[time, :, 4])


def test_only_large_lazy_arrays_are_banded():
    small, large = (
        ChunkedArray(STACK),
        ChunkedArray(np.broadcast_to(np.float32(0), (4, MAX_BAND_BYTES // 16, 5))),
    )
    assert read_in_bands(STACK, "ZYX") is STACK
    assert read_in_bands(small, "ZYX") is small
    assert isinstance(read_in_bands(large, "ZYX"), BandedArray)
