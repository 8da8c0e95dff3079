"""Find in single planes what a user should know before a restoration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import median_filter

from napari_dip.assess.clipping import grey_step, lowest_fraction, saturated_fraction
from napari_dip.assess.finding import Finding
from napari_dip.assess.repeated_values import repeated_values
from napari_dip.assess.spectrum import high_frequency_ratio, line_noise, periodic_noise
from napari_dip.assess.structure import structure_scores
from napari_dip.noise.bad_pixels import DEAD, HOT, find_bad_pixels
from napari_dip.noise.constants import HOT_ABOVE_MEDIAN, HOT_CONTRAST
from napari_dip.noise.jpeg import jpeg_quality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_dip.noise.model import NoiseModel

__all__ = ["SamplePlane", "findings_of_planes"]

MIN_SATURATED = 3e-3
"""Fraction of the known pixels at the highest value. Frames that their authors scaled so that
2e-3 are saturated do not count [Findings]."""

MIN_DARK_CLIPPED = 0.05
"""Fraction of the known pixels at the lowest value. Not measured."""

MIN_DARK_STEPS = 1.5
"""Grey levels: with weaker noise in the dark, equal values are no sign of clipping. Not
measured."""

MIN_HIGH_FREQUENCIES = 0.04
"""Power of the highest frequencies relative to lower ones; photographs and micrographs have at
least 0.077, interpolated images mostly less than 0.02 [Findings]."""

MIN_BAD_PIXELS = 3
"""Pixels of a plane: fewer may be structure. Not measured."""

MIN_BAD_OF_DETAILS = 0.5
"""Fraction of the pixels that differ as much from those around them: sharp structure has more that
come in groups [Findings]."""

MIN_LINES_OVER_CHANCE, MIN_LINES = 4.0, 0.15
"""Standard deviation of the offsets of rows, as a multiple of that by chance, and in standard
deviations of the noise. Images without row noise have up to 3.0 of the first [Findings]."""

MIN_AMPLITUDE = 0.4
"""Standard deviations of the noise: a weaker periodic pattern is left to the restoration. Without
such noise there were up to 0.33 [Findings]."""

MIN_EQUAL_OVER_CHANCE = 3.0
"""Neighbours with equal values, as a multiple of those by chance. 48 raw images had up to 2.1; 22
of 23 at least 4.0 after a median filter of 3 x 3 pixels [Findings]."""

JPEG_SIDE = 256
"""Pixels: the corner in which blocks of JPEG are searched."""

MIN_SPECTRUM_SIDE = 64
"""Pixels: smaller planes have too few frequencies."""

MIN_PATTERN = 1e-3
"""Fraction of the pixels that is more than noise, if a plane has structure. Not measured."""

TINY_SIGMA = 1e-100
"""Any unit: a standard deviation that stands for 0."""


@dataclass(frozen=True)
class SamplePlane:
    """A plane to search: values in their own dtype, and known pixels that are no padding."""

    values: NDArray[Any]
    known: NDArray[np.bool_]

    @property
    def known_values(self) -> NDArray[Any]:
        """The known values, in a row."""
        return self.values[self.known]

    @property
    def level(self) -> float:
        """The median of the known values."""
        return float(np.median(self.known_values))

    @property
    def filled(self) -> NDArray[np.float64]:
        """The values, with the median in place of unknown ones."""
        return np.where(self.known, self.values.astype(np.float64), self.level)

    def sigma(self, noise: NoiseModel) -> float:
        """Return the standard deviation of the noise at the median; not 0."""
        return max(float(noise.sigma(self.level)), TINY_SIGMA)


def findings_of_planes(
    planes: Sequence[SamplePlane], noise: NoiseModel, *, masked: bool
) -> Iterator[Finding]:
    """Yield what was found in the planes of one channel.

    Parameters
    ----------
    planes
        One or more; what is found in all of them counts, but for saturated pixels.
    noise
        The noise of the channel, estimated from the image.
    masked
        Whether the user marked missing pixels.
    """
    yield from _noise_of_neighbours(noise)
    jpeg = [*_jpeg(planes)]
    if not jpeg:
        yield from _median_filter(planes, noise)
    yield from _clipped(planes, noise)
    yield from _bad_pixels(planes, noise)
    whole = [plane for plane in planes if min(plane.values.shape) >= MIN_SPECTRUM_SIDE]
    if not noise.is_none:
        lines = [*_lines(whole, noise)]
        yield from lines
        strongest = max((each.value for each in lines), default=0.0)
        yield from (each for each in _periodic(whole, noise) if each.value > strongest)
    yield from jpeg
    if not jpeg:
        yield from _cut_spectrum(whole)
    if not noise.is_none:
        yield from _empty(planes, noise, masked=masked)


def _noise_of_neighbours(noise: NoiseModel) -> Iterator[Finding]:
    if noise.correlated:
        along = [each[0] if each else 0.0 for each in noise.correlation]
        yield Finding(
            "correlated noise",
            max(along),
            f"The noise of neighbouring pixels is correlated, by {along[0]:.2f} down and "
            f"{along[1]:.2f} across.",
            "The restoration allows for it, but the raw image is better if this one was scaled, "
            "filtered or compressed.",
        )


def _median_filter(planes: Sequence[SamplePlane], noise: NoiseModel) -> Iterator[Finding]:
    shares = []
    for plane in planes:
        equal, by_chance = repeated_values(plane.values, plane.known)
        bright = float(np.percentile(plane.known_values, 75))
        visible = float(noise.sigma(bright)) > MIN_DARK_STEPS * grey_step(plane.known_values)
        shares.append(equal if visible and equal > MIN_EQUAL_OVER_CHANCE * by_chance else 0.0)
    if min(shares) > 0:
        yield Finding(
            "median filter",
            min(shares),
            f"{100 * min(shares):.2g} % of neighbouring pixels have equal values, as a median "
            "filter leaves them.",
            "The noise cannot be told from the structure any more, and remains in the result: use "
            "the raw image.",
        )


def _clipped(planes: Sequence[SamplePlane], noise: NoiseModel) -> Iterator[Finding]:
    values = [plane.known_values for plane in planes]
    fractions, tops = zip(*map(saturated_fraction, values), strict=True)
    worst = int(np.argmax(fractions))
    if fractions[worst] > MIN_SATURATED:
        yield Finding(
            "saturated",
            fractions[worst],
            f"{100 * fractions[worst]:.2g} % of the pixels are saturated at {tops[worst]:g}.",
            "What they had above it is lost: mark them as missing, or do not measure there.",
        )
    dark = min(map(lowest_fraction, values))
    step = min(map(grey_step, values))
    lowest = min(float(each.min()) for each in values)
    if dark > MIN_DARK_CLIPPED and float(noise.sigma(lowest)) > MIN_DARK_STEPS * step:
        yield Finding(
            "clipped in the dark",
            dark,
            f"{100 * dark:.2g} % of the pixels are clipped at {lowest:g}, below which their noise "
            "would go.",
            "Dark parts are too bright in the image and in the result: record with a higher "
            "offset.",
        )


def _bad_pixels(planes: Sequence[SamplePlane], noise: NoiseModel) -> Iterator[Finding]:
    hot = dead = pixels = 0
    for plane in planes:
        labels = find_bad_pixels(plane.filled.astype(plane.values.dtype)).labels
        labels[~plane.known] = 0
        bad = int(np.isin(labels, (HOT, DEAD)).sum())
        if bad < MIN_BAD_PIXELS or bad < MIN_BAD_OF_DETAILS * _details(plane, noise):
            return
        hot, dead = hot + int((labels == HOT).sum()), dead + int((labels == DEAD).sum())
        pixels += labels.size
    yield Finding(
        "bad pixels",
        (hot + dead) / pixels,
        f"{hot} hot and {dead} dead pixels were found in {pixels} pixels.",
        "Treat them as missing, with bad_pixels='auto', unless your specimen has spots of one "
        "pixel.",
    )


def _details(plane: SamplePlane, noise: NoiseModel) -> int:
    """Count the pixels that differ from the median around them as hot and dead pixels do."""
    values = plane.filled
    median = median_filter(values, 3, mode="mirror")
    low, high = np.percentile(plane.known_values, (0.1, 99.9))
    least = np.maximum(HOT_ABOVE_MEDIAN * noise.sigma(median), HOT_CONTRAST * (high - low))
    return int((np.abs(values - median) > least)[plane.known].sum())


def _lines(planes: Sequence[SamplePlane], noise: NoiseModel) -> Iterator[Finding]:
    for axis, name in enumerate(("rows", "columns")):
        offsets = []
        for plane in planes:
            found, chance = line_noise(plane.filled, axis)
            sigma = plane.sigma(noise)
            certain = found > MIN_LINES_OVER_CHANCE * chance and found > MIN_LINES * sigma
            offsets.append((found if certain else 0.0, sigma))
        if offsets and min(offset for offset, _ in offsets) > 0:
            offset, sigma = max(offsets)
            yield Finding(
                "row noise",
                offset,
                f"The {name} have offsets of their own, with a standard deviation of {offset:.3g} "
                f"({offset / sigma:.2g} times the noise).",
                "The restoration keeps them as stripes: subtract the median of each line's "
                "background, or calibrate the camera.",
            )


def _periodic(planes: Sequence[SamplePlane], noise: NoiseModel) -> Iterator[Finding]:
    found = [(periodic_noise(plane.filled), plane.sigma(noise)) for plane in planes]
    strong = [
        (each, sigma)
        for each, sigma in found
        if each is not None and each.amplitude > MIN_AMPLITUDE * sigma
    ]
    if found and len(strong) == len(found):
        each, sigma = max(strong, key=lambda pair: pair[0].amplitude)
        fy, fx = (abs(frequency) for frequency in each.frequency)
        direction = "down" if fy > 3 * fx else "across" if fx > 3 * fy else "obliquely"
        yield Finding(
            "periodic noise",
            each.amplitude,
            f"A pattern repeats every {each.period:.1f} pixels {direction} in the whole image, "
            f"with an amplitude of {each.amplitude:.3g} ({each.amplitude / sigma:.2g} times the "
            "noise).",
            "The restoration keeps it as structure: remove it first with a notch filter, unless "
            "it is the specimen.",
        )


def _jpeg(planes: Sequence[SamplePlane]) -> Iterator[Finding]:
    corners = [plane.values[:JPEG_SIDE, :JPEG_SIDE] for plane in planes]
    if any(corner.min() < 0 or corner.max() > 255 for corner in corners):
        return
    qualities = [jpeg_quality(corner) for corner in corners]
    if None not in qualities:
        quality = min(each for each in qualities if each is not None)
        yield Finding(
            "jpeg",
            quality,
            f"The image was compressed by JPEG, with a quality of {quality}.",
            "Use the uncompressed image, or artefact='jpeg'.",
        )


def _cut_spectrum(planes: Sequence[SamplePlane]) -> Iterator[Finding]:
    ratios = [
        min(high_frequency_ratio(plane.filled, grey_step(plane.known_values))) for plane in planes
    ]
    if ratios and max(ratios) < MIN_HIGH_FREQUENCIES:
        yield Finding(
            "cut spectrum",
            max(ratios),
            "The finest details are missing: the highest frequencies have "
            + (f"{max(ratios):.1g} of the power of lower ones." if max(ratios) else "no power."),
            "The image was probably scaled, filtered or restored before: use the raw image, or "
            "bin it to its own pixels.",
        )


def _empty(planes: Sequence[SamplePlane], noise: NoiseModel, *, masked: bool) -> Iterator[Finding]:
    for plane in planes:
        unit = (plane.filled - plane.level) / plane.sigma(noise)
        scores = structure_scores(unit, plane.known, noise.correlation)
        if np.mean(scores[plane.known] > 0) > MIN_PATTERN:
            return
    yield Finding(
        "no structure",
        0.0,
        f"The {'known ' * masked}pixels show nothing but noise around {planes[-1].level:.4g}.",
        "The mask may cover the whole object: unmask a part of it."
        if masked
        else "The result will be a flat image: check that it is the right file and channel.",
    )
