"""The step that adds noise like that of the image to filled pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_dip.noise.synthesis import add_noise, unit_noise
from napari_dip.pipeline.block import derived_seed
from napari_dip.pipeline.steps import Immediate

if TYPE_CHECKING:
    from napari_dip.noise.model import NoiseModel
    from napari_dip.pipeline.steps import Context, Data

__all__ = ["MatchNoise"]


@dataclass(frozen=True)
class MatchNoise(Immediate):
    """Add noise to the filled pixels, so that they look like their surroundings.

    The noise belongs to a pixel of the whole unit: where two tiles overlap, both add the same.

    Parameters
    ----------
    noises
        One model a channel, in the intensities of the block.
    """

    noises: tuple[NoiseModel, ...]

    def apply(self, data: Data, context: Context, /) -> Data:
        """Add the noise; known pixels stay."""
        assert data.estimate is not None
        block, estimate = data.block, data.estimate.copy()
        sides = estimate.shape[1:]
        start = block.start or (0,) * len(sides)
        here = tuple(slice(at, at + side) for at, side in zip(start, sides, strict=True))
        for channel, model in enumerate(self.noises):
            missing = ~block.known[channel]
            if not missing.any():
                continue
            seed = derived_seed(context.seed, f"noise of filled pixels {channel}")
            noise = unit_noise(block.sides_of_unit or sides, model.correlation, seed)[here]
            clean = estimate[channel][missing]
            estimate[channel][missing] = add_noise(clean, model, noise[missing])
        return replace(data, estimate=estimate)

    def describe(self) -> str:
        """Name the noise."""
        kinds = dict.fromkeys("correlated" if one.correlated else "white" for one in self.noises)
        return f"Add {' and '.join(kinds)} noise like that of the image to the filled pixels."
