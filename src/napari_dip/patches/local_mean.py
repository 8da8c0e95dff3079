"""Average an image over a square around each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["local_mean"]


def local_mean(image: Tensor, window: int) -> Tensor:
    """Average ``(1, channels, height, width)`` over the part of a square that lies in the image.

    ``window`` is the side of the square in pixels; it is smaller in a smaller image.

    Examples
    --------
    >>> import torch
    >>> local_mean(torch.arange(5.0).expand(1, 1, 5, 5), 3)[0, 0, 0].tolist()
    [0.5, 1.0, 2.0, 3.0, 3.5]
    """
    height, width = (min(window, (size - 1) // 2 * 2 + 1) for size in image.shape[-2:])
    for sides in ((1, width), (height, 1)):
        half = tuple(side // 2 for side in sides)
        image = functional.avg_pool2d(image, sides, 1, half, count_include_pad=False)
    return image
