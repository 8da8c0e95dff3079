"""What is the same for all images of a user, kept by napari from session to session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.settings import get_plugin_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from magicgui.widgets.bases import ValueWidget

__all__ = ["remember"]


def remember(controls: Iterable[ValueWidget[Any]]) -> None:
    """Set controls as they were left, and keep what they are changed to.

    Parameters
    ----------
    controls
        Each with a property of its name in the manifest, where napari also finds it for its
        preferences. Without the manifest nothing is remembered.
    """
    try:
        kept: Any = get_plugin_settings("napari-dip")
    except KeyError:
        return
    for control in controls:
        value = getattr(kept.panels, control.name)
        # What was left on another machine need not be there on this one.
        if value in getattr(control, "choices", (value,)):
            control.value = value

        def keep(value: Any, name: str = control.name) -> None:
            setattr(kept.panels, name, value)

        control.changed.connect(keep)
