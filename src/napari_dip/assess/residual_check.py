"""Check the residual of a restoration: whether it is noise, and where it is structure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_dip.assess.channel_residual import ChannelResidual, judge
from napari_dip.assess.compared_planes import compared_planes
from napari_dip.assess.noise_of_image import noise_of_image
from napari_dip.assess.plane_sample import sample_planes
from napari_dip.assess.residual import residual_of
from napari_dip.assess.residual_statistics import (
    expected_correlation,
    intensity_groups,
    measure_plane,
    pooled,
)
from napari_dip.assess.section import Picture, sentences_by_channel
from napari_dip.assess.structure import NEIGHBOURS
from napari_dip.noise.padding import without_padding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_dip.assess.channel_residual import Verdict
    from napari_dip.assess.plane_sample import PartOfPlane, PlaneSample
    from napari_dip.assess.residual_statistics import Plane
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem
    from napari_dip.noise.model import NoiseModel

__all__ = ["ResidualCheck", "check_residual"]


@dataclass(frozen=True)
class ResidualCheck:
    """What the residual tells about a restored image; a section of a report.

    Attributes
    ----------
    channels
        One for each channel.
    residual_picture, structure_picture
        The part with the strongest structure: the residual in standard deviations of the noise, and
        the scores of the pixels with structure. ``None`` if there is no noise.
    """

    heading: ClassVar[str] = "Residual"
    channels: tuple[ChannelResidual, ...]
    residual_picture: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    structure_picture: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all channels."""
        order: tuple[Verdict, ...] = ("structure", "noise left", "unknown", "noise", "unchanged")
        return next(kind for kind in order if kind in {each.verdict for each in self.channels})

    def sentences(self) -> tuple[str, ...]:
        """Return the verdict first, then its numbers; of several channels, the worst first."""
        first = next(each for each in self.channels if each.verdict == self.verdict)
        ordered = [first, *(each for each in self.channels if each is not first)]
        return sentences_by_channel(
            {each.channel: (each.sentence(), *each.details()) for each in ordered}
        )

    def warnings(self) -> tuple[str, ...]:
        """Return the verdict if structure was smoothed away, or noise left."""
        return self.sentences()[:1] if self.verdict in ("structure", "noise left") else ()

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers."""
        return {"verdict": self.verdict, "channels": [asdict(each) for each in self.channels]}

    def pictures(self) -> tuple[Picture, ...]:
        """Return the residual of a plane, and where it is structure."""
        if self.residual_picture is None or self.structure_picture is None:
            return ()
        top = max(5.0, float(np.nanmax(self.structure_picture)))
        name = "Residual, in standard deviations of the noise"
        return (
            Picture(name, self.residual_picture, (-4.0, 4.0), diverging=True),
            Picture(
                "Structure in the residual, in standard deviations",
                self.structure_picture,
                (0.0, top),
            ),
        )


def check_residual(
    problem: Problem, restored: ArrayLike | LazyArray, *, residual: LazyArray | None = None
) -> ResidualCheck:
    """Check whether the residual of a restored image is noise, and find where it is structure.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored
        The result, with the axes of the image, and ``problem.factors`` times as long.
    residual
        Its :func:`residual_of`, if that is known.

    Returns
    -------
    ResidualCheck
        A verdict with its numbers for each channel.

    Raises
    ------
    BadImage
        If the restored image has another shape than the problem asks for.

    Notes
    -----
    The residual is compared with the noise that is estimated from the image, even if other noise
    was given. At most eight parts of 1024 x 1024 pixels of a channel are read, evenly spaced. Rates
    of false alarms and of detection are in ``benchmarks/NOTES.md``, "Residual".

    Examples
    --------
    >>> from napari_dip import Settings, problem
    >>> clean = 100 + 50 * np.sin(np.arange(96) / 4) * np.ones((96, 1))
    >>> noisy = clean + np.random.default_rng(0).normal(0, 5, clean.shape)
    >>> asked = problem(noisy, Settings(device="cpu"))
    >>> check_residual(asked, clean).verdict
    'noise'
    >>> check_residual(asked, np.full(clean.shape, 100.0)).verdict
    'structure'
    >>> check_residual(asked, 0.8 * noisy + 0.2 * clean).verdict
    'noise left'
    """
    residual = residual_of(problem, restored) if residual is None else residual
    checks: list[ChannelResidual] = []
    clearest: Plane | None = None
    for sample in sample_planes(problem.layout):
        noise = noise_of_image(problem, sample)
        planes = [
            (part, plane)
            for part in sample.parts
            for plane in _planes(problem, part, residual, noise)
        ]
        checks.append(_channel(problem, sample, noise, planes))
        for _, plane in planes:
            if clearest is None or plane.structured > clearest.structured:
                clearest = plane
    if clearest is None:
        return ResidualCheck(tuple(checks))
    return ResidualCheck(tuple(checks), clearest.residual, clearest.scores)


def _planes(
    problem: Problem, part: PartOfPlane, residual: LazyArray, noise: NoiseModel
) -> Iterator[Plane]:
    """Yield the statistics of a part of a plane, or of each of its colours."""
    for plane in compared_planes(problem, part.index, residual):
        counted = plane.compared & without_padding(plane.image, plane.known)
        if counted.any():
            image = np.where(plane.compared, plane.image, 0).astype(np.float64)
            yield measure_plane(image, plane.residual, counted, noise)


def _channel(
    problem: Problem,
    sample: PlaneSample,
    noise: NoiseModel,
    measured: Sequence[tuple[PartOfPlane, Plane]],
) -> ChannelResidual:
    """Combine the statistics of the planes of a channel, and judge them."""
    planes = [plane for _, plane in measured]
    names = (*problem.layout.spatial[-2:], *list(NEIGHBOURS)[2:])
    if not planes:
        return _nothing(sample, names)
    pixels = sum(plane.pixels for plane in planes)
    mean = sum(plane.total for plane in planes) / pixels
    sigma = math.sqrt(max(0.0, sum(plane.squares for plane in planes) / pixels - mean**2))
    correlation, error = pooled(planes)
    expected = expected_correlation(noise.correlation)
    numbers = ChannelResidual(
        channel=sample.channel,
        verdict="unchanged" if sigma == mean == 0 else "unknown",
        pixels=pixels,
        mean=mean,
        mean_error=sigma / math.sqrt(pixels),
        sigma=sigma,
        correlation=dict(zip(names, correlation, strict=True)),
        expected=dict(zip(names, expected, strict=True)),
        correlation_error=error,
        sample=sample.describe(),
    )
    if noise.is_none or numbers.verdict == "unchanged":
        return numbers
    intensity, shift, variance = intensity_groups(planes)
    strongest, score = _strongest(problem, measured)
    numbers = replace(
        numbers,
        noise_sigma=float(np.sqrt(np.mean(np.square(noise.sigma(intensity))))),
        intensity=tuple(intensity.tolist()),
        shift=tuple(shift.tolist()),
        variance=tuple(variance.tolist()),
        largest_variance=float(np.mean([plane.largest_variance for plane in planes])),
        structured=sum(plane.structured for plane in planes) / pixels,
        strongest=strongest,
        score=score,
    )
    return replace(numbers, verdict=judge(numbers, decimated=problem.settings.task.decimates))


def _nothing(sample: PlaneSample, names: Sequence[str]) -> ChannelResidual:
    """Return the numbers of a channel without a restored pixel."""
    zeros = dict.fromkeys(names, 0.0)
    return ChannelResidual(
        sample.channel, "unchanged", 0, 0.0, 0.0, 0.0, zeros, zeros, 0.0, sample.describe()
    )


def _strongest(
    problem: Problem, measured: Sequence[tuple[PartOfPlane, Plane]]
) -> tuple[dict[str, int] | None, float]:
    """Return the pixel with the strongest structure, and its score."""
    part, plane = max(measured, key=lambda each: np.nanmax(_scores(each[1])))
    scores = _scores(plane)
    score = float(np.nanmax(scores))
    if score == 0:
        return None, 0.0
    down, right = np.unravel_index(int(np.nanargmax(scores)), scores.shape)
    vertical, horizontal = problem.layout.spatial[-2], problem.layout.spatial[-1]
    within = {vertical: int(down), horizontal: int(right)}
    place = {letter: at + within.get(letter, 0) for letter, at in part.start.items()}
    return {letter: at for letter, at in place.items() if letter != "C"}, score


def _scores(plane: Plane) -> NDArray[np.float32]:
    assert plane.scores is not None, "the noise is known"
    return plane.scores
