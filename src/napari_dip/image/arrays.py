"""Convert arrays of any library to NumPy or lazy arrays, and separate values from masks.

Masked values (``numpy.ma``, dask, torch, pandas, xarray) are missing pixels.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_dip.errors import BadImage
from napari_dip.image.lazy import LazyArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from napari_dip.errors import InputError

__all__ = [
    "LogicalOr",
    "NanFilledArray",
    "ValuesAndMask",
    "as_array",
    "as_lazy",
    "masked_to_nan",
    "split_mask",
]


class ValuesAndMask(NamedTuple):
    """The values of an image and its mask; ``None`` without a mask.

    Masked floating-point values are NaN, so they need no mask.
    """

    values: LazyArray
    masked: LazyArray | None


class NanFilledArray(LazyArray):
    """The values of a lazy masked array; masked floating-point values are NaN."""

    def __init__(self, array: Any) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    def __getitem__(self, index: Any, /) -> Any:
        return masked_to_nan(self._array[index])


class _MaskArray(NanFilledArray):
    """The mask of a lazy masked array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(bool)

    def __getitem__(self, index: Any, /) -> Any:
        return np.ma.getmaskarray(_computed(self._array[index]))


class _FillValueMask(LazyArray):
    """A mask that is true where an array has one of its fill values."""

    def __init__(self, array: LazyArray, values: tuple[Any, ...]) -> None:
        self._array, self._values = array, values

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(bool)

    def __getitem__(self, index: Any, /) -> Any:
        return np.isin(np.asarray(self._array[index]), self._values)


class LogicalOr(LazyArray):
    """The element-wise "or" of two boolean arrays of the same shape."""

    def __init__(self, first: LazyArray, second: LazyArray) -> None:
        self._first, self._second = first, second

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        return self._first.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Boolean."""
        return np.dtype(bool)

    def __getitem__(self, index: Any, /) -> Any:
        return np.asarray(self._first[index]) | np.asarray(self._second[index])


def split_mask(image: Any) -> ValuesAndMask:
    """Separate the values of an image from its mask; a lazy array stays lazy.

    Parameters
    ----------
    image
        An array of numpy, ``numpy.ma``, dask, zarr, xarray, torch, pandas or anything that NumPy
        can convert. In xarray, the values of the attributes ``_FillValue`` and ``missing_value``
        are masked.

    Raises
    ------
    BadImage
        If the values are not real numbers.

    Examples
    --------
    >>> values, masked = split_mask(np.ma.masked_greater([[1, 2], [3, 900]], 100))
    >>> values.dtype, masked
    (dtype('int64'), array([[False, False],
           [False,  True]]))
    >>> split_mask(np.ma.masked_greater([[1.0, 900.0]], 100)).values
    array([[ 1., nan]])
    """
    lazy: Any = _lazy(image)
    data = None if isinstance(lazy, np.ndarray) else getattr(lazy, "data", None)
    if isinstance(getattr(data, "_meta", None), np.ma.MaskedArray):  # xarray over dask
        lazy = data
    if isinstance(lazy, np.ma.MaskedArray):
        if np.ma.getmask(lazy) is np.ma.nomask or lazy.dtype.kind not in "buif":
            return ValuesAndMask(_checked(np.ma.getdata(lazy)), None)
        floating = lazy.dtype.kind == "f"
        return ValuesAndMask(masked_to_nan(lazy), None if floating else np.ma.getmaskarray(lazy))
    if isinstance(getattr(lazy, "_meta", None), np.ma.MaskedArray):  # dask
        floating = _checked(lazy).dtype.kind == "f"
        return ValuesAndMask(NanFilledArray(lazy), None if floating else _MaskArray(lazy))
    return ValuesAndMask(_checked(lazy), _fill_values(lazy))


def as_lazy(image: Any) -> LazyArray:
    """Return a lazy array unchanged, and convert anything else to a NumPy array.

    Raises
    ------
    BadImage
        If the values are not real numbers.
    """
    return _checked(_lazy(image))


def masked_to_nan(part: Any) -> NDArray[Any]:
    """Convert a part to a plain NumPy array; masked floating-point values become NaN."""
    array = _computed(part)
    if isinstance(array, np.ma.MaskedArray) and array.dtype.kind == "f":
        return np.asarray(array.filled(np.nan))
    return np.asarray(array)


def as_array(values: Any, name: str, error: type[InputError]) -> NDArray[Any]:
    """Convert an array of any library to a NumPy array, which may be a masked one.

    bfloat16, which NumPy lacks, becomes float32.

    Raises
    ------
    InputError
        An instance of ``error``, if the conversion fails, for example for rows of unequal length.
    """
    reasons = []
    for convert in (_from_torch, _from_pandas, np.asanyarray, np.from_dlpack, _from_device):
        try:
            array = convert(values)
        except (ValueError, TypeError, RuntimeError, AttributeError, BufferError) as cause:
            reasons.append(str(cause))
            continue
        if array is not None and array.dtype.kind == "V" and array.dtype.names is None:
            array = _widened(array)
        if array is not None:
            return array if isinstance(array, np.ma.MaskedArray) else np.asarray(array)
    why = next(filter(None, reasons), type(values).__name__)
    cure = "give rows of the same length" if "inhomogeneous" in why else "give a NumPy array"
    raise error(f"the {name} is not an array ({why.split('. ')[0]}); {cure}")


def _computed(part: Any) -> NDArray[Any]:
    """Read a part with its mask, which dask drops in a conversion by NumPy."""
    return np.asanyarray(part.compute() if hasattr(part, "compute") else part)


def _lazy(image: Any) -> LazyArray:
    if isinstance(image, str | bytes | os.PathLike):
        raise BadImage(
            f"the image is a file name, {os.fsdecode(image)!r}; read the file first, for instance "
            "with tifffile.imread, or use the command napari-dip"
        )
    if hasattr(image, "nnz") and hasattr(image, "toarray"):  # sparse arrays of scipy
        image = image.toarray()
    indexed = all(hasattr(image, name) for name in ("shape", "ndim", "__getitem__"))
    known = isinstance(getattr(image, "dtype", None), np.dtype)
    if indexed and known and not isinstance(image, np.ndarray) and image.dtype.kind != "V":
        if not all(isinstance(size, int | np.integer) for size in image.shape):
            raise BadImage(
                f"shape {image.shape}: the size of an axis is unknown; call "
                "compute_chunk_sizes() on the array first"
            )
        lazy: LazyArray = image
        return lazy
    return as_array(image, "image", BadImage)


def _checked(image: LazyArray) -> LazyArray:
    """Return the array, or raise if its values are not real numbers."""
    dtype = image.dtype
    if dtype.kind == "c":
        raise BadImage(
            f"dtype {dtype}: a complex image cannot be restored; restore np.abs(image), or "
            "the real and the imaginary part separately"
        )
    if dtype.names:
        raise BadImage(
            f"dtype {dtype}: an array of records; choose a field, such as image[{dtype.names[0]!r}]"
        )
    if dtype.kind not in "buif":
        raise BadImage(f"dtype {dtype}: not numbers; convert the image with .astype(np.float32)")
    return image


def _fill_values(image: Any) -> LazyArray | None:
    """Return the mask of the fill values that the attributes of an xarray array name."""
    attributes: Mapping[str, Any] = getattr(image, "attrs", {})
    if not hasattr(image, "dims") or not hasattr(attributes, "get"):
        return None
    values = [attributes.get(name) for name in ("_FillValue", "missing_value")]
    numbers = tuple(value for value in values if isinstance(value, int | float | np.number))
    return _FillValueMask(image, numbers) if numbers else None


def _from_torch(values: Any) -> NDArray[Any] | None:
    """Convert a tensor on any device, with or without a gradient; ``None`` for other types."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(values, torch.Tensor):
        return None
    if torch.masked.is_masked_tensor(values):
        valid = values.get_mask()
        data = _from_torch(values.get_data())
        return np.ma.MaskedArray(data, ~valid.cpu().numpy())
    tensor = values.detach()
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    tensor = tensor if tensor.layout == torch.strided else tensor.to_dense()
    tensor = tensor.cpu().resolve_conj().resolve_neg()
    lacks_dtype = tensor.is_floating_point() and tensor.dtype not in (
        torch.float16,
        torch.float32,
        torch.float64,
    )
    array: NDArray[Any] = (tensor.float() if lacks_dtype else tensor).numpy()
    return array


def _from_pandas(values: Any) -> NDArray[Any] | None:
    """Convert a table of pandas, nulls to NaN; ``None`` for other types."""
    to_numpy: Callable[..., NDArray[Any]] | None = getattr(values, "to_numpy", None)
    if to_numpy is None or not hasattr(values, "iloc"):
        return None
    array = to_numpy()
    return to_numpy(dtype=np.float64, na_value=np.nan) if array.dtype == object else array


def _from_device(values: Any) -> NDArray[Any] | None:
    """Copy an array of cupy from the device; NumPy cannot convert it."""
    array: Any = values.get()
    return array if isinstance(array, np.ndarray) else None


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    """Convert types that NumPy cannot compute with, such as bfloat16, to float32."""
    names = ("bfloat16", "float8", "float6", "float4")
    return array.astype(np.float32) if array.dtype.name.startswith(names) else array
