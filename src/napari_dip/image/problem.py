"""What is to be restored, checked before any work starts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_dip.image.arrays import LogicalOr, as_lazy, masked_to_nan, split_mask
from napari_dip.image.coverage import empty_part
from napari_dip.image.intensity import combine_scales
from napari_dip.image.layout_plan import Tiling, choose_plan, make_layout
from napari_dip.image.masks import broadcast_mask, check_marks_pixels
from napari_dip.image.observed import ObservedImage, ObservedPart
from napari_dip.image.psf import normalised_psf
from napari_dip.image.row_bands import BandedArray, read_in_bands
from napari_dip.image.survey import Survey, survey
from napari_dip.noise.padding import without_padding
from napari_dip.pipeline.conditions import uses_noise_model
from napari_dip.settings.voxel import describe_voxel_change

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.image.axes import Index, Layout
    from napari_dip.image.intensity import Scale
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Plan, Unit
    from napari_dip.noise.model import NoiseModel
    from napari_dip.settings import Hole, Inpaint, Settings

__all__ = ["Problem", "gap_type", "make_problem", "observed_image", "unknown_channels"]

_FROM_GOOD_TO_BAD: tuple[Hole, ...] = ("scratches", "pixels", "hole", "large-hole")


@dataclass(frozen=True)
class Problem:
    """An image that can be restored: every check is behind it.

    Nothing in it is large but the image, which may be lazy, and the mask.
    """

    observed: ObservedImage
    layout: Layout
    plan: Plan
    survey: Survey
    settings: Settings
    device: str
    psf: NDArray[np.float32] | None

    @property
    def factors(self) -> dict[str, int]:
        """By how much each spatial axis grows."""
        return self.settings.factors

    @property
    def dtype(self) -> np.dtype:
        """Of the result."""
        kept = self.observed.image.dtype
        return np.dtype(np.float32) if self.settings.dtype == "float32" else kept

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return tuple(
            size * self.factors.get(letter, 1)
            for letter, size in zip(self.layout.axes, self.layout.shape, strict=True)
        )

    def __str__(self) -> str:
        """Give the plan in words, and what becomes of the voxels."""
        voxels = describe_voxel_change(self.settings.voxel, self.factors)
        return f"{self.plan}; {voxels}" if voxels else str(self.plan)

    def scale(self, unit: Unit) -> Scale | None:
        """Give the scale of a unit's channels; ``None`` where all that is known is alike."""
        scales = [self.survey.scales[channel] for channel in self.layout.channels_of(unit.index)]
        return scales[0] if len(scales) == 1 else combine_scales(scales, self.layout.ndim)

    def noises(self, unit: Unit) -> tuple[NoiseModel, ...]:
        """Give the noise of each of a unit's channels, in the units of the image."""
        return tuple(self.survey.noises[channel] for channel in self.layout.channels_of(unit.index))

    def empty(self, index: Index) -> NDArray[Any]:
        """Give a part of the result that is not restored: NaN, or 0 for whole numbers."""
        parts = [*index, *[slice(None)] * (len(self.shape) - len(index))]
        kept = [
            (letter, len(range(size)[part]))
            for letter, size, part in zip(self.layout.axes, self.shape, parts, strict=True)
            if isinstance(part, slice)
        ]
        samples = next((axis for axis, (letter, _) in enumerate(kept) if letter == "S"), None)
        return empty_part((size for _, size in kept), self.dtype, samples)

    def unrestored(self, index: Index) -> NDArray[Any]:
        """Give a part of the result as the image was, each pixel in its place."""
        cut = {axis for axis, part in enumerate(index) if not isinstance(part, slice)}
        left = (letter for axis, letter in enumerate(self.layout.axes) if axis not in cut)
        return self._refined(self.observed.read_values(index), "".join(left))

    def finish(
        self, unit: Unit, seen: ObservedPart, scale: Scale, estimate: NDArray[np.float32]
    ) -> NDArray[Any]:
        """Bring the estimate of a unit back to the units, dtype and axes of the result.

        Alpha comes from the image, and so do the known pixels if the task keeps them, and else what
        the image was padded with. Where the estimate is NaN, nothing is restored yet.
        """
        values, known = (self._inner(unit, part) for part in (seen.values, seen.known))
        colours = values[:3] if "S" in self.layout.axes else values
        known = known[: len(colours)]
        estimate = estimate[unit.output_planes]
        restored = scale.from_unit(estimate, self.dtype)
        kept = known if self.settings.keeps_known else self._padded(colours, known)
        if kept.any():
            axes = "S" + self.layout.spatial
            seen_there = self._refined(colours, axes)
            kept = (self._refined(kept, axes) > 0) & ~np.isnan(estimate)
            restored = np.where(kept, seen_there, restored)
        for number in unknown_channels(known):
            restored[number] = self._refined(colours[number], self.layout.spatial)
        alpha = self._refined(values[len(colours) :], "S" + self.layout.spatial)
        whole = np.concatenate([restored, alpha])
        return self.layout.from_block(whole, window=self.is_window(unit))

    def finish_spread(
        self, unit: Unit, seen: ObservedPart, scale: Scale, spread: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Bring the spread of a unit to the units of the image; alpha has none."""
        values = self._inner(unit, seen.values)
        whole = (spread[unit.output_planes] * scale.span).astype(np.float32)
        alpha = np.zeros((len(values) - len(whole), *whole.shape[1:]), np.float32)
        return self.layout.from_block(np.concatenate([whole, alpha]), window=self.is_window(unit))

    def fill(self, unit: Unit, seen: ObservedPart) -> NDArray[Any]:
        """Give a unit whose colours have but one value; alpha comes from the image."""
        colours, known = (self.layout.colours(part) for part in (seen.values, seen.known))
        values = self._inner(unit, seen.values).astype(self.dtype)
        values[: len(colours)] = colours[known][0].astype(self.dtype)
        flat = self._refined(values, "S" + self.layout.spatial)
        return self.layout.from_block(flat, window=self.is_window(unit))

    def is_window(self, unit: Unit) -> bool:
        """Whether a unit is several planes along the shared axis, or one cut out like that."""
        shared = self.layout.shared
        return bool(shared) and isinstance(self.layout.at(shared, unit.index), slice)

    def record(self) -> dict[str, Any]:
        """Tell all that determines the result, as values that JSON can hold."""
        from importlib.metadata import version

        shown_only = {"preview_every_s"}
        psf = None if self.psf is None else hashlib.blake2b(self.psf.tobytes()).hexdigest()[:32]
        return {
            "settings": self.settings.model_dump(mode="json", exclude=shown_only),
            "image": {
                "shape": self.layout.shape,
                "dtype": str(self.observed.image.dtype),
                "axes": self.layout.axes,
                "values and mask": self.survey.digest,
            },
            "psf": psf,
            "window": self.plan.window,
            "tile": self.plan.tile,
            "at once": self.plan.at_once,
            "device": self.device,
            "versions": {name: version(name) for name in ("napari-dip", "torch")},
        }

    def _padded(self, values: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Find what each channel was padded with; the method as published restores that, too."""
        if not uses_noise_model(self.settings):
            return np.zeros_like(known)
        return known & ~np.stack(list(map(without_padding, values, known)))

    def _inner(self, unit: Unit, part: NDArray[Any]) -> NDArray[Any]:
        """Take of what was looked at what is restored, as a block with alpha."""
        return self.layout.to_block(part)[unit.output_planes]

    def _refined(self, values: NDArray[Any], axes: str) -> NDArray[Any]:
        """Repeat each pixel over those of the result that it covers."""
        for axis, letter in enumerate(axes):
            values = values.repeat(self.factors.get(letter, 1), axis=axis)
        return values.astype(self.dtype)


def make_problem(
    image: ArrayLike,
    settings: Settings,
    mask: ArrayLike | None,
    psf: ArrayLike | None,
    device: str | None = None,
    before: Tiling | None = None,
    looked: Survey | None = None,
    *,
    mask_axes: str | None = None,
    psf_axes: str | None = None,
) -> Problem:
    """Check everything that can be checked before the first iteration.

    The device is found on this machine, unless the caller knows better. How the image is cut is
    settled, and all planes are looked at, unless a run is gone on with that did so. `mask_axes` and
    `psf_axes` name the axes of these two.

    Raises
    ------
    BadImage, BadMask, BadSettings, DeviceUnavailable
        With the offending value and the cure.
    """
    layout = make_layout(as_lazy(image).shape, settings)
    painted = broadcast_mask(mask, layout, mask_axes)
    if settings.task.fills_gaps:
        check_marks_pixels(painted)
    observed = observed_image(image, painted, layout)
    kernel = normalised_psf(psf, layout, psf_axes)
    found = survey(observed, layout, settings, kernel) if looked is None else looked
    plan, device = choose_plan(layout, settings, found.breaks, device, before, found.unknown)
    return Problem(observed, layout, plan, found, settings, device, kernel)


def unknown_channels(known: NDArray[np.bool_]) -> list[int]:
    """Find the channels of a block of which no pixel is known."""
    return np.flatnonzero(~known.any(axis=tuple(range(1, known.ndim)))).tolist()


def observed_image(image: ArrayLike, mask: ArrayLike | None, layout: Layout) -> ObservedImage:
    """Combine an image and its mask into what is read part by part.

    Raises
    ------
    BadImage, BadMask
        If the values are no real numbers, or the mask does not fit.
    """
    lazy, masked = split_mask(image)
    missing: LazyArray | None = broadcast_mask(mask, layout)
    if masked is not None:
        missing = masked if missing is None else LogicalOr(missing, masked)
    if layout.is_section:
        # A section lies across all planes: read by itself, it would cost as much as all of them.
        lazy = read_in_bands(lazy, layout.axes)
        lazy = lazy if isinstance(lazy, BandedArray) else masked_to_nan(lazy[()])
    return ObservedImage(lazy, missing)


def gap_type(known: NDArray[np.bool_], task: Inpaint) -> Hole:
    """Tell what kind of damage a mask covers, for the published networks differ.

    Parameters
    ----------
    known
        ``(channels, *spatial)``, true where a pixel is known.
    task
        What was asked; anything but ``missing="auto"`` is taken as it is.

    Returns
    -------
    Hole
        ``"hole"`` where a disc of radius 8 fits in (``"large-hole"`` if it is also a tenth of the
        image), ``"pixels"`` where a fifth or more is missing in smaller pieces, else
        ``"scratches"``. Of several channels or planes, that of the worst.
    """
    if task.missing != "auto":
        return task.missing
    return max(map(_kind_of_gaps, ~known), key=_FROM_GOOD_TO_BAD.index)


def _kind_of_gaps(missing: NDArray[np.bool_]) -> Hole:
    part = missing.mean()
    if part and not missing.all() and distance_transform_edt(missing).max() > 8:
        return "large-hole" if part > 0.1 else "hole"
    return "pixels" if part >= 0.2 else "scratches"
