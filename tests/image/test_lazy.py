"""Lazy arrays return NumPy arrays in the byte order of the machine."""

import sys

import dask.array as da
import numpy as np
import pytest

from napari_dip.image.lazy import ChunkedArray, native_dtype

SWAPPED = ">" if sys.byteorder == "little" else "<"


@pytest.mark.parametrize("code", ["u2", "i4", "i8", "f4", "f8"])
def test_byte_order_becomes_that_of_the_machine(code):
    assert native_dtype(np.dtype(SWAPPED + code)) == np.dtype(code)
    assert native_dtype(np.dtype(SWAPPED + code)).isnative


def test_long_long_becomes_int64():
    assert native_dtype(np.dtype("longlong")) is np.dtype("int64")


def test_chunks_are_read_in_native_order():
    values = np.arange(12, dtype=SWAPPED + "u2").reshape(3, 4)
    array = ChunkedArray(da.from_array(values, chunks=2))
    assert (array.shape, array.ndim, array.dtype) == ((3, 4), 2, np.uint16)
    part = array[1:, 2]
    assert type(part) is np.ndarray
    assert part.dtype.isnative
    assert part.tolist() == [6, 10]
    np.testing.assert_array_equal(np.asarray(array), values)
