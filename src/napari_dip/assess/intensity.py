"""Compare the intensities of a result with those of its image: line of one on the other, totals."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_dip.assess.compared_planes import compared_planes
from napari_dip.assess.measured_value import with_error
from napari_dip.assess.plane_sample import sample_planes
from napari_dip.assess.residual import residual_of
from napari_dip.assess.section import sentences_by_channel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_dip.assess.plane_sample import PlaneSample
    from napari_dip.assess.section import Picture
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem

__all__ = ["ChannelIntensity", "IntensityCheck", "check_intensity"]

MIN_CONTRAST = 1e-6
"""Standard deviation of a result, as a fraction of its largest value: below it the result is
constant, up to the rounding of the residual to float32."""


@dataclass(frozen=True)
class ChannelIntensity:
    """The intensities of one channel.

    Attributes
    ----------
    channel, pixels
        Number of the channel, and of the known pixels that were compared.
    slope, offset, slope_error, offset_error
        The line ``image = offset + slope * result``, and the standard errors; the offset is in
        units of the image. ``None`` for a constant result.
    image_total, result_total
        Sums of the compared pixels; those of the result on the pixel grid of the image.
    ratio, ratio_error
        Total of the result as a fraction of that of the image, and its standard error from the
        residual; ``None`` if the total is 0.
    dark, bright
        Mean of the result minus that of the image, in units of the image, in the darkest and in the
        brightest third of the pixels of the result.
    sample
        The end of a sentence that tells which part of the channel was compared.
    """

    channel: int
    pixels: int
    slope: float | None
    offset: float | None
    slope_error: float | None
    offset_error: float | None
    image_total: float
    result_total: float
    ratio: float | None
    ratio_error: float | None
    dark: float
    bright: float
    sample: str

    def sentences(self) -> tuple[str, ...]:
        """Return the totals and the line, a sentence each."""
        if not self.pixels:
            return (f"No pixel can be compared{self.sample}.",)
        if self.slope_error == 0 and self.dark == self.bright == 0:
            return (f"The compared pixels{self.sample} have the values of the image.",)
        sentences = [
            f"The mean of the result is {self.result_total / self.pixels:.6g}, that of the image "
            f"{self.image_total / self.pixels:.6g}{self.sample}."
        ]
        if self.ratio is not None:
            sentences[0] = (
                f"The total intensity of the result{self.sample} is "
                f"{with_error(self.ratio, self.ratio_error or 0.0)} times that of the image."
            )
        if self.slope is not None:
            sentences.append(
                "A straight line of the image against the result has a slope of "
                f"{with_error(self.slope, self.slope_error or 0.0)} and an offset of "
                f"{with_error(self.offset or 0.0, self.offset_error or 0.0)} in units of the "
                "image. A result without bias has 1 and 0, one with too little contrast more than "
                "1."
            )
        sentences.append(
            f"The result minus the image is {self.dark:+.3g} in the mean of the darkest third of "
            f"the pixels, and {self.bright:+.3g} in that of the brightest, in units of the image."
        )
        return tuple(sentences)


@dataclass(frozen=True)
class IntensityCheck:
    """The intensities of all channels; a section of a report."""

    heading: ClassVar[str] = "Intensity"
    channels: tuple[ChannelIntensity, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return the sentences of each channel."""
        return sentences_by_channel({each.channel: each.sentences() for each in self.channels})

    def warnings(self) -> tuple[str, ...]:
        """Return nothing: no number is a fault in itself."""
        return ()

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers."""
        return {"channels": [asdict(each) for each in self.channels]}

    def pictures(self) -> tuple[Picture, ...]:
        """Return no pictures."""
        return ()


def check_intensity(
    problem: Problem, restored: ArrayLike | LazyArray, *, residual: LazyArray | None = None
) -> IntensityCheck:
    """Compare the intensities of a restored image with those of the image.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored
        The result, with the axes of the image, and ``problem.factors`` times as long.
    residual
        Its :func:`residual_of`, if that is known.

    Raises
    ------
    BadImage
        If the restored image has another shape than the problem asks for.

    Notes
    -----
    The line is fitted with the result as the regressor. The image has noise; as the regressor it
    would flatten the line of even a perfect result, by the ratio of the variance of the signal to
    that of signal and noise. A result of finer pixels, or a deconvolved one, is binned or blurred
    first, as the forward model says. At most eight parts of 1024 x 1024 pixels are compared.

    Examples
    --------
    >>> from napari_dip import Settings, problem
    >>> clean = 100 + 50 * np.sin(np.arange(96) / 4) * np.ones((96, 1))
    >>> noisy = clean + np.random.default_rng(0).normal(0, 5, clean.shape)
    >>> asked = problem(noisy, Settings(device="cpu"))
    >>> round(check_intensity(asked, clean / 2).channels[0].slope, 2)
    2.0
    >>> round(check_intensity(asked, clean / 2).channels[0].ratio, 2)
    0.5
    """
    residual = residual_of(problem, restored) if residual is None else residual
    return IntensityCheck(
        tuple(_channel(problem, sample, residual) for sample in sample_planes(problem.layout))
    )


def _channel(problem: Problem, sample: PlaneSample, residual: LazyArray) -> ChannelIntensity:
    planes = [
        plane for part in sample.parts for plane in compared_planes(problem, part.index, residual)
    ]
    if not planes:
        nothing = (None, None, None, None)
        return ChannelIntensity(
            sample.channel, 0, *nothing, 0, 0, None, None, 0, 0, sample.describe()
        )
    image = np.concatenate([plane.image[plane.compared] for plane in planes]).astype(np.float64)
    result = image - np.concatenate([plane.residual[plane.compared] for plane in planes])
    difference = result - image
    low, high = np.quantile(result, (1 / 3, 2 / 3))
    total = float(image.sum())
    error = float(difference.std()) * math.sqrt(image.size)
    return ChannelIntensity(
        sample.channel,
        image.size,
        *_line(result, image),
        total,
        float(result.sum()),
        float(result.sum()) / total if total else None,
        abs(error / total) if total else None,
        float(difference[result <= low].mean()),
        float(difference[result >= high].mean()),
        sample.describe(),
    )


def _line(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float | None, float | None, float | None, float | None]:
    """Fit y = offset + slope * x by least squares; return slope, offset and their errors."""
    spread = float(np.square(x - x.mean()).sum())
    if x.size < 3 or spread <= x.size * (MIN_CONTRAST * float(np.abs(x).max())) ** 2:
        return None, None, None, None
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    offset = float(y.mean() - slope * x.mean())
    variance = float(np.square(y - offset - slope * x).sum()) / (x.size - 2)
    slope_error = math.sqrt(variance / spread)
    offset_error = math.sqrt(variance * (1 / x.size + float(x.mean()) ** 2 / spread))
    return slope, offset, slope_error, offset_error
