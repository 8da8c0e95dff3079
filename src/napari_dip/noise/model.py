"""What a restoration needs to know of any noise: the protocol of noise models, and their JSON."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from pydantic import TypeAdapter

from napari_dip.errors import BadSettings
from napari_dip.extensions import is_registered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Correlation", "NoiseModel", "from_record", "to_record"]

Correlation = tuple[tuple[float, ...], tuple[float, ...]]
"""Correlation of pixels at distance 1, 2, ... along Y and along X; empty for white noise."""

_CLASSES: dict[str, type[NoiseModel]] = {}
"""Class of each kind of noise, for JSON."""

FIRST_KIND = "poisson-gaussian"
"""Kind of a record that names none: there was only one when it was written."""


class NoiseModel(Protocol):
    """Noise of a channel: its standard deviation, and its variance-stabilising transform.

    A subclass is a frozen dataclass whose fields can be JSON. Its ``kind`` names it there.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> noise: NoiseModel = PoissonGaussian(gain=2.0, offset=100.0, read=3.0)
    >>> float(noise.sigma(108.0)), noise.signal_dependent
    (5.0, True)
    """

    kind: ClassVar[str]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "kind" in vars(cls):
            _CLASSES[cls.kind] = cls

    @abstractmethod
    def sigma(self, x: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return the standard deviation at the intensities ``x``."""

    @abstractmethod
    def stabilise(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Apply the variance-stabilising transform: the noise has unit variance after it.

        It rises strictly between the lowest and the highest intensity of the image. It is applied
        only if the noise is :attr:`signal_dependent`.
        """

    @abstractmethod
    def unstabilise(self, d: NDArray[Any]) -> NDArray[np.float64]:
        """Invert :meth:`stabilise` for a mean of stabilised values, without bias."""

    @abstractmethod
    def rescaled(self, low: float, span: float) -> Self:
        """Return the model of the same noise in the intensities ``(y - low) / span``."""

    def amplified(self, variance: float) -> NoiseModel:
        """Return the model of unclipped noise with ``variance`` times the variance.

        It is needed to split an image into two images with independent noise.

        Raises
        ------
        BadSettings
            If the model does not define it.
        """
        raise BadSettings(
            f"noise of kind {self.kind!r} cannot be amplified, so the image cannot be split; "
            f"define amplified() in {type(self).__name__}"
        )

    @abstractmethod
    def describe(self) -> str:
        """Describe the noise in words, in the units of the intensities."""

    @property
    def signal_dependent(self) -> bool:
        """Whether the standard deviation depends on the intensity."""
        return True

    @property
    def is_none(self) -> bool:
        """Whether there is no noise at any intensity."""
        return False

    @property
    def correlation(self) -> Correlation:
        """Correlation along Y and along X; for pixels apart along both, it is the product."""
        return (), ()

    @property
    def correlated(self) -> bool:
        """Whether the noise of neighbours is correlated."""
        return any(self.correlation)

    @property
    def limits(self) -> tuple[float, float]:
        """Intensities at which values are clipped; infinite where they are not."""
        return -math.inf, math.inf

    @property
    def modelled_limits(self) -> tuple[float, float]:
        """The limits of noise that is equal everywhere; infinite for other noise.

        The mean of clipped values is not modelled where the noise depends on the intensity.
        """
        return (-math.inf, math.inf) if self.signal_dependent else self.limits

    @property
    def sure(self) -> bool:
        """False if texture may have been taken for noise."""
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return kind and fields for JSON, with ``None`` in place of infinity."""
        return {
            name: None if isinstance(value, float) and math.isinf(value) else value
            for name, value in to_record(self).items()
        }


def to_record(model: NoiseModel) -> dict[str, Any]:
    """Return the kind and the fields of a model, from which :func:`from_record` makes it again."""
    return {"kind": model.kind, **TypeAdapter(type(model)).dump_python(model)}


def from_record(record: Mapping[str, Any]) -> NoiseModel:
    """Make the model that :func:`to_record` recorded; infinite numbers may be words.

    Raises
    ------
    BadSettings
        If the kind is unknown.
    ValueError
        If a field is not valid.

    Examples
    --------
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> from_record({"kind": "poisson-gaussian", "read": 3.0, "low": "-Infinity"}).describe()
    'Gaussian, standard deviation 3'
    """
    fields = dict(record)
    kind = fields.pop("kind", FIRST_KIND)
    if not is_registered(kind, _CLASSES):
        raise BadSettings(f"noise of kind {kind!r} is unknown; install the package that defines it")
    model: NoiseModel = TypeAdapter(_CLASSES[kind]).validate_python(fields)
    return model
