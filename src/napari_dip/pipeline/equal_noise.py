"""Scale channels to equal noise, so that patches of them can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EqualNoise"]


@dataclass(frozen=True)
class EqualNoise:
    """Scaling of the channels to noise of equal strength, in which patches are compared.

    Parameters
    ----------
    sigmas
        Standard deviation of the noise of each channel, in the intensities of the fit.
    trusted
        Fraction of the noise that the filter assumes.
    each_too
        Whether each channel is filtered alone as well, and the mean is taken: channels of a
        microscope may show different things.
    planes
        Whether the channels are neighbouring planes.
    """

    sigmas: tuple[float, ...]
    trusted: float = 1.0
    each_too: bool = False
    planes: bool = False

    def filtered(
        self, function: Callable[..., torch.Tensor], *images: torch.Tensor, known: torch.Tensor
    ) -> NDArray[np.float32]:
        """Filter images with equal noise, by ``function(*images, known=known, sigma=sigma)``.

        Parameters
        ----------
        function
            Filters tensors, ``(1, channels, *spatial)``; those of planes have an axis of one
            channel before the planes.
        images
            Of the channels, each of any spatial shape.
        known
            1 where a pixel is known, 0 elsewhere.

        Returns
        -------
        ndarray
            What the function returns, scaled back, ``(channels, *spatial)``.
        """
        least = min(self.sigmas)
        parts_of_least = [least / sigma if least else 1.0 for sigma in self.sigmas]
        ratios = torch.tensor(parts_of_least, dtype=known.dtype, device=known.device)
        ratios = ratios.reshape(-1, *[1] * (known.ndim - 2))
        parts = [known, *(image * ratios for image in images)]
        sigma = least * self.trusted
        window = self.planes and known.ndim == 4
        if window:  # planes are no channels
            parts = [part[:, None] for part in parts]
        image = function(*parts[1:], known=parts[0], sigma=sigma)
        image = image[:, 0] if window else image
        if self.each_too:
            channels = zip(*(part.split(1, dim=1) for part in parts), strict=True)
            alone = [function(*each, known=mask, sigma=sigma) for mask, *each in channels]
            image = (image + torch.cat(alone, dim=1)) / 2
        return (image / ratios)[0].cpu().numpy()
