"""Make the layer of a residual: what a restoration removed, in the units of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.plugin.models.layer_output import shifted_placement

if TYPE_CHECKING:
    from napari_dip.assess.residual_check import ResidualCheck
    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.problem import Problem
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.plugin.models.layer_output import LayerData

__all__ = ["ResidualLayer", "residual_layer"]

COLORMAP = "PiYG"  # the diverging one of napari's list: neutral at 0

SHOWN_SIGMAS = 4.0  # standard deviations: 0.006 % of normal noise is beyond them


@dataclass(frozen=True)
class ResidualLayer:
    """The layer of a residual, and the check of the residual."""

    data: LayerData
    check: ResidualCheck


def residual_layer(problem: Problem, restored: LazyArray, shown: LayerInput) -> ResidualLayer:
    """Compute and check the residual of a result; slow, for a worker thread.

    It is lazy if the result is. Of colours, it is the mean.

    Parameters
    ----------
    problem
        The input of the run.
    restored
        The result, with the axes of the problem.
    shown
        The layer of the result.
    """
    from napari_dip.assess.residual import residual_of
    from napari_dip.assess.residual_check import check_residual

    check = check_residual(problem, restored)
    residual: Any = residual_of(problem, restored)
    if isinstance(shown.data, np.ndarray) or shown.rgb:
        residual = np.asarray(residual)
    if shown.rgb:
        residual = residual.mean(axis=-1)
    limit = SHOWN_SIGMAS * max(channel.sigma for channel in check.channels) or 1.0
    axes = problem.layout.axes.replace("S", "")
    factors = np.array([problem.factors.get(axis, 1) for axis in axes], float)
    keywords = {
        "name": f"{shown.name}, residual",
        "rgb": False,
        "colormap": COLORMAP,
        "contrast_limits": (-limit, limit),
        **shown.placement,
        **_coarsened(shown.placement, factors),
        "metadata": {"napari-dip residual": check.as_dict()},
    }
    return ResidualLayer((residual, keywords, "image"), check)


def _coarsened(placement: dict[str, Any], factors: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return scale and translation of the input pixels: each covers ``factors`` of the result."""
    moved = shifted_placement(placement, (factors - 1) / 2)
    return {"scale": placement["scale"] * factors, "translate": moved["translate"]}
