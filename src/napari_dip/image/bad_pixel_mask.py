"""Mark hot and dead pixels of an image as missing, without a mask of its size in memory."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.lazy import LazyArray
from napari_dip.noise.bad_pixels import DEAD, HOT, label_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Layout

__all__ = ["SparseMask", "bad_pixel_mask"]


class SparseMask(LazyArray):
    """A mask that is true in few pixels, which are kept by their numbers.

    Parameters
    ----------
    shape
        Shape of the mask.
    places
        ``(axes, pixels)``: numbers along each axis of the pixels that are true.

    Examples
    --------
    >>> mask = SparseMask((2, 3), np.array([[0, 1], [2, 0]]))
    >>> mask[0].tolist(), mask[:, 0].tolist()
    ([False, False, True], [False, True])
    """

    def __init__(self, shape: tuple[int, ...], places: NDArray[np.integer[Any]]) -> None:
        self._shape, self._places = shape, places

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the mask."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Boolean."""
        return np.dtype(bool)

    @property
    def count(self) -> int:
        """Number of pixels that are true."""
        return int(self._places.shape[1])

    def __getitem__(self, index: Any, /) -> NDArray[np.bool_]:
        given = index if isinstance(index, tuple) else (index,)
        given = () if given == (Ellipsis,) else given
        parts = [*given, *[slice(None)] * (self.ndim - len(given))]
        ranges = [
            range(size)[part if isinstance(part, slice) else operator.index(part)]
            for size, part in zip(self.shape, parts, strict=True)
        ]
        wanted = [range(r, r + 1) if isinstance(r, int) else r for r in ranges]
        steps = [
            np.divmod(numbers - each.start, each.step)
            for numbers, each in zip(self._places, wanted, strict=True)
        ]
        inside = np.ones(self.count, bool)
        for (place, rest), each in zip(steps, wanted, strict=True):
            inside &= (rest == 0) & (place >= 0) & (place < len(each))
        mask = np.zeros([len(each) for each in wanted], bool)
        mask[tuple(place[inside] for place, _ in steps)] = True
        return mask.squeeze(tuple(axis for axis, r in enumerate(ranges) if isinstance(r, int)))


def bad_pixel_mask(image: LazyArray, layout: Layout) -> SparseMask:
    """Return a mask of the hot and dead pixels of an image; each plane is read twice.

    Each channel has noise of its own. A pixel of colours is bad if one of its colours is; alpha is
    ignored.

    Parameters
    ----------
    image
        The values, with the axes of the layout.
    layout
        Layout of the image.

    Examples
    --------
    >>> from napari_dip.image.axes import Layout
    >>> image = np.random.default_rng(0).normal(100, 2, (2, 32, 32))
    >>> image[1, 5, 7] = 900
    >>> mask = bad_pixel_mask(image, Layout("CYX", image.shape))
    >>> mask.count, bool(mask[1, 5, 7])
    (1, True)
    """
    places = [_bad_in_channel(image, layout.axes, channel) for channel in range(layout.channels)]
    return SparseMask(layout.shape, np.concatenate(places, axis=1))


def _bad_in_channel(image: LazyArray, axes: str, channel: int) -> NDArray[np.intp]:
    """Return the places of the bad pixels of a channel, ``(axes, pixels)``."""
    view = _Channel(image, axes, channel)
    samples = range(image.shape[axes.index("S")]) if "S" in axes else range(1)
    _, planes = label_planes(view, rgb="S" in axes)
    found = [np.empty((len(axes), 0), np.intp)]
    for numbers, labels in planes:
        rows, columns = np.nonzero((labels == HOT) | (labels == DEAD))
        place = dict(zip(view.leading, numbers, strict=True)) | {"C": channel}
        for sample in samples:
            known: dict[str, Any] = {**place, "S": sample, "Y": rows, "X": columns}
            found.append(np.stack([np.broadcast_to(known[each], rows.shape) for each in axes]))
    return np.concatenate(found, axis=1)


class _Channel:
    """The planes of one channel, with Y and X last, or Y, X and S."""

    def __init__(self, image: LazyArray, axes: str, channel: int) -> None:
        self._image, self._axes, self._channel = image, axes, channel
        self.leading = [letter for letter in axes if letter not in "CYXS"]
        self._plane = [letter for letter in "YXS" if letter in axes]
        self.shape = tuple(
            image.shape[axes.index(letter)] for letter in (*self.leading, *self._plane)
        )
        self.dtype = image.dtype

    def __getitem__(self, numbers: tuple[int, ...]) -> NDArray[Any]:
        chosen = dict(zip(self.leading, numbers, strict=True)) | {"C": self._channel}
        plane = np.asarray(
            self._image[tuple(chosen.get(letter, slice(None)) for letter in self._axes)]
        )
        left = [letter for letter in self._axes if letter in self._plane]
        return plane.transpose([left.index(letter) for letter in self._plane])
