"""Measure the resolution of a restored image by Fourier ring correlation, without the truth.

The noisy image is split into two images with independent noise (:mod:`fission
<napari_dip.assess.fission>`), and each is restored. Where both agree, there is signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal.windows import tukey

from napari_dip.assess.crop import crop
from napari_dip.assess.fission import fission
from napari_dip.assess.section import sentences_by_channel
from napari_dip.errors import BadSettings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.assess.crop import Crop
    from napari_dip.assess.section import Picture
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["ChannelResolution", "Resolution", "measure_resolution", "ring_correlation"]

THRESHOLD = 1 / 7
"""Correlation that counts as resolved (Nieuwenhuizen et al., Nature Methods 10, 2013)."""

TAPERED = 0.25
"""Part of each side that is faded out at the border, where the image does not continue."""

SMOOTHED_RINGS = 5
"""Rings: the curve is averaged over so many before it is compared with the threshold; a ring of a
crop of 256 pixels has some 100 independent values at medium frequencies."""


@dataclass(frozen=True)
class ChannelResolution:
    """Ring correlation of one channel.

    Parameters
    ----------
    frequencies
        Of the rings, in cycles per pixel, from above 0 to 0.5.
    raw, restored
        Correlation of the halves of the noisy image, and of their restorations.
    """

    frequencies: NDArray[np.float64]
    raw: NDArray[np.float64]
    restored: NDArray[np.float64]

    @property
    def raw_pixels(self) -> float:
        """Resolution of the noisy image in pixels; infinite if there is no signal."""
        return _resolution(self.frequencies, self.raw)

    @property
    def restored_pixels(self) -> float:
        """Resolution of the restored image in pixels; 2 if all frequencies correlate."""
        return _resolution(self.frequencies, self.restored)


@dataclass(frozen=True)
class Resolution:
    """Resolution of each channel; a section of a report.

    Parameters
    ----------
    channels
        One for each channel.
    pixel_size, unit
        Size of a pixel along Y and X; 1 and ``"pixels"`` if it is not known.
    """

    heading: ClassVar[str] = "Resolution"
    channels: tuple[ChannelResolution, ...]
    pixel_size: float = 1.0
    unit: str = "pixels"

    def sentences(self) -> tuple[str, ...]:
        """Return the resolution of each channel, then how to read it."""
        found = {
            number: [
                "The resolution (Fourier ring correlation above 1/7) of the restored image is "
                f"{self._words(channel.restored_pixels)}; that of the noisy image is "
                f"{self._words(channel.raw_pixels)}."
            ]
            for number, channel in enumerate(self.channels)
        }
        return (
            *sentences_by_channel(found),
            "Both halves are restored in the same way, so they also agree where the restoration "
            "smooths or sharpens alike: the true resolution of the restored image may be worse.",
            "The halves were made by adding noise to the image: each has twice its noise variance.",
        )

    def warnings(self) -> tuple[str, ...]:
        """Return nothing: no number is a fault in itself."""
        return ()

    def as_dict(self) -> dict[str, Any]:
        """Return the resolutions, and the curve of each channel.

        ``curve`` has the keys ``x``, ``x label``, ``series`` (the numbers of each curve by its
        name) and ``threshold`` (a horizontal line).
        """
        return {
            "unit": self.unit,
            "pixel size": self.pixel_size,
            "channels": [
                {
                    "restored": _finite(channel.restored_pixels * self.pixel_size),
                    "raw": _finite(channel.raw_pixels * self.pixel_size),
                    "curve": {
                        "x": channel.frequencies.tolist(),
                        "x label": "Spatial frequency (cycles per pixel)",
                        "series": {
                            "restored halves": channel.restored.tolist(),
                            "noisy halves": channel.raw.tolist(),
                        },
                        "threshold": THRESHOLD,
                    },
                }
                for channel in self.channels
            ],
        }

    def pictures(self) -> tuple[Picture, ...]:
        """Return nothing: the curves are in :meth:`as_dict`."""
        return ()

    def _words(self, pixels: float) -> str:
        if np.isinf(pixels):
            return "nothing"
        limit = "as fine as the pixels allow, " if pixels <= 2 else ""
        return f"{limit}{pixels * self.pixel_size:.3g} {self.unit}"


def measure_resolution(
    problem: Problem,
    restored: ArrayLike | LazyArray,
    *,
    pixel_size: float | None = None,
    unit: str = "",
) -> Resolution:
    """Measure the resolution of a restored image, and that of the noisy one.

    Two further restorations of the middle of the image are computed: at most 256 x 256 pixels, and
    eight planes of a stack.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored
        The result; its shape is that of the image.
    pixel_size, unit
        Size of a pixel along Y and X, such as 0.1 and ``"µm"``. ``None`` takes the ``voxel`` of the
        settings, if it is square along Y and X.

    Raises
    ------
    BadImage, BadSettings
        If the image has no noise, if its pixels are refined or copied into the result, or if the
        result has another shape than the problem asks for.

    Examples
    --------
    >>> from napari_dip import Settings, denoise, problem
    >>> rows, columns = np.indices((64, 64))
    >>> clean = 100 + 40 * np.sin(rows / 3) * np.cos(columns / 4)
    >>> noisy = clean + np.random.default_rng(0).normal(0, 10, clean.shape)
    >>> settings = Settings(noise=10.0, iterations=5, device="cpu")
    >>> asked = problem(noisy, settings)
    >>> found = measure_resolution(asked, clean, pixel_size=0.1, unit="µm")
    >>> found.channels[0].restored_pixels < 18
    True
    """
    if problem.settings.keeps_known:
        raise BadSettings(
            "keep_known=True copies the known pixels, so the result has the resolution of the "
            "image; inpaint with keep_known=False to denoise them"
        )
    part = crop(problem, restored)
    halves = fission(part)
    raw = halves.first, halves.second
    clean = (
        part.restore(halves.first, halves.first_noises),
        part.restore(halves.second, halves.second_noises),
    )
    channels = []
    for channel in range(part.layout.channels):
        planes = [_planes(part, pair, channel) for pair in (raw, clean)]
        frequencies, correlation = ring_correlation(*planes[0])
        channels.append(
            ChannelResolution(frequencies, correlation, ring_correlation(*planes[1])[1])
        )
    voxel = problem.settings.voxel
    if pixel_size is None and voxel is not None and voxel[1] == voxel[2]:
        pixel_size, unit = float(voxel[2]), unit or "units of the voxel size"
    if pixel_size is None:
        return Resolution(tuple(channels))
    return Resolution(tuple(channels), pixel_size, unit or "units of the pixel size")


def ring_correlation(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the correlation of two images at each spatial frequency.

    Parameters
    ----------
    first, second
        ``(..., height, width)``; the planes of a stack give one curve together.

    Returns
    -------
    frequencies, correlation
        The middle of each ring in cycles per pixel, to 0.5, and over each ring
        FRC = Re Σ F₁ F₂* / √(Σ|F₁|² Σ|F₂|²) (van Heel, Ultramicroscopy 21, 1987).

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(size=(64, 64))
    >>> frequencies, correlation = ring_correlation(image, 3 * image + 2)
    >>> bool(np.allclose(correlation, 1)), bool(frequencies[-1] <= 0.5)
    (True, True)
    """
    height, width = first.shape[-2:]
    window = np.outer(tukey(height, TAPERED), tukey(width, TAPERED))
    spectra = [
        np.fft.fft2((image - image.mean(axis=(-2, -1), keepdims=True)) * window)
        for image in (first.astype(np.float64), second.astype(np.float64))
    ]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    rings = max(height, width) // 2
    number = np.minimum((radius * 2 * rings).astype(int), rings)

    def ring_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        planes = values.reshape(-1, height, width).sum(axis=0)
        sums = np.bincount(number.ravel(), planes.ravel(), rings + 1)[1:rings]
        return sums.astype(np.float64)

    cross = ring_sums((spectra[0] * spectra[1].conj()).real)
    powers = [ring_sums(np.abs(spectrum) ** 2) for spectrum in spectra]
    power = np.sqrt(powers[0] * powers[1])
    frequencies = (np.arange(1, rings) + 0.5) / (2 * rings)
    return frequencies, cross / np.maximum(power, np.finfo(np.float64).tiny)


def _planes(
    part: Crop, pair: tuple[NDArray[Any], NDArray[Any]], channel: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the planes of a channel of both halves; missing pixels have the mean of the rest."""
    known = part.planes(part.known, channel)
    found = []
    for image in pair:
        planes = part.planes(image, channel)
        mean = planes.mean(axis=(-2, -1), where=known, keepdims=True)
        found.append(np.where(known, planes, mean))
    return found[0], found[1]


def _resolution(frequencies: NDArray[np.float64], correlation: NDArray[np.float64]) -> float:
    """Return the inverse of the first frequency at which the curve falls below the threshold."""
    smooth = uniform_filter1d(correlation, SMOOTHED_RINGS, mode="nearest")
    below = np.flatnonzero(smooth < THRESHOLD)
    if not len(below):
        return 2.0
    last = below[0]
    if last == 0:
        return float("inf")
    high, low = smooth[last - 1], smooth[last]
    step = (high - THRESHOLD) / (high - low)
    return float(1 / (frequencies[last - 1] + step * (frequencies[last] - frequencies[last - 1])))


def _finite(value: float) -> float | None:
    return None if np.isinf(value) else float(value)
