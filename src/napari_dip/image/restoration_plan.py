"""The plan of a restoration: what was measured, and the steps that follow, before any runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_dip.image.arguments import problem_from_python
from napari_dip.image.forecast import expected_seconds, is_noisy, start_seconds
from napari_dip.image.plan_text import doing, duration
from napari_dip.image.replicas import SENTENCE
from napari_dip.image.unit import make_block, unrestored_unit
from napari_dip.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from napari_dip.image.plan import Unit
    from napari_dip.image.problem import Problem
    from napari_dip.noise.model import NoiseModel
    from napari_dip.pipeline.resolve import Pipeline

__all__ = ["RestorationPlan", "plan", "plan_of"]


@dataclass(frozen=True)
class RestorationPlan:
    """What a restoration does, decided before it runs.

    ``str`` gives it as text.

    Parameters
    ----------
    task
        What is done, with which preset, in words.
    parts
        How the image is divided, in words.
    noise
        The noise model of each channel, in the units of the image.
    stages
        The steps of each stage. They are those of the first part that is restored; others differ
        where pixels are missing or planes moved.
    seconds
        A rough estimate of the time, good to a factor of about 1.5.
    device
        Where it would run.
    uncertainty
        Whether the uncertainty is computed.
    psf
        The point spread function in words; empty without one.
    """

    task: str
    parts: str
    noise: tuple[NoiseModel, ...]
    stages: tuple[Pipeline, ...]
    seconds: float
    device: str
    uncertainty: bool = False
    psf: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of all stages, a sentence each."""
        steps = tuple(sentence for stage in self.stages for sentence in stage.sentences())
        return (*steps, SENTENCE) if steps and self.uncertainty else steps

    def __str__(self) -> str:
        noises = dict.fromkeys(noise.describe() for noise in self.noise)
        steps = self.steps or ("Leave the image unchanged: there is nothing to restore.",)
        return "\n".join(
            [
                f"Task: {self.task}.",
                f"Image: {self.parts}.",
                f"Noise: {'; '.join(noises)}.",
                *([f"Point spread function: {self.psf}."] if self.psf else []),
                *(f"{number:2}. {sentence}" for number, sentence in enumerate(steps, start=1)),
                f"Time: about {duration(self.seconds)} on {self.device}.",
            ]
        )


def plan(
    image: ArrayLike,
    settings: Settings | None = None,
    *,
    mask: ArrayLike | None = None,
    psf: ArrayLike | None = None,
    axes: str | None = None,
    mask_axes: str | None = None,
    psf_axes: str | None = None,
) -> RestorationPlan:
    """Survey an image, and return what :func:`restore` would do to it.

    Parameters
    ----------
    image, settings, mask, psf, axes, mask_axes, psf_axes
        As in :func:`~napari_dip.image.restore.restore`.

    Raises
    ------
    BadImage, BadMask, BadSettings, DeviceUnavailable
        As :func:`~napari_dip.image.restore.restore`.

    Examples
    --------
    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(100, 5, (32, 32))
    >>> plan(noisy, Settings(device="cpu", noise=5.0)).steps[-1]
    'Filter groups of similar patches, 2 passes.'
    """
    problem = problem_from_python(
        image,
        settings or Settings(),
        mask=mask,
        psf=psf,
        axes=axes,
        mask_axes=mask_axes,
        psf_axes=psf_axes,
        stacklevel=3,
    )
    return plan_of(problem)


def plan_of(problem: Problem) -> RestorationPlan:
    """Return the plan of a problem: its first part is read."""
    settings = problem.settings
    missing, noisy = problem.observed.missing, is_noisy(problem.survey)
    pipelines = (found for unit in problem.plan.units if (found := _pipelines(problem, unit)))
    return RestorationPlan(
        f"{doing(settings)}, preset {settings.preset}",
        str(problem),
        problem.survey.noises,
        next(pipelines, ()),
        expected_seconds(problem.plan, settings, problem.device, missing, noisy=noisy)
        + start_seconds(),
        problem.device,
        settings.gives_uncertainty,
        "" if problem.blur is None else problem.blur.describe(),
    )


def _pipelines(problem: Problem, unit: Unit) -> tuple[Pipeline, ...]:
    """Return the pipeline of each stage of a unit; none where there is nothing to restore."""
    from napari_dip.pipeline.restore_block import pipeline_of
    from napari_dip.pipeline.stages import stages

    observed, scale = problem.observed.read(unit.input_index), problem.scale(unit)
    if scale is None or unrestored_unit(problem, unit, observed) is not None:
        return ()
    block = make_block(problem, unit, observed, scale)
    return tuple(pipeline_of(*stage) for stage in stages(block, problem.settings))
