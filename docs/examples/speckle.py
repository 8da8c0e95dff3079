"""Multiplicative noise, such as speckle: a noise model outside the package."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import digamma, polygamma

from napari_dip.noise.given import noise_model
from napari_dip.noise.model import NoiseModel
from napari_dip.settings import GivenNoise


class Speckle(GivenNoise):
    """The setting: ``looks`` is the mean of an area over its standard deviation, squared."""

    kind: Literal["speckle"] = "speckle"
    looks: float = Field(gt=0.5)


@dataclass(frozen=True)
class SpeckleModel(NoiseModel):
    """y = dark + (x - dark) n, where n has a gamma distribution of mean 1 and variance 1 / looks.

    Signals below ``floor`` are too dark for a logarithm.
    """

    kind: ClassVar[str] = "speckle"
    looks: float
    floor: float
    dark: float = 0.0

    def sigma(self, x: np.ndarray | float) -> np.ndarray:
        return self._signal(x) / np.sqrt(self.looks)

    def stabilise(self, y: np.ndarray) -> np.ndarray:
        return np.log(self._signal(y)) / np.sqrt(polygamma(1, self.looks))

    def unstabilise(self, d: np.ndarray) -> np.ndarray:
        mean_of_logarithm = digamma(self.looks) - np.log(self.looks)
        return self.dark + np.exp(d * np.sqrt(polygamma(1, self.looks)) - mean_of_logarithm)

    def rescaled(self, low: float, span: float) -> "SpeckleModel":
        return replace(self, floor=self.floor / span, dark=(self.dark - low) / span)

    def describe(self) -> str:
        return f"speckle of {self.looks:g} looks"

    def _signal(self, y: np.ndarray | float) -> np.ndarray:
        return np.maximum(np.asarray(y, np.float64) - self.dark, self.floor)


@noise_model.register(Speckle)
def _build(given: Speckle, limits: tuple[float, float] | None) -> "SpeckleModel":
    return SpeckleModel(given.looks, floor=0.01 * limits[1] if limits else 1.0)
