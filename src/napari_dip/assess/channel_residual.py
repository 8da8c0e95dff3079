"""The residual of one channel: its numbers, the verdict, and the sentences that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_dip.assess.measured_value import with_error

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ChannelResidual", "Verdict", "judge"]

Verdict = Literal["noise", "structure", "noise left", "unchanged", "unknown"]

MIN_STRUCTURE = 3e-4
"""Fraction of the pixels with structure: below it the residual counts as noise. The true images,
and results of `fast`, have 0 to 1.7e-4 [Residual]."""

MIN_STRUCTURED_PIXELS = 12
"""Pixels: with fewer, it is the noise of a small image, whose noise model is less certain. Noise of
64 x 64 pixels had up to 10 in 4 of 150 images [Residual]."""

MAX_NOISE_SCORE = 7.5
"""Standard deviations: a pixel with more is structure, however small the area [Residual]."""

MIN_EXCESS_CORRELATION = 0.05
"""Mean correlation of neighbours along both axes above the expected one, from which on the residual
is structure. That of the true images is up to 0.044, of results of `fast` 0.018 [Residual]."""

MIN_NOISE_VARIANCE = 0.45
"""Variance of the residual, as a fraction of that of the noise, where it is largest: with less,
noise was left in the result. Results of `fast` have at least 0.68 [Residual]."""

MIN_DIAGONAL_CORRELATION = -0.065
"""Correlation of diagonal neighbours below the expected one, from which on noise was left. Results
of `fast` have at least -0.052 [Residual]."""

MIN_AXIAL_CORRELATION = -0.2
"""The same along both axes. Results of `fast` have at least -0.15 [Residual]."""


@dataclass(frozen=True)
class ChannelResidual:
    """The residual of one channel.

    Attributes
    ----------
    channel
        Number of the channel.
    verdict
        ``"noise"`` is a good result. ``"structure"`` was smoothed away, or ``"noise left"`` in the
        result. ``"unchanged"`` is 0 everywhere; ``"unknown"`` has no noise to compare with.
    pixels
        Number of pixels that were assessed.
    mean, mean_error
        Mean of the residual, and its standard error, in units of the image.
    sigma, noise_sigma
        Standard deviation of the residual, and root mean square of that of the noise, in units of
        the image; ``None`` for no noise.
    variance
        Variance of the residual, as a fraction of that of the noise, in ten groups of pixels from
        the darkest to the brightest.
    intensity
        Mean intensity of each group, in units of the image.
    shift
        Mean of the residual in each group, in standard deviations of the noise.
    largest_variance
        The same fraction in the twentieth of the image where it is largest.
    correlation, expected
        Correlation of neighbours in the residual along both axes and both diagonals, and in the
        noise.
    correlation_error
        Standard error of the correlation of white noise.
    structured
        Fraction of the pixels whose residual is structure.
    strongest, score
        The pixel with the strongest structure, by axis, and how strong it is, in standard
        deviations; ``None`` and 0 without structure.
    sample
        The end of a sentence that tells which part of the channel was assessed.
    """

    channel: int
    verdict: Verdict
    pixels: int
    mean: float
    mean_error: float
    sigma: float
    correlation: Mapping[str, float]
    expected: Mapping[str, float]
    correlation_error: float
    sample: str
    noise_sigma: float | None = None
    intensity: tuple[float, ...] = ()
    variance: tuple[float, ...] = ()
    shift: tuple[float, ...] = ()
    largest_variance: float | None = None
    structured: float = 0.0
    strongest: Mapping[str, int] | None = None
    score: float = 0.0

    def sentence(self) -> str:
        """Give the verdict and its numbers in one sentence."""
        place = self._place()
        neighbours = (
            f"neighbours correlate by {self._axial(self.correlation):+.2f} "
            f"({self._axial(self.expected):+.2f} in the noise)"
        )
        if self.verdict == "unchanged":
            return f"The known pixels are unchanged{self.sample}, so there is no residual."
        if self.verdict == "unknown":
            return (
                f"No noise is known to compare the residual with{self.sample}: its standard "
                f"deviation is {self.sigma:.3g}, and {neighbours}."
            )
        if self.verdict == "structure" and place:
            return (
                f"Structure was smoothed away: the residual{self.sample} has structure in "
                f"{100 * self.structured:.2g} % of the pixels, most clearly at {place} "
                f"({self.score:.2g} standard deviations), and {neighbours}."
            )
        if self.verdict == "structure":
            return f"Structure was smoothed away: in the residual{self.sample} {neighbours}."
        variance = f"{self._variance():.2f} times the variance of the noise"
        if self.verdict == "noise left":
            return (
                f"Noise was left in the result: the residual{self.sample} has {variance}, and "
                f"{neighbours}."
            )
        if place:
            return (
                f"The residual{self.sample} looks like noise, but for faint structure at {place} "
                f"({self.score:.2g} standard deviations): it has {variance}, and {neighbours}."
            )
        return f"The residual{self.sample} looks like noise: it has {variance}, and {neighbours}."

    def details(self) -> tuple[str, ...]:
        """Return the other numbers, a sentence each."""
        if self.verdict == "unchanged":
            return ()
        numbers = [f"{value:+.3f}" for value in self.correlation.values()]
        first, second = [*self.correlation][:2]
        sentences = [
            f"The mean of the residual is {with_error(self.mean, self.mean_error)} in units of the "
            f"image, its standard deviation {self.sigma:.3g}.",
            f"Neighbours correlate by {numbers[0]} along {first}, {numbers[1]} along {second}, "
            f"{numbers[2]} and {numbers[3]} along the diagonals (standard error "
            f"{self.correlation_error:.1g}); good results have 0.00 to 0.15 less than the noise "
            f"along {first} and {second}.",
        ]
        if self.noise_sigma is not None:
            worst = max(range(len(self.shift)), key=lambda group: abs(self.shift[group]))
            sentences += [
                f"The variance is {self.variance[0]:.2f} times that of the noise in the darkest "
                f"tenth of the pixels, {self.variance[-1]:.2f} times in the brightest, and "
                f"{self.largest_variance:.2f} times in the part of the image where it is largest.",
                "Less than 1 means that noise was left in the result, or that the noise was "
                "estimated too strong; more than 1, the opposite.",
                "Among these tenths, the mean of the residual is farthest from 0 at an intensity "
                f"of {self.intensity[worst]:.4g}, by {self.shift[worst]:+.2f} standard deviations "
                "of the noise.",
            ]
        if self.strongest is not None and self.verdict != "structure":
            sentences.append(
                f"The faint structure, in {100 * self.structured:.2g} % of the pixels, may be "
                "chance, or a small spot that was smoothed away: look at the raw image there."
            )
        return tuple(sentences)

    def _place(self) -> str:
        return ", ".join(f"{axis} {number}" for axis, number in (self.strongest or {}).items())

    def _variance(self) -> float:
        return float(np.mean(self.variance))

    @staticmethod
    def _axial(correlation: Mapping[str, float]) -> float:
        return float(np.mean(list(correlation.values())[:2]))


def judge(numbers: ChannelResidual, *, decimated: bool) -> Verdict:
    """Return the verdict on the numbers of a channel whose noise is known.

    A result of more pixels can agree with all values of a decimated image, so none can be left.
    """
    structured_pixels = numbers.structured * numbers.pixels
    excess = [numbers.correlation[name] - numbers.expected[name] for name in numbers.correlation]
    axial, diagonal = np.mean(excess[:2]), np.mean(excess[2:])
    if (
        (numbers.structured > MIN_STRUCTURE and structured_pixels >= MIN_STRUCTURED_PIXELS)
        or numbers.score > MAX_NOISE_SCORE
        or axial > MIN_EXCESS_CORRELATION
    ):
        return "structure"
    assert numbers.largest_variance is not None, "the noise is known"
    if not decimated and (
        numbers.largest_variance < MIN_NOISE_VARIANCE
        or diagonal < MIN_DIAGONAL_CORRELATION
        or axial < MIN_AXIAL_CORRELATION
    ):
        return "noise left"
    return "noise"
