"""What can be said of a restoration from the shape of the image and the settings alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_dip.errors import BadImage, BadSettings
from napari_dip.image.axes import SMALLEST_SIDE, Layout, guess_axes
from napari_dip.image.memory import choose_at_once, choose_tile
from napari_dip.image.plan import Plan, make_plan, shared_axis
from napari_dip.pipeline.presets import recipe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from napari_dip.settings import Settings

__all__ = ["Tiling", "choose_plan", "make_layout", "with_concurrency"]

Tiling = tuple[int, int | None, int]
"""The most planes of a unit, the side of its tiles, if there are any, and how many at once."""

_MOST_UNITS = 10**6
"""Planes or volumes of one run: all are looked at before the first is restored."""


def make_layout(shape: tuple[int, ...], settings: Settings) -> Layout:
    """Lay the axes over a shape, or say why they do not fit; no torch is loaded for it.

    Raises
    ------
    BadImage
        If the axes are impossible, or the image is too small.
    BadSettings
        If planes are to share along an axis that is not there.

    Examples
    --------
    >>> from napari_dip.settings import Settings
    >>> make_layout((5, 64, 64), Settings(axes="ZYX")).spatial
    'YX'
    """
    axes = settings.axes or guess_axes(shape)
    if settings.share in ("Z", "T", "C") and settings.share not in axes:
        raise BadSettings(
            f"share={settings.share!r}: the image has no such axis, for its axes are {axes!r}; "
            "choose share='auto', or name the axes (axes)"
        )
    volumes = settings.ndim == 3 and settings.share != "C"
    alone = volumes or recipe(settings).window == 1
    asked = "none" if alone else settings.share
    spatial = settings.spatial
    together = shared_axis(axes, shape, asked, spatial) if len(axes) == len(shape) else ""
    layout = Layout(axes, shape, spatial, together)
    if layout.units > _MOST_UNITS:
        raise BadImage(
            f"shape {shape}: {layout.units} planes are more than the {_MOST_UNITS} that are "
            "restored at once; check that the file is not damaged, or save a part of it"
        )
    for letter, size in zip(layout.spatial, layout.spatial_shape, strict=True):
        if size < SMALLEST_SIDE and letter != "Z":
            raise BadImage(
                f"image too small: {size} pixels along {letter} (shape {shape}); at least "
                f"{SMALLEST_SIDE} pixels a side are needed, or check axes={axes!r}"
            )
    if "S" in axes and shape[axes.index("S")] not in (3, 4):
        raise BadImage(
            f"axes={axes!r}: S has {shape[axes.index('S')]} samples, but a colour has 3 or "
            "4; call the axis C to restore each channel by itself"
        )
    return layout


def choose_plan(
    layout: Layout,
    settings: Settings,
    breaks: Collection[tuple[int, ...]] = (),
    device: str | None = None,
    before: Tiling | None = None,
    unknown: Collection[tuple[int, ...]] = (),
) -> tuple[Plan, str]:
    """Settle the plan and the device.

    Parameters
    ----------
    layout
        Of the image.
    settings
        What to do.
    breaks
        Numbers along the leading axes of the planes that are not like the one before them; none
        before the image was looked at.
    device
        Of the machines where it will be restored, each of which takes one unit at a time; ``None``
        finds the device on this machine.
    before
        How a run that is gone on with was cut: how much memory is free now does not count.
    unknown
        Numbers of the planes of which no pixel is known: they are parts by themselves.

    Raises
    ------
    BadSettings, DeviceUnavailable
        If the device is not there, cannot do it, or has too little memory.
    """
    here = device is None
    if device is None:
        # torch is loaded only now, when nothing else can be wrong
        from napari_dip.compute.device import choose_device

        device = str(choose_device(settings.device))
    if settings.precision == "bfloat16" and settings.ndim == 3 and device == "cpu":
        raise BadSettings(
            "precision='bfloat16' with ndim=3: torch's gradients of volumes are wrong on the CPU; "
            "choose 'float32', or another device"
        )
    chosen = recipe(settings)
    # Sections share for the sake of time: that they are alike to the noise is not asked of them.
    breaks = {*(() if layout.shared == "Y" else breaks), *_around(unknown, layout)}
    if before is not None:
        window, tile, at_once = before
        plan = make_plan(layout, window, chosen.context, breaks)
        return replace(plan, tile=tile, at_once=at_once), device
    window = chosen.window
    while True:
        plan = make_plan(layout, window, chosen.context, breaks)
        try:
            tile = choose_tile(settings, layout, plan.channels, device)
        except BadSettings:
            if plan.window == 1 or settings.window is not None:
                raise
            window //= 2  # fewer planes together take less
        else:
            plan = replace(plan, tile=tile)
            return with_concurrency(plan, settings, device) if here else plan, device


def _around(unknown: Collection[tuple[int, ...]], layout: Layout) -> Iterator[tuple[int, ...]]:
    """Cut before and after each of some planes along the shared axis."""
    if not layout.shared:
        return
    place = layout.leading.index(layout.axes.index(layout.shared))
    for numbers in unknown:
        yield numbers
        yield (*numbers[:place], numbers[place] + 1, *numbers[place + 1 :])


def with_concurrency(plan: Plan, settings: Settings, device: str) -> Plan:
    """Settle how many units of a plan are restored at once on this machine, or fits of one."""
    units = len(plan.units)
    fits = units if units > 1 else recipe(settings).members
    at_once = choose_at_once(settings, plan.layout, plan.channels, device, plan.tile, fits)
    return replace(plan, at_once=at_once)
