"""The residual of one channel: its numbers, the verdict, and the sentences that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

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
                f"Structure was smoothed away: {100 * self.structured:.2g} % of the residual"
                f"{self.sample} is not noise, most clearly at {place}, and {neighbours}."
            )
        if self.verdict == "structure":
            return f"Structure was smoothed away: in the residual{self.sample} {neighbours}."
        variance = f"{self._variance():.2f} of the variance of the noise"
        if self.verdict == "noise left":
            return (
                f"Noise was left in the result: the residual{self.sample} has {variance}, and "
                f"{neighbours}."
            )
        return f"The residual{self.sample} is noise: it has {variance}, and {neighbours}."

    def details(self) -> tuple[str, ...]:
        """Return the other numbers, a sentence each."""
        if self.verdict == "unchanged":
            return ()
        named = ", ".join(f"{axis} {value:+.3f}" for axis, value in self.correlation.items())
        sentences = [
            f"The mean of the residual is {self.mean:.3g} ± {self.mean_error:.2g} in units of the "
            f"image, its standard deviation {self.sigma:.3g}.",
            f"Correlation of neighbours: {named} (standard error {self.correlation_error:.1g}); a "
            "good result is slightly below the noise, by 0.00 to 0.15.",
        ]
        if self.noise_sigma is not None:
            worst = max(range(len(self.shift)), key=lambda group: abs(self.shift[group]))
            sentences += [
                f"From dark to bright pixels the variance is {self.variance[0]:.2f} to "
                f"{self.variance[-1]:.2f} of that of the noise; where it is largest it is "
                f"{self.largest_variance:.2f}.",
                f"The mean is shifted most at an intensity of {self.intensity[worst]:.4g}, by "
                f"{self.shift[worst]:+.3f} standard deviations of the noise.",
            ]
        if self.strongest is not None and self.verdict != "structure":
            sentences.append(
                f"Structure in {100 * self.structured:.2g} % of the pixels is strongest at "
                f"{self._place()}."
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
