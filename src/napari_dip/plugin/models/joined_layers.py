"""Join the layers of several channels into one image with a channel axis, as files hold them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.image.lazy import LazyArray
from napari_dip.image.metadata import Channel
from napari_dip.plugin.models.layer_file import with_metadata_of
from napari_dip.plugin.models.saved_layer import SavedLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ChannelStack", "join_layers"]


class ChannelStack(LazyArray):
    """Images of one shape along a new axis, read on access.

    Parameters
    ----------
    images
        The images.
    axis
        The index of the new axis.

    Examples
    --------
    >>> ChannelStack([np.zeros((5, 8, 9)), np.ones((5, 8, 9))], 1)[3, 1].max()
    np.float64(1.0)
    """

    def __init__(self, images: Sequence[LazyArray], axis: int) -> None:
        self._images, self._axis = tuple(images), axis

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        shape = self._images[0].shape
        return (*shape[: self._axis], len(self._images), *shape[self._axis :])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._images[0].dtype

    def __getitem__(self, index: Any, /) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        parts = [*index, *[slice(None)] * (len(self.shape) - len(index))]
        channel = parts.pop(self._axis)
        if not isinstance(channel, slice):
            return np.asarray(self._images[channel][tuple(parts)])
        axis = sum(isinstance(part, slice) for part in parts[: self._axis])
        chosen = self._images[channel]
        return np.stack([np.asarray(image[tuple(parts)]) for image in chosen], axis)


def join_layers(layers: Sequence[SavedLayer]) -> SavedLayer | None:
    """Return one image with a channel for each layer; ``None`` if they do not fit together.

    Parameters
    ----------
    layers
        They fit if they have the same axes, without colours or channels, the same shape, data
        type, pixel sizes and position.

    Returns
    -------
    SavedLayer or None
        Each channel has the name, the colour and the contrast limits of its layer. The record of
        a channel is in the list ``channels`` of the record.
    """
    first = layers[0].stored
    if len(layers) < 2 or set(first.axes) & set("CSQ"):
        return None
    if any(_place(layer) != _place(layers[0]) for layer in layers):
        return None
    axis = first.axes.index("Z" if "Z" in first.axes else "Y")
    if not {"Y", "X"} == set(first.axes[-2:]):
        return None
    channels = tuple(_channel(layer) for layer in layers)
    file = layers[0].file
    if any(layer.file is not file for layer in layers):
        file, first = None, replace(first, acquired="", times=())
    stored = replace(
        first,
        image=ChannelStack([layer.stored.image for layer in layers], axis),
        axes=first.axes[:axis] + "C" + first.axes[axis:],
        channels=channels,
        name="" if file is None else file.name,
        extras={},
    )
    stored = with_metadata_of(stored, file)
    records = [layer.file_record for layer in layers]
    record = {"channels": records} if any(records) else None
    return SavedLayer(stored, record, layers[0].lost, ", ".join(one.name for one in layers))


def _place(layer: SavedLayer) -> tuple[Any, ...]:
    """Return what must be equal in all channels of an image."""
    stored = layer.stored
    grid = (stored.axes, tuple(stored.image.shape), stored.image.dtype, layer.lost)
    return (*grid, dict(stored.pixel_size), dict(stored.unit), dict(stored.translate))


def _channel(layer: SavedLayer) -> Channel:
    channel = layer.stored.known_channels[0] if layer.stored.known_channels else Channel()
    return channel._replace(name=channel.name or layer.name)
