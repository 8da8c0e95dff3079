"""The noise of a channel as the image tells it, even if other noise was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.noise.estimate import estimate_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_dip.assess.plane_sample import PlaneSample
    from napari_dip.image.observed import ObservedPart
    from napari_dip.image.problem import Problem
    from napari_dip.noise.model import NoiseModel

__all__ = ["colour_planes", "noise_of_image"]


def noise_of_image(problem: Problem, sample: PlaneSample) -> NoiseModel:
    """Return the noise of a channel as estimated from the image, even if other noise was given."""
    settings = problem.settings
    if settings.noise in ("auto", "gaussian") and not settings.task.removes_jpeg:
        return problem.survey.noises[sample.channel]
    planes = [
        plane
        for part in sample.parts
        for plane in zip(*colour_planes(problem, problem.observed.read(part.index)), strict=True)
    ]
    height, width = np.min([values.shape for values, _ in planes], axis=0)
    values, known = (
        np.stack([each[:height, :width] for each in arrays]) for arrays in zip(*planes, strict=True)
    )
    return estimate_noise(values, known, decimated=settings.task.decimates)


def colour_planes(problem: Problem, part: ObservedPart) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return values and mask of a part of a plane, ``(colours, height, width)``, without alpha."""
    vertical, horizontal = problem.layout.spatial[-2], problem.layout.spatial[-1]
    letters = [letter for letter in problem.layout.axes if letter in (vertical, horizontal, "S")]
    wanted = [letter for letter in ("S", vertical, horizontal) if letter in letters]
    order = [letters.index(letter) for letter in wanted]
    values, known = (each.transpose(order) for each in (part.values, part.known))
    return (values[:3], known[:3]) if "S" in letters else (values[None], known[None])
