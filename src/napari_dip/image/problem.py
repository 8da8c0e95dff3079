"""Check image, mask, psf and settings before any work starts, and collect them as a problem."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadSettings
from napari_dip.image.aberrations import check_estimable, with_estimated_aberrations
from napari_dip.image.arrays import LogicalOr, as_lazy, masked_to_nan, split_mask
from napari_dip.image.bad_pixel_mask import bad_pixel_mask
from napari_dip.image.coverage import empty_part
from napari_dip.image.intensity import combine_scales
from napari_dip.image.layout_plan import Tiling, choose_plan, make_layout
from napari_dip.image.masks import broadcast_mask, check_marks_pixels
from napari_dip.image.observed import ObservedImage
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.image.psf import psf_of
from napari_dip.image.row_bands import BandedArray, read_in_bands
from napari_dip.image.survey import Survey, survey
from napari_dip.settings.voxel import describe_voxel_change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from napari_dip.image.axes import Index, Layout
    from napari_dip.image.bad_pixel_mask import SparseMask
    from napari_dip.image.intensity import Scale
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.plan import Plan, Unit
    from napari_dip.noise.model import NoiseModel
    from napari_dip.optics.psf import PSF
    from napari_dip.settings import Settings

__all__ = ["Problem", "found_bad_pixels", "make_problem", "observed_image"]


ESTIMATED = "Its aberrations were estimated from the image."

MOST_OVERLAP = 47  # pixels: below half of the smallest tile that is chosen


@dataclass(frozen=True)
class Problem:
    """A checked problem: image, mask, layout, plan, survey, settings and device.

    Only the image, which may be lazy, and the mask need much memory. ``origin`` tells where the
    image and the mask are from, as JSON values: file, layer, part. ``bad_pixels`` is the number of
    hot and dead values that count as missing.
    """

    observed: ObservedImage
    layout: Layout
    plan: Plan
    survey: Survey
    settings: Settings
    device: str
    blur: PSF | None
    origin: Mapping[str, Any] = field(default_factory=dict)
    bad_pixels: int = 0

    @property
    def psf(self) -> NDArray[np.float32] | None:
        """The point spread function, in pixels of the result."""
        return None if self.blur is None else self.blur.values

    def psf_of(self, unit: Unit) -> NDArray[np.float32] | None:
        """Return the point spread function of a unit, that of its channel."""
        if self.blur is None:
            return None
        return self.blur.of_channel(self.layout.channels_of(unit.index)[0]).values

    @property
    def factors(self) -> dict[str, int]:
        """Ratio of the size of the result to that of the image, for each spatial axis."""
        return self.settings.factors

    @property
    def dtype(self) -> np.dtype:
        """Type of the values of the result."""
        input_dtype = self.observed.image.dtype
        return np.dtype(np.float32) if self.settings.dtype == "float32" else input_dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return tuple(
            size * self.factors.get(letter, 1)
            for letter, size in zip(self.layout.axes, self.layout.shape, strict=True)
        )

    def __str__(self) -> str:
        """Describe the plan, the change of the voxel size, and the bad pixels."""
        voxels = describe_voxel_change(self.settings.voxel, self.factors)
        bad = f"{self.bad_pixels} hot or dead pixels count as missing" if self.bad_pixels else ""
        return "; ".join(filter(None, [str(self.plan), voxels, bad]))

    def scale(self, unit: Unit) -> Scale | None:
        """Return the intensity scale of a unit; ``None`` if all known values are equal."""
        scales = [self.survey.scales[channel] for channel in self.layout.channels_of(unit.index)]
        return scales[0] if len(scales) == 1 else combine_scales(scales, self.layout.ndim)

    def noises(self, unit: Unit) -> tuple[NoiseModel, ...]:
        """Return the noise model of each channel of a unit, in units of the image."""
        return tuple(self.survey.noises[channel] for channel in self.layout.channels_of(unit.index))

    def empty(self, index: Index) -> NDArray[Any]:
        """Return a part of the result that is not restored: NaN, or 0 for integer types."""
        parts = [*index, *[slice(None)] * (len(self.shape) - len(index))]
        sizes = [
            (letter, len(range(size)[part]))
            for letter, size, part in zip(self.layout.axes, self.shape, parts, strict=True)
            if isinstance(part, slice)
        ]
        samples = next((axis for axis, (letter, _) in enumerate(sizes) if letter == "S"), None)
        return empty_part((size for _, size in sizes), self.dtype, samples)

    def record(self) -> dict[str, Any]:
        """Return everything that determines the result, as JSON values."""
        from importlib.metadata import version

        display_only = {"preview_every_s"}
        return {
            "settings": self.settings.model_dump(mode="json", exclude=display_only),
            "image": {
                "shape": self.layout.shape,
                "dtype": str(self.observed.image.dtype),
                "axes": self.layout.axes,
                "values and mask": [self.survey.digest, self.survey.known],
            },
            "psf": self._psf_record(),
            "window": self.plan.window,
            "tile": self.plan.tile,
            "at once": self.plan.at_once,
            "device": self.device,
            "versions": {name: version(name) for name in ("napari-dip", "torch")},
        }

    def input_record(self) -> dict[str, Any]:
        """Return which pixels were restored, with their digests, as JSON values."""
        return {
            **self.origin,
            "shape": list(self.layout.shape),
            "dtype": str(self.observed.image.dtype),
            "axes": self.layout.axes,
            "pixels": self.survey.digest,
            "known": self.survey.known,
            "psf": self._psf_record(),
        }

    def tiling_record(self) -> dict[str, Any]:
        """Return how the work is divided, which the last bits of the result depend on."""
        return {"window": self.plan.window, "tile": self.plan.tile, "at_once": self.plan.at_once}

    def _psf_record(self) -> dict[str, Any] | None:
        if self.psf is None:
            return None
        pixels = pixel_digest(self.psf, self.settings.spatial)
        record = {"shape": list(self.psf.shape), "pixels": pixels}
        assert self.blur is not None
        if self.blur.channels:
            record["channels"] = self.blur.digest
        return record


def make_problem(
    image: ArrayLike,
    settings: Settings,
    mask: ArrayLike | None,
    psf: ArrayLike | None,
    device: str | None = None,
    tiling: Tiling | None = None,
    earlier_survey: Survey | None = None,
    *,
    mask_axes: str | None = None,
    psf_axes: str | None = None,
) -> Problem:
    """Check all input, survey the image and choose the plan.

    Parameters
    ----------
    image, settings, mask, psf
        Input arrays and settings.
    device
        Device of the workers; ``None`` chooses the device of this machine.
    tiling, earlier_survey
        Tiling and survey of a resumed run, in place of new ones.
    mask_axes, psf_axes
        Letters of the axes of the mask and of the psf.

    Raises
    ------
    BadImage, BadMask, BadSettings, DeviceUnavailable
        With the invalid value and the cure.

    Examples
    --------
    >>> from napari_dip.settings import Settings
    >>> image = np.random.default_rng(0).poisson(40, (5, 16, 18))
    >>> print(make_problem(image, Settings(axes="TYX", window=1, device="cpu"), None, None).plan)
    5 frames, each plane in 2-D; 5 parts...
    """
    if psf is not None and settings.prior.network == "none":
        raise BadSettings(
            "prior='none' is the patch filter alone, which cannot deconvolve; leave out psf or "
            "prior='none'"
        )
    if settings.task.estimated:
        check_estimable(settings)
    layout = make_layout(as_lazy(image).shape, settings)
    missing = broadcast_mask(mask, layout, mask_axes)
    if settings.task.fills_gaps:
        check_marks_pixels(missing)
    bad = found_bad_pixels(image, layout, settings)
    observed = observed_image(image, missing, layout, bad)
    blur = psf_of(psf, psf_axes, layout, settings)
    kernel = None if blur is None else blur.values
    if blur is not None:
        settings = _overlapping_by(blur.margin, settings)
    surveyed = (
        survey(observed, layout, settings, kernel) if earlier_survey is None else earlier_survey
    )
    if settings.task.estimated:
        settings = with_estimated_aberrations(observed, layout, surveyed.noises, settings)
        blur = psf_of(None, None, layout, settings)
        assert blur is not None
        blur = replace(blur, notes=(*blur.notes, ESTIMATED))
    plan, device = choose_plan(
        layout,
        settings,
        surveyed.breaks,
        device,
        tiling,
        surveyed.unknown,
        () if blur is None or blur.channels else blur.values.shape,
    )
    count = 0 if bad is None else bad.count
    return Problem(observed, layout, plan, surveyed, settings, device, blur, bad_pixels=count)


def _overlapping_by(margin: int, settings: Settings) -> Settings:
    """Let tiles overlap by the margin of a point spread function, if they are large enough."""
    most = (settings.tile - 1) // 2 if settings.tile else MOST_OVERLAP
    return settings.replace(overlap=max(settings.overlap, min(margin, most)))


def found_bad_pixels(image: ArrayLike, layout: Layout, settings: Settings) -> SparseMask | None:
    """Return a mask of the hot and dead pixels; ``None`` if they are kept."""
    if settings.bad_pixels == "keep":
        return None
    return bad_pixel_mask(split_mask(image).values, layout)


def observed_image(
    image: ArrayLike, mask: ArrayLike | None, layout: Layout, bad: LazyArray | None = None
) -> ObservedImage:
    """Combine an image and its masks, given and found, for reading in parts.

    Raises
    ------
    BadImage, BadMask
        If the values are not real numbers, or the mask does not fit.
    """
    lazy, masked = split_mask(image)
    missing: LazyArray | None = broadcast_mask(mask, layout)
    for further in (masked, bad):
        if further is not None:
            missing = further if missing is None else LogicalOr(missing, further)
    if layout.is_section:
        # A section includes a row of every plane: to read one costs as much as to read the stack.
        lazy = read_in_bands(lazy, layout.axes)
        lazy = lazy if isinstance(lazy, BandedArray) else masked_to_nan(lazy[()])
    return ObservedImage(lazy, missing)
