"""What was seen: an image, perhaps not read yet, and which of its pixels count."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.arrays import NanFilledArray, masked_to_nan
from napari_dip.image.lazy import LazyArray
from napari_dip.image.row_bands import BandedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.image.axes import Index

__all__ = ["Fingerprint", "ObservedImage", "ObservedPart", "affected_planes"]


_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class ObservedPart:
    """A part of an image: its values, and where they are known."""

    values: NDArray[Any]
    known: NDArray[np.bool_]

    @property
    def constant(self) -> bool:
        """Whether all that is known is alike."""
        seen = self.values[self.known]
        return bool((seen == seen[0]).all())


@dataclass(frozen=True)
class ObservedImage:
    """An image that is read part by part.

    Parameters
    ----------
    image
        Anything with a shape and a dtype that gives arrays for indices.
    missing
        Of the same shape, true where a pixel is missing; ``None`` where the mask hides nothing.
    """

    image: LazyArray
    missing: LazyArray | None

    def read_values(self, index: Index) -> NDArray[Any]:
        """Read a part, one after another: not everything that is read on demand bears threads."""
        with _one_at_a_time:
            return masked_to_nan(self.image[index])

    def read(self, index: Index) -> ObservedPart:
        """Read a part; values that are not finite are not known."""
        values = self.read_values(index)
        known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
        if self.missing is not None:
            known &= ~np.asarray(self.missing[index])
        return ObservedPart(values, known)

    def extract(self, index: Index) -> ObservedImage:
        """Keep one part alone, which another process can be sent.

        An image that lies in files is left there, for whoever gets this to read it.
        """
        in_files = LazyArray in type(self.image).__mro__ and not isinstance(
            self.image, BandedArray | NanFilledArray
        )
        image = self.image if in_files else _Part(self.image, index)
        return ObservedImage(image, None if self.missing is None else _Part(self.missing, index))


class Fingerprint:
    """A digest of the values of an image and of where they are known, added plane by plane."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, seen: ObservedPart) -> None:
        """Add a plane."""
        for part in (seen.values, seen.known):
            self._digest.update(np.ascontiguousarray(part).data)

    def __str__(self) -> str:
        """Give the digest of what was added."""
        return self._digest.hexdigest()


class _Part(LazyArray):
    """An array of which one part is there."""

    def __init__(self, whole: LazyArray, index: Index) -> None:
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


def affected_planes(missing: NDArray[np.bool_]) -> str:
    """Say in how many planes pixels are missing, if not in all, as the end of a sentence."""
    hit = missing.any(axis=(-2, -1))
    return f", in {hit.sum()} of {hit.size} planes" if 0 < hit.sum() < hit.size else ""
