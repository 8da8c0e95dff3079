"""What was seen: an image, perhaps not read yet, and which of its pixels count."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, BadMask
from napari_dip.stack.bands import Bands
from napari_dip.stack.lazy import Lazy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.errors import InputError
    from napari_dip.stack.axes import Index, Layout

__all__ = ["Fingerprint", "Observed", "Seen", "as_array", "as_lazy", "in_planes", "spread_mask"]


_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Seen:
    """A part of an image: its values, and where they are known."""

    values: NDArray[Any]
    known: NDArray[np.bool_]

    @property
    def constant(self) -> bool:
        """Whether all that is known is alike."""
        seen = self.values[self.known]
        return bool((seen == seen[0]).all())


@dataclass(frozen=True)
class Observed:
    """An image that is read part by part.

    Parameters
    ----------
    image
        Anything with a shape and a dtype that gives arrays for indices.
    missing
        Of the same shape, true where a pixel is missing; ``None`` where the mask hides nothing.
    """

    image: Lazy
    missing: Lazy | None

    def read(self, index: Index) -> NDArray[Any]:
        """Read a part, one after another: not everything that is read on demand bears threads."""
        with _one_at_a_time:
            return np.asarray(self.image[index])

    def look(self, index: Index) -> Seen:
        """Read a part; values that are not finite are not known."""
        values = self.read(index)
        known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
        if self.missing is not None:
            known &= ~self.missing[index]
        return Seen(values, known)

    def only(self, index: Index) -> Observed:
        """Keep one part alone, which another process can be sent.

        An image that lies in files is left there, for whoever gets this to read it.
        """
        in_files = Lazy in type(self.image).__mro__ and not isinstance(self.image, Bands)
        image = self.image if in_files else _Part(self.image, index)
        return Observed(image, None if self.missing is None else _Part(self.missing, index))


class Fingerprint:
    """A digest of the values of an image and of where they are known, added plane by plane."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, seen: Seen) -> None:
        """Add a plane."""
        for part in (seen.values, seen.known):
            self._digest.update(np.ascontiguousarray(part).data)

    def __str__(self) -> str:
        """Give the digest of what was added."""
        return self._digest.hexdigest()


class _Part(Lazy):
    """An array of which one part is there."""

    def __init__(self, whole: Lazy, index: Index) -> None:
        self._outline = (whole.shape, whole.dtype)
        self._index = index
        self._values = np.ascontiguousarray(whole[index])

    @property
    def shape(self) -> tuple[int, ...]:
        return self._outline[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._outline[1]

    def __getitem__(self, index: Any, /) -> Any:
        if index != self._index:
            raise LookupError(f"the part {self._index} is there, and {index} was asked for")
        return self._values


def as_lazy(image: Any) -> Lazy:
    """Leave an array that is read on demand as it is, make an array of all else, refuse no numbers.

    Raises
    ------
    BadImage
        If the values are no real numbers.
    """
    indexed = all(hasattr(image, name) for name in ("shape", "ndim", "__getitem__"))
    lazy = image if indexed and isinstance(getattr(image, "dtype", None), np.dtype) else None
    lazy = as_array(image, "image", BadImage) if lazy is None else lazy
    if lazy.dtype.kind == "c":
        raise BadImage(
            f"dtype {lazy.dtype}: a complex image cannot be restored; restore np.abs(image), or "
            "its real and imaginary part one by one"
        )
    if lazy.dtype.kind not in "buif":
        raise BadImage(
            f"dtype {lazy.dtype}: not numbers; convert the image with .astype(np.float32)"
        )
    return lazy


def as_array(values: Any, name: str, error: type[InputError]) -> NDArray[Any]:
    """Make an array, or say of what there is none: rows of unequal length."""
    try:
        return np.asarray(values)
    except ValueError as cause:
        raise error(
            f"the {name} is no array ({str(cause).split('. ')[0]}); give rows of the same length"
        ) from None


def spread_mask(mask: ArrayLike | None, layout: Layout) -> NDArray[np.bool_] | None:
    """Spread a mask over the image, without a copy; true where a pixel is missing.

    Raises
    ------
    BadMask
        If it has neither the shape of the image nor that of its last axes.
    """
    if mask is None:
        return None
    given = as_array(mask, "mask", BadMask)
    missing: NDArray[np.bool_] = given if given.dtype == bool else given != 0
    if given.dtype.kind == "f":
        missing &= ~np.isnan(given)  # the background of labels that are kept as floats
    if missing.shape == layout.shape:
        return missing
    colour = layout.axes.find("S")
    target = layout.shape if colour < 0 else layout.shape[:colour] + layout.shape[colour + 1 :]
    # One row must not stand for all rows.
    if missing.ndim < 2 or missing.shape != target[-missing.ndim :]:
        raise BadMask(
            f"the mask has shape {np.shape(mask)}, but the image has {target}; give a mask of the "
            "image's shape, or of its last axes"
        )
    if colour >= 0:  # it says nothing of colours: put an axis of one where they are
        missing = np.expand_dims(missing, colour - len(layout.axes))
    return np.broadcast_to(missing, layout.shape)


def in_planes(missing: NDArray[np.bool_]) -> str:
    """Say in how many planes pixels are missing, if not in all, as the end of a sentence."""
    hit = missing.any(axis=(-2, -1))
    return f", in {hit.sum()} of {hit.size} planes" if 0 < hit.sum() < hit.size else ""
