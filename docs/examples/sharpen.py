"""A task in a package of its own: sharpen images that a Gaussian of known width blurred."""

from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from napari_dip.dip.operators import Blur
from napari_dip.image.api import run_task
from napari_dip.pipeline.fast_recipes import fast_recipe_of_task
from napari_dip.pipeline.observation import forward_operator
from napari_dip.settings import Denoise, Task, TaskSpec, register_task


class Sharpen(Task):
    """Remove the blur of a Gaussian: y = B x + n."""

    mixes_pixels: ClassVar[bool] = True
    kind: Literal["sharpen"] = "sharpen"
    width: float = Field(1.0, gt=0, le=5)
    """Standard deviation of the blur, in pixels."""

    def details(self, factors: Any) -> str:
        return f"(width {self.width:g})"

    def observation(self, factors: Any) -> str:
        return f"blurred by a Gaussian of {self.width:g} pixels"


def sharpen(image: Any, **settings: Any) -> Any:
    return run_task(image, Sharpen, settings)


register_task(
    TaskSpec(
        Sharpen,
        summary="Remove the blur of a Gaussian from an image.",
        doing="sharpening",
        done="sharpened",
        panel="Sharpen",
        function="sharpen.sharpen",
    )
)
fast_recipe_of_task.register(Sharpen, fast_recipe_of_task.dispatch(Denoise))


@forward_operator.register(Sharpen)
def gaussian_blur(task: Sharpen, psf: Any, factors: tuple[int, ...], device: torch.device) -> Blur:
    x = np.arange(-15, 16)
    line = np.exp(-(x**2) / (2 * task.width**2)).astype(np.float32)
    plane = np.multiply.outer(line, line)
    return Blur(torch.from_numpy(plane / plane.sum()).to(device))
