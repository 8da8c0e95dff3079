"""Choose the layout and the plan of a restoration from shape and settings, without pixel values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.axes import MIN_SIDE, Layout, guess_axes
from napari_dip.image.memory import choose_at_once, choose_tile
from napari_dip.image.plan import Plan, make_plan, shared_axis
from napari_dip.image.psf import expected_kernel
from napari_dip.pipeline.presets import recipe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from napari_dip.settings import Settings

__all__ = ["Tiling", "choose_plan", "make_layout", "with_concurrency"]

Tiling = tuple[int, int | None, int]
"""Maximum planes of a unit, side of its tiles (``None`` without tiles), and concurrent units."""

MAX_PLANES = 10**6
"""Planes (or volumes): a larger number is taken for a damaged file. Not measured; the survey reads
all planes before the first is restored."""


def make_layout(shape: tuple[int, ...], settings: Settings) -> Layout:
    """Return the layout of an image; torch is not loaded.

    Raises
    ------
    BadImage
        If the axes do not fit the shape, or the image is too small or too large.
    BadSettings
        If planes are to share a network along an axis that the image lacks.

    Examples
    --------
    >>> from napari_dip.settings import Settings
    >>> make_layout((5, 64, 64), Settings(axes="ZYX")).spatial
    'YX'
    """
    axes = settings.axes or guess_axes(shape)
    if settings.share in ("Z", "T", "C") and settings.share not in axes:
        raise BadSettings(
            f"share={settings.share!r}: the image has no such axis; its axes are {axes!r}; choose "
            "share='auto', or name the axes (axes)"
        )
    volumes = settings.ndim == 3 and settings.share != "C"
    separate = volumes or recipe(settings).window == 1
    share = "none" if separate else settings.share
    sections = settings.fits_sections
    fits = len(axes) == len(shape)
    shared = shared_axis(axes, shape, share, sections=sections) if fits else ""
    layout = Layout(axes, shape, settings.spatial, shared)
    if layout.units > MAX_PLANES:
        raise BadImage(
            f"shape {shape}: {layout.units} planes are more than the maximum of {MAX_PLANES}; "
            "check that the file is not damaged, or restore a part of it"
        )
    for letter, size in zip(layout.spatial, layout.spatial_shape, strict=True):
        if size < MIN_SIDE and letter != "Z":
            raise BadImage(
                f"image too small: {size} pixels along {letter} (shape {shape}); at least "
                f"{MIN_SIDE} pixels a side are needed; give a larger image, or check axes={axes!r}"
            )
    if "S" in axes and shape[axes.index("S")] not in (3, 4):
        raise BadImage(
            f"axes={axes!r}: S has {shape[axes.index('S')]} samples, but a colour has 3 or "
            "4; name the axis C to restore each channel separately"
        )
    return layout


def choose_plan(
    layout: Layout,
    settings: Settings,
    breaks: Collection[tuple[int, ...]] = (),
    device: str | None = None,
    tiling: Tiling | None = None,
    unknown: Collection[tuple[int, ...]] = (),
    kernel: tuple[int, ...] = (),
) -> tuple[Plan, str]:
    """Choose the plan and the device.

    Parameters
    ----------
    layout
        Layout of the image.
    settings
        Settings of the run.
    breaks
        Numbers along the leading axes of planes that differ from the plane before them; none
        before the survey.
    device
        Device of the workers, each of which restores one unit at a time; ``None`` chooses the
        device of this machine.
    tiling
        Tiling of a resumed run, used in place of one for the free memory.
    unknown
        Numbers of planes without any known pixel; no window includes them.
    kernel
        The sides of a given point spread function; empty for that of the settings, or none.

    Raises
    ------
    BadSettings, DeviceUnavailable
        If the device is missing, does not support the settings, or has too little memory.
    """
    is_local = device is None
    if device is None:
        # imported late: torch is slow to load, and other errors come first
        from napari_dip.compute.device import choose_device

        device = str(choose_device(settings.device))
    if settings.precision == "bfloat16" and settings.ndim == 3 and device == "cpu":
        raise BadSettings(
            "precision='bfloat16' with ndim=3: gradients of volumes are wrong on the CPU in torch; "
            "choose precision='float32', or another device"
        )
    chosen = recipe(settings)
    kernel = kernel or expected_kernel(settings, layout)
    # Sections share a network for speed, so dissimilar neighbours are no break.
    breaks = {*(() if layout.shared == "Y" else breaks), *_breaks_around(unknown, layout)}
    if tiling is not None:
        window, tile, at_once = tiling
        plan = make_plan(layout, window, chosen.context, breaks)
        return replace(plan, tile=tile, at_once=at_once, kernel=kernel), device
    window = chosen.window
    while True:
        plan = make_plan(layout, window, chosen.context, breaks)
        try:
            tile = choose_tile(settings, layout, plan.channels, device, kernel)
        except BadSettings:
            if plan.window == 1 or settings.window is not None:
                raise
            window //= 2  # fewer planes need less memory
        else:
            plan = replace(plan, tile=tile, kernel=kernel)
            return with_concurrency(plan, settings, device) if is_local else plan, device


def _breaks_around(
    unknown: Collection[tuple[int, ...]], layout: Layout
) -> Iterator[tuple[int, ...]]:
    """Yield a break before and after each plane along the shared axis."""
    if not layout.shared:
        return
    place = layout.leading.index(layout.axes.index(layout.shared))
    for numbers in unknown:
        yield numbers
        yield (*numbers[:place], numbers[place] + 1, *numbers[place + 1 :])


def with_concurrency(plan: Plan, settings: Settings, device: str) -> Plan:
    """Return a plan with the number of concurrent units, or of concurrent fits of a single unit."""
    units = len(plan.units)
    fits = units if units > 1 else recipe(settings).members
    at_once = choose_at_once(
        settings, plan.layout, plan.channels, device, plan.tile, fits, plan.kernel
    )
    return replace(plan, at_once=at_once)
