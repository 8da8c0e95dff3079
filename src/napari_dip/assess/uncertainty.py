"""The uncertainty of a restored image: intervals that hold the truth with a probability of 90 %."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_dip.assess.noise_of_image import colour_planes
from napari_dip.assess.plane_sample import sample_planes
from napari_dip.assess.result_pixels import checked_result, index_in_result
from napari_dip.assess.section import Picture, sentences_by_channel
from napari_dip.generators import finished
from napari_dip.image.observed import ObservedPart
from napari_dip.image.unit_error import uncertainty_of_unit
from napari_dip.pipeline.conditions import mixes_pixels
from napari_dip.progress import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_dip.image.axes import Index
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["ChannelUncertainty", "UncertaintySection", "describe_uncertainty", "uncertainty"]

FIFTHS = 5  # parts of the pixels by intensity, for which the sentences give an uncertainty


@dataclass(frozen=True)
class ChannelUncertainty:
    """Uncertainty of one channel, in the units of the image.

    Parameters
    ----------
    median, largest
        Of the half widths of the 90 % intervals of all pixels; the largest is that which 1 % of
        the pixels exceed. ``None`` if no pixel is restored.
    intensities, half_widths
        Mean intensity of each fifth of the pixels by intensity, and their median half width.
    noise
        Median standard deviation of the noise of one pixel, for comparison.
    sure, correlated
        Whether the strength of the noise is sure, and whether the noise is correlated.
    """

    median: float | None
    largest: float | None
    intensities: tuple[float, ...]
    half_widths: tuple[float, ...]
    noise: float
    sure: bool
    correlated: bool

    def sentences(self) -> tuple[str, ...]:
        """Return the half widths in a sentence; nothing if no pixel is restored."""
        if self.median is None:
            return ()
        low, high = self.half_widths[0], self.half_widths[-1]
        return (
            f"The 90 % intervals are the result ± {self.median:.3g} in units of the image (median "
            f"of the pixels; ± {low:.3g} in the darkest fifth, ± {high:.3g} in the brightest): "
            "they should hold the true value of nine pixels in ten.",
        )


@dataclass(frozen=True)
class UncertaintySection:
    """How uncertain a result is; a section of a report.

    Parameters
    ----------
    channels
        One for each channel.
    filled, refined
        Whether there are filled gaps, and whether pixels are refined or deconvolved.
    picture
        Half widths of a plane in the middle.
    """

    heading: ClassVar[str] = "Uncertainty"
    channels: tuple[ChannelUncertainty, ...]
    filled: bool
    refined: bool
    picture: NDArray[np.float32] = field(repr=False, compare=False)

    def sentences(self) -> tuple[str, ...]:
        """Return the uncertainty of each channel, then where it is not calibrated."""
        found = sentences_by_channel(
            {number: channel.sentences() for number, channel in enumerate(self.channels)}
        )
        notes = []
        if any(not channel.sure for channel in self.channels):
            notes.append(
                "Texture may have been taken for noise, so the intervals may be too wide or too "
                "narrow."
            )
        if any(channel.correlated for channel in self.channels):
            notes.append(
                "The noise of neighbours is correlated, and the intervals are wider than needed: "
                "they held the truth in 92 to 99 % of the pixels of six test images."
            )
        if all(channel.noise == 0 for channel in self.channels):
            notes.append("The image has no noise: the intervals show how much two fits differ.")
        if self.filled:
            notes.append(
                "In filled gaps no data tell what is there: the intervals show how well similar "
                "structures are filled, and may miss others."
            )
        if self.refined:
            notes.append(
                "Detail finer than the pixels of the image is not measured: the intervals show how "
                "well similar detail is refined, and may miss other detail."
            )
        return (*found, *notes)

    def warnings(self) -> tuple[str, ...]:
        """Return nothing: no number is a fault in itself."""
        return ()

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers."""
        return {
            "probability": 0.9,
            "channels": [asdict(channel) for channel in self.channels],
            "filled": self.filled,
            "refined": self.refined,
        }

    def pictures(self) -> tuple[Picture, ...]:
        """Return the half widths of a plane in the middle."""
        seen = self.picture[np.isfinite(self.picture)]
        top = float(np.quantile(seen, 0.99)) if len(seen) else 1.0
        name = "Uncertainty (half width of the 90 % intervals)"
        return (Picture(name, self.picture, (0.0, top or 1.0)),)


def uncertainty(
    problem: Problem,
    restored: LazyArray | NDArray[Any],
    *,
    stop_requested: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """Compute the uncertainty of a restored image: half the width of its 90 % intervals.

    Each unit is restored twice more, with simulated noise. To compute it during the run, and to
    write it plane by plane to a file, set ``uncertainty=True`` in the settings instead.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored
        The result, an array or a lazy array.
    stop_requested
        True ends the computation; parts that are not done are NaN.

    Returns
    -------
    ndarray
        float32, of the shape and in the units of the result. The standard deviation is 1.645 times
        smaller.

    Raises
    ------
    BadImage
        If the result has another shape than the problem asks for.

    Notes
    -----
    The method is an iterated parametric bootstrap; see :mod:`napari_dip.image.standard_error`. The
    coverage on images with a known truth is in ``benchmarks/NOTES.md``, "Uncertainty".

    Examples
    --------
    >>> from napari_dip import Settings, problem
    >>> clean = 100 + 40 * np.sin(np.arange(64) / 6) * np.ones((64, 1))
    >>> noisy = clean + np.random.default_rng(0).normal(0, 10, clean.shape)
    >>> asked = problem(noisy, Settings(noise=10.0, iterations=5, device="cpu"))
    >>> half = uncertainty(asked, clean)
    >>> half.shape, bool(1 < np.median(half) < 10)
    ((64, 64), True)
    """
    lazy = checked_result(problem, restored)
    whole = np.full(problem.shape, np.nan, np.float32)
    monitor = Monitor(stop_requested=stop_requested)
    for unit in problem.plan.units:
        if stop_requested():
            break
        half = finished(uncertainty_of_unit(problem, unit, lazy, monitor))
        if half is not None:
            whole[unit.index] = half
    return whole


def describe_uncertainty(
    problem: Problem,
    restored: LazyArray | NDArray[Any],
    half_widths: LazyArray | NDArray[Any],
) -> UncertaintySection:
    """Describe the uncertainty of a restored image.

    At most eight parts of 1024 x 1024 pixels of a channel are read, evenly spaced.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored, half_widths
        The result and its uncertainty: ``Result.image`` and ``Result.uncertainty``, or that of
        :func:`uncertainty`.

    Raises
    ------
    BadImage
        If one of them has another shape than the problem asks for.
    """
    arrays = (
        checked_result(problem, restored),
        checked_result(problem, half_widths, "uncertainty"),
    )
    channels = []
    filled = False
    for sample in sample_planes(problem.layout):
        parts = [part.index for part in sample.parts]
        filled = filled or any(not problem.observed.read(index).known.all() for index in parts)
        fine = [index_in_result(problem, index) for index in parts]
        image, half = (
            np.concatenate([_colours(problem, array, index).ravel() for index in fine])
            for array in arrays
        )
        channels.append(_channel(problem, sample.channel, image.astype(np.float64), half))
    colours = _colours(problem, arrays[1], _middle(problem))
    picture = colours[len(colours) // 2].astype(np.float32)
    refined = mixes_pixels(problem.settings, blurred=problem.psf is not None)
    return UncertaintySection(tuple(channels), filled, refined, picture)


def _channel(
    problem: Problem, channel: int, image: NDArray[np.float64], half: NDArray[np.float32]
) -> ChannelUncertainty:
    noise = problem.survey.noises[channel]
    known = np.isfinite(half) & np.isfinite(image)
    if not known.any():
        return ChannelUncertainty(None, None, (), (), 0.0, noise.sure, noise.correlated)
    order = np.argsort(image[known], kind="stable")
    parts = np.array_split(order, FIFTHS)
    values, widths = image[known], half[known]
    return ChannelUncertainty(
        median=float(np.median(widths)),
        largest=float(np.quantile(widths, 0.99)),
        intensities=tuple(float(values[part].mean()) for part in parts if len(part)),
        half_widths=tuple(float(np.median(widths[part])) for part in parts if len(part)),
        noise=float(np.median(noise.sigma(values))),
        sure=noise.sure,
        correlated=noise.correlated,
    )


def _colours(problem: Problem, array: LazyArray, index: Index) -> NDArray[Any]:
    """Return a part of a plane of a result, ``(colours, height, width)``, without alpha."""
    values = np.asarray(array[index])
    return colour_planes(problem, ObservedPart(values, np.isfinite(values)))[0]


def _middle(problem: Problem) -> Index:
    """Return the index of the plane of the result in the middle of all other axes."""
    kept = problem.layout.spatial[-2:] + "S"
    sides = zip(problem.layout.axes, problem.shape, strict=True)
    return tuple(slice(None) if letter in kept else size // 2 for letter, size in sides)
