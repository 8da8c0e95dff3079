"""Measure how much structure a restoration invents: restore noise without any structure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_dip.assess.crop import crop
from napari_dip.assess.section import Picture, sentences_by_channel
from napari_dip.errors import BadImage, BadSettings
from napari_dip.noise.synthesis import add_noise, unit_noise
from napari_dip.pipeline.block import derived_seed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.assess.crop import Crop
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["InventedInChannel", "InventedStructure", "find_invented_structure"]

SPOT = 1.5
"""Pixels: standard deviation of the Gaussian window in which a spot is as clear as to the eye."""

LITTLE = 0.1
"""Of the standard deviation of the noise: ``fast`` leaves 0.02 to 0.08 on flat images."""


@dataclass(frozen=True)
class InventedInChannel:
    """What the restoration of a flat image with noise shows, in one channel.

    Parameters
    ----------
    level
        Intensity of the flat image: the median of the result.
    noise
        Standard deviation of the noise there.
    left
        Standard deviation of the restored flat image.
    largest
        Largest difference of a spot of a few pixels from the level.
    """

    level: float
    noise: float
    left: float
    largest: float

    @property
    def fraction(self) -> float:
        """Standard deviation that is left, in those of the noise."""
        return self.left / self.noise


@dataclass(frozen=True)
class InventedStructure:
    """How much structure appears where there is none; a section of a report.

    Parameters
    ----------
    channels
        One for each channel.
    picture
        The restored flat image, less its level.
    """

    heading: ClassVar[str] = "Invented structure"
    channels: tuple[InventedInChannel, ...]
    picture: NDArray[np.float32] = field(repr=False, compare=False)

    def sentences(self) -> tuple[str, ...]:
        """Return the verdict first, then its numbers for each channel."""
        verdict = (*self.warnings(), "Noise alone gives hardly any structure.")[0]
        numbers = {
            number: [
                f"A flat image of intensity {channel.level:.4g} with noise of {channel.noise:.3g} "
                f"was restored in the same way, in units of the image: a pattern of "
                f"{channel.left:.2g} is left ({100 * channel.fraction:.2g} % of the noise), and "
                f"its clearest spot differs by {channel.largest:.2g}."
            ]
            for number, channel in enumerate(self.channels)
        }
        return (
            verdict,
            *sentences_by_channel(numbers),
            "Spots of the result that are fainter than that one may be noise.",
        )

    def warnings(self) -> tuple[str, ...]:
        """Return the verdict if noise alone gives structure."""
        if max(channel.fraction for channel in self.channels) <= LITTLE:
            return ()
        return ("Noise alone gives structure: do not interpret faint details of the result.",)

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers."""
        return {
            "channels": [
                asdict(channel) | {"fraction": channel.fraction} for channel in self.channels
            ]
        }

    def pictures(self) -> tuple[Picture, ...]:
        """Return the restored flat image of the first channel."""
        noise = self.channels[0].noise
        name = "Restored flat image with noise, less its level"
        return (Picture(name, self.picture, (-noise / 2, noise / 2), diverging=True),)


def find_invented_structure(problem: Problem, restored: ArrayLike | LazyArray) -> InventedStructure:
    """Restore noise without structure in the same way, and measure the structure that appears.

    One further restoration is computed, of at most 256 x 256 pixels, and eight planes of a stack.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored
        The result. Its median gives the intensity of the flat image.

    Raises
    ------
    BadImage
        If the image has no noise, or if the result has another shape than the problem asks for.
    BadSettings
        If the known pixels are copied into the result.

    Examples
    --------
    >>> from napari_dip import Settings, problem
    >>> noisy = np.random.default_rng(0).normal(100, 10, (64, 64))
    >>> asked = problem(noisy, Settings(noise=10.0, iterations=5, device="cpu"))
    >>> found = find_invented_structure(asked, np.full((64, 64), 100.0))
    >>> found.channels[0].fraction < 0.2
    True
    """
    if problem.settings.keeps_known:
        raise BadSettings(
            "keep_known=True copies the known pixels with their noise; inpaint with "
            "keep_known=False to see what is made of noise"
        )
    part = crop(problem, restored)
    if any(noise.is_none for noise in part.noises):
        raise BadImage(
            "the image has no noise, of which structure could be made; give its noise (noise=...)"
        )
    flat, levels = _flat_with_noise(part)
    found = part.restore(flat)
    channels, pictures = [], []
    for number, (noise, level) in enumerate(zip(part.noises, levels, strict=True)):
        planes = part.planes(found, number) - level
        spots = gaussian_filter(planes, (0, SPOT, SPOT))
        channels.append(
            InventedInChannel(
                level=level,
                noise=float(noise.sigma(level)),
                left=float(planes.std()),
                largest=float(np.abs(spots).max()),
            )
        )
        pictures.append(planes[len(planes) // 2].astype(np.float32))
    return InventedStructure(tuple(channels), pictures[0])


def _flat_with_noise(part: Crop) -> tuple[NDArray[np.float32], list[float]]:
    """Return a flat image with the noise of each channel, and the level of each channel."""
    layout = part.layout
    levels = [
        float(np.nanmedian(part.planes(part.restored, channel)))
        for channel in range(layout.channels)
    ]
    flat = np.empty(part.values.shape, np.float32)
    for number, index in enumerate(layout.indices()):
        (channel,) = layout.channels_of(index)
        shape = layout.to_block(part.values[index]).shape
        noise = part.noises[channel]
        seed = derived_seed(part.problem.settings.seed, f"flat image {number}")
        drawn = unit_noise(shape, noise.correlation, seed)
        noisy = add_noise(np.full(shape, levels[channel], np.float32), noise, drawn)
        flat[index] = layout.from_block(noisy)
    return flat, levels
