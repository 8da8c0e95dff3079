"""What is to be restored, checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from scipy.ndimage import distance_transform_edt

from napari_dip.errors import BadImage, BadMask, BadSettings
from napari_dip.prior.estimate import estimate_noise
from napari_dip.prior.noise import NoiseModel
from napari_dip.settings import Hole, Inpaint, SensorNoise, Settings, SuperResolve
from napari_dip.stack.axes import Index, Layout, guess_axes
from napari_dip.stack.intensity import Scale, measure_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Problem", "find_hole", "make_problem"]

SMALLEST_SIDE = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """An image that can be restored: every check is behind it.

    ``known`` has the shape of the image. ``scales`` holds one entry for each unit, ``None`` for
    a unit whose known values are all alike; ``noises`` one for each too, in the image's units.
    """

    image: NDArray[Any]
    known: NDArray[np.bool_]
    layout: Layout
    scales: tuple[Scale | None, ...]
    noises: tuple[NoiseModel, ...]
    settings: Settings
    device: str
    psf: NDArray[np.float32] | None

    @property
    def factor(self) -> int:
        """By how much the spatial axes grow."""
        task = self.settings.task
        return task.factor if isinstance(task, SuperResolve) else 1

    @property
    def dtype(self) -> np.dtype:
        """Of the result."""
        return np.dtype(np.float32) if self.settings.dtype == "float32" else self.image.dtype

    def unrestored(self) -> NDArray[Any]:
        """Allocate the result, with each pixel of the image in its place."""
        return self._refined(self.image, self.layout.axes)

    def colours(self, values: NDArray[Any], index: Index) -> NDArray[Any]:
        """Take a unit of the image, or of its mask, as ``(channels, *spatial)`` without alpha."""
        return self.layout.to_block(values[index])[:3]

    def finish(self, index: Index, scale: Scale, estimate: NDArray[np.float32]) -> NDArray[Any]:
        """Bring the estimate of a unit back to the units, dtype and axes of the result.

        Alpha comes from the image, and so do the known pixels if the task keeps them.
        """
        original = self.layout.to_block(self.image[index])
        restored = scale.from_unit(estimate, self.dtype)
        alpha = self._refined(original[3:], "S" + self.layout.spatial)
        task = self.settings.task
        if isinstance(task, Inpaint) and task.keep_known:
            kept = original[:3].astype(self.dtype)
            restored = np.where(self.colours(self.known, index), kept, restored)
        return self.layout.from_block(np.concatenate([restored, alpha]))

    def finish_spread(
        self, index: Index, scale: Scale, spread: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Bring the spread of a unit to the units of the image; alpha has none."""
        original = self.layout.to_block(self.image[index])
        alpha = self._refined(original[3:], "S" + self.layout.spatial)
        whole = np.concatenate([spread * scale.span, np.zeros_like(alpha, np.float32)])
        return self.layout.from_block(whole.astype(np.float32))

    def _refined(self, values: NDArray[Any], axes: str) -> NDArray[Any]:
        """Repeat each pixel over those of the result that it covers."""
        for axis, letter in enumerate(axes):
            if letter in self.layout.spatial:
                values = values.repeat(self.factor, axis=axis)
        return values.astype(self.dtype)


def make_problem(
    image: ArrayLike, settings: Settings, mask: ArrayLike | None, psf: ArrayLike | None
) -> Problem:
    """Check everything that can be checked before the first iteration.

    Raises
    ------
    BadImage, BadMask, DeviceUnavailable
        With the offending value and the cure.
    """
    values = _real(np.asarray(image))
    axes = settings.axes or guess_axes(values.shape)
    layout = Layout(axes, values.shape, settings.ndim)
    for letter, size in zip(layout.spatial, layout.spatial_shape, strict=True):
        if size < SMALLEST_SIDE and letter != "Z":
            raise BadImage(
                f"shape {values.shape}: {size} pixels along {letter} are too few for a prior; give "
                f"at least {SMALLEST_SIDE}, or check axes={axes!r}"
            )
    if "S" in axes and values.shape[axes.index("S")] not in (3, 4):
        raise BadImage(
            f"axes={axes!r}: S has {values.shape[axes.index('S')]} samples, but a colour has 3 or "
            "4; call the axis C to restore each channel by itself"
        )
    known = np.isfinite(values) & ~_missing(mask, layout)
    scales = _scales(values, known, layout)
    noises = _noises(values, known, layout, settings)
    # torch is loaded only now, when nothing else can be wrong
    from napari_dip.prior.device import choose_device

    device = str(choose_device(settings.device))
    if settings.precision == "bfloat16" and settings.ndim == 3 and device == "cpu":
        raise BadSettings(
            "precision='bfloat16' with ndim=3: torch's gradients of volumes are wrong on the CPU; "
            "choose 'float32', or another device"
        )
    kernel = _checked_psf(psf, layout)
    return Problem(values, known, layout, scales, noises, settings, device, kernel)


def _real(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "c":
        raise BadImage(
            f"dtype {values.dtype}: a complex image cannot be restored; restore np.abs(image), or "
            "its real and imaginary part one by one"
        )
    if values.dtype.kind not in "buif":
        raise BadImage(
            f"dtype {values.dtype}: not numbers; convert the image with .astype(np.float32)"
        )
    return values


def _missing(mask: ArrayLike | None, layout: Layout) -> NDArray[np.bool_]:
    """Spread the mask over the image; true where a pixel is missing."""
    if mask is None:
        return np.zeros(layout.shape, dtype=bool)
    missing: NDArray[np.bool_] = np.asarray(mask) != 0
    if missing.shape == layout.shape:
        return missing
    target = layout.shape
    try:
        if missing.ndim < 2:
            raise ValueError("no plane")
        if "S" in layout.axes:
            # A mask says nothing of colours: put an axis of one where they are.
            colour = layout.axes.index("S")
            target = layout.shape[:colour] + layout.shape[colour + 1 :]
            missing = np.expand_dims(missing, colour - len(layout.axes))
        return np.broadcast_to(missing, layout.shape)
    except ValueError:
        raise BadMask(
            f"the mask has shape {np.shape(mask)}, but the image has {target}; give a mask of the "
            "image's shape, or of its last axes"
        ) from None


def _scales(
    values: NDArray[Any], known: NDArray[np.bool_], layout: Layout
) -> tuple[Scale | None, ...]:
    """Measure one scale for each channel, over all planes, and give it to the units."""
    planes = tuple(layout.axes.index(letter) for letter in "YX")
    indices = list(layout.indices())
    for index in indices:
        if not known[index].any():
            where = f" in the plane {index}" if index else ""
            raise BadMask(
                f"no pixel is known{where}: the mask (or NaN) hides all of it; unmask some pixels"
            )
    scales = _by_channel(
        lambda part, seen: _checked_scale(part, seen, planes), values, known, layout
    )
    return tuple(
        None if _constant(values[index][known[index]]) else scale
        for index, scale in zip(indices, scales, strict=True)
    )


def _noises(
    values: NDArray[Any], known: NDArray[np.bool_], layout: Layout, settings: Settings
) -> tuple[NoiseModel, ...]:
    """Find out about the noise of each channel, from all its planes together."""
    given = settings.noise
    if isinstance(given, SensorNoise):
        brightest = values[known].max()
        if given.gain and given.offset >= brightest:
            raise BadImage(
                f"the noise's offset={given.offset:g} is not below the brightest pixel, "
                f"{brightest:g}; give the grey value of the dark"
            )
        model = NoiseModel(given.gain, given.offset, given.read)
        return (model,) * layout.units
    if not isinstance(given, str):
        return (NoiseModel(read=given),) * layout.units

    def estimate(part: NDArray[Any], seen: NDArray[np.bool_]) -> NoiseModel:
        plane = [layout.axes.index(letter) for letter in "YX"]
        part, seen = (np.moveaxis(each, plane, (-2, -1)) for each in (part, seen))
        if "S" in layout.axes:  # alpha has no noise
            colour = layout.axes.replace("Y", "").replace("X", "").index("S")
            part, seen = (each.take(range(3), colour) for each in (part, seen))
        return estimate_noise(part, seen, signal_dependent=given == "auto")

    return tuple(_by_channel(estimate, values, known, layout))


def _by_channel(
    measure: Callable[[NDArray[Any], NDArray[np.bool_]], T],
    values: NDArray[Any],
    known: NDArray[np.bool_],
    layout: Layout,
) -> list[T]:
    """Measure each channel over all its planes, and give what was found to its units."""
    channel = layout.axes.find("C")
    if channel < 0:
        return [measure(values, known)] * layout.units
    found = [
        measure(values.take([part], channel), known.take([part], channel))
        for part in range(layout.shape[channel])
    ]
    # C is a leading axis, so that its index is a number
    return [found[cast("int", index[channel])] for index in layout.indices()]


def _checked_scale(
    values: NDArray[Any], known: NDArray[np.bool_], planes: tuple[int, ...]
) -> Scale | None:
    with np.errstate(over="ignore", invalid="ignore"):
        scale = measure_scale(values, known, planes)
    if scale is not None and not np.isfinite(scale.span):
        raise BadImage(
            f"the values run from {values[known].min():g} to {values[known].max():g}, more than "
            "a float64 can span; divide the image by 2 first"
        )
    return scale


def _constant(values: NDArray[Any]) -> bool:
    return bool((values == values[0]).all())


def _checked_psf(psf: ArrayLike | None, layout: Layout) -> NDArray[np.float32] | None:
    """Normalise a point spread function to a sum of one."""
    if psf is None:
        return None
    kernel = np.array(psf, dtype=np.float32)
    if kernel.ndim != len(layout.spatial) or any(size % 2 == 0 for size in kernel.shape):
        raise BadImage(
            f"the psf has shape {kernel.shape}; give one axis for each of {layout.spatial}, each "
            "of an odd size"
        )
    if any(k > 2 * s for k, s in zip(kernel.shape, layout.spatial_shape, strict=True)):
        raise BadImage(f"the psf of shape {kernel.shape} is larger than the image; crop it")
    if not np.isfinite(kernel).all() or kernel.sum() <= 0:
        raise BadImage("the psf must be finite and have a positive sum")
    kernel /= kernel.sum()
    return kernel


def find_hole(known: NDArray[np.bool_], task: Inpaint) -> Hole:
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
        ``"scratches"``.
    """
    if task.missing != "auto":
        return task.missing
    missing = ~known.all(axis=0)
    part = missing.mean()
    if part and not missing.all() and distance_transform_edt(missing).max() > 8:
        return "large-hole" if part > 0.1 else "hole"
    return "pixels" if part >= 0.2 else "scratches"
