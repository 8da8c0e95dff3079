"""Search an image for what its user should know before it is restored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_dip.assess.finding import Finding, Findings
from napari_dip.assess.noise_of_image import colour_planes, noise_of_image
from napari_dip.assess.plane_findings import SamplePlane, findings_of_planes
from napari_dip.assess.plane_sample import middle_of, sample_planes
from napari_dip.assess.series_findings import MIN_FRAMES, findings_of_frames
from napari_dip.noise.padding import without_padding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_dip.assess.plane_sample import PlaneSample
    from napari_dip.image.problem import Problem
    from napari_dip.noise.model import NoiseModel

__all__ = ["Finding", "Findings", "findings"]

MAX_PLANES = 2
"""Parts of a channel that are searched, so that a panel can wait for it."""

MAX_SIDE = 512
"""Pixels: side of the middle of a larger part that is searched."""

MAX_FRAMES = 8
"""Frames that are compared, evenly spaced."""

MAX_FRAME_SIDE = 256
"""Pixels: side of the middle of a larger frame."""

MIN_KNOWN = 100
"""Pixels: planes with fewer known ones are not searched."""


def findings(problem: Problem) -> Findings:
    """Search an image for what its user should know before it is restored.

    Correlated noise, saturated and clipped pixels, compression by JPEG, images that were
    interpolated or filtered, median filters, no structure, hot and dead pixels, row noise and
    periodic noise; bleaching and drift of a time-lapse. At most the middle 512 x 512 pixels of two
    planes of a channel are searched, and eight frames of a time-lapse.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`.

    Returns
    -------
    Findings
        Empty for an ordinary image. Rates of false alarms are in ``benchmarks/NOTES.md``,
        "Findings".

    Examples
    --------
    >>> from napari_dip import Settings, problem
    >>> spot = np.exp(-np.square(np.indices((96, 96)) - 48).sum(axis=0) / 200)
    >>> image = 100 + 80 * spot + np.random.default_rng(0).normal(0, 5, (96, 96))
    >>> bool(findings(problem(image, Settings(device="cpu"))))
    False
    >>> striped = image + 6 * np.sin(np.arange(96) * 2 * np.pi / 6)
    >>> findings(problem(striped, Settings(device="cpu"))).found[0].kind
    'periodic noise'
    """
    found: list[Finding] = []
    several = problem.layout.channels > 1
    for sample in sample_planes(problem.layout):
        noise = noise_of_image(problem, sample)
        own = [*_in_planes(problem, sample, noise), *_in_time(problem, sample.channel)]
        name = f"Channel {sample.channel}: " if several else ""
        found += [replace(each, sentence=f"{name}{each.sentence}") for each in own]
    return Findings(tuple(found))


def _in_planes(problem: Problem, sample: PlaneSample, noise: NoiseModel) -> Iterator[Finding]:
    """Search planes in the middle of the image."""
    middle = (len(sample.parts) - 1) / 2
    nearest = sorted(sample.parts, key=lambda part: abs(sample.parts.index(part) - middle))
    planes = []
    for part in nearest[:MAX_PLANES]:
        values, known = colour_planes(problem, problem.observed.read(part.index))
        green = len(values) // 2
        inner = tuple(middle_of(side, MAX_SIDE) for side in values.shape[1:])
        plane = values[green], known[green] & without_padding(values[green], known[green])
        values_inside, known_inside = (each[inner] for each in plane)
        if known_inside.sum() >= MIN_KNOWN and np.ptp(values_inside[known_inside]) > 0:
            planes.append(SamplePlane(values_inside, known_inside))
    if planes:
        masked = problem.observed.missing is not None
        yield from findings_of_planes(planes, noise, masked=masked)


def _in_time(problem: Problem, channel: int) -> Iterator[Finding]:
    """Search frames that are evenly spaced in time, in the middle of all other axes."""
    layout = problem.layout
    axes = layout.axes
    if "T" not in axes or layout.shape[axes.index("T")] < MIN_FRAMES or layout.is_section:
        return
    count = layout.shape[axes.index("T")]
    numbers = np.linspace(0, count - 1, min(count, MAX_FRAMES)).round().astype(int)
    chosen: list[int | slice] = []
    for letter, size in zip(axes, layout.shape, strict=True):
        if letter in "YX":
            chosen.append(middle_of(size, MAX_FRAME_SIDE))
        else:
            chosen.append(slice(None) if letter == "S" else channel if letter == "C" else size // 2)
    frames, masks = [], []
    for number in numbers:
        chosen[axes.index("T")] = int(number)
        values, known = colour_planes(problem, problem.observed.read(tuple(chosen)))
        frames.append(values[len(values) // 2].astype(np.float64))
        masks.append(known[len(values) // 2])
    yield from findings_of_frames(np.stack(frames), np.stack(masks), count)
