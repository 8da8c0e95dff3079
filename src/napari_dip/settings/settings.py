"""Define all settings of a run but the arrays, as one frozen value.

:class:`Settings` is written beside every result, and read to repeat a run. ``None`` means the
default of the preset.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

from napari_dip.errors import BadSettings
from napari_dip.settings.camera import Noise
from napari_dip.settings.frozen import Frozen, describe_errors
from napari_dip.settings.memory_size import checked_memory, to_bytes
from napari_dip.settings.prior import Prior
from napari_dip.settings.stopping import Stopping, read_rule
from napari_dip.settings.task import Task, read_task
from napari_dip.settings.task_table import Denoise
from napari_dip.settings.voxel import Voxel

__all__ = ["PresetName", "Settings"]

PresetName = Literal["fast", "best", "paper"]


def _checked_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]+)?", name):
        raise ValueError("choose 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")
    return name


def _checked_axes(axes: str | None) -> str | None:
    if axes is None:
        return None
    axes = axes.upper()
    if set(axes) - set("TCZYXSQ"):
        raise ValueError("name each axis by one of the letters T, C, Z, Y, X, S and Q")
    if not {"Y", "X"} <= set(axes):
        raise ValueError("Y and X are missing; name both")
    if any(axes.count(letter) > 1 for letter in "TCZYXS"):
        raise ValueError("name each of T, C, Z, Y, X and S at most once")
    return axes


MAX_ITERATIONS = 10**7
"""Iterations: 100 times a long run; more is taken for a typing error."""


def _by_name(field: str) -> BeforeValidator:
    """Accept a name, such as ``"unet"``, in place of ``{"network": "unet"}``."""
    return BeforeValidator(lambda value: {field: value} if isinstance(value, str) else value)


class Settings(Frozen):
    """All settings of a run but the arrays.

    Parameters
    ----------
    task
        :class:`Denoise`, :class:`SuperResolve` or :class:`Inpaint`, or its name.
    preset
        ``"fast"`` fits one small network and stops automatically. ``"best"`` averages several fits
        and takes several times as long. ``"paper"`` is the published method (Ulyanov, Vedaldi and
        Lempitsky, IJCV 2020), with its networks, learning rates and numbers of iterations.
    iterations
        Maximum number of iterations for one plane; ``None`` is the preset's number for the task. If
        an image is denoised before super-resolution, the number applies to each of the two fits.
    noise
        ``"auto"`` estimates from the image how the noise depends on the intensity, ``"gaussian"``
        estimates noise that is equal everywhere. A number is its standard deviation in the units of
        the image, a :class:`SensorNoise` describes the camera, another :class:`GivenNoise` is noise
        of your own, ``"none"`` means no noise. Images are denoised before super-resolution along Y
        and X.
    bad_pixels
        ``"auto"`` treats hot and dead pixels as missing, so that they are filled from their
        surroundings. They differ from all their neighbours by more than the noise and a sharp spot
        do: spots of the specimen that are narrower than 1.5 pixels may be taken for them.
        ``"keep"`` restores them as structure.
    members
        Number of fits with different random numbers that are averaged.
    uncertainty
        Whether to compute the uncertainty of the result, which takes two further fits. ``None``
        computes it for the preset ``best``.
    refinement
        Number of passes of the non-local Bayes filter after denoising or inpainting; 0 returns the
        result of the network.
    prior, stopping, averaging
        Changes to the preset. ``prior`` can be the name of a network, ``stopping`` that of a rule.
        ``averaging`` is the weight of the past in the exponential average of the outputs, 0 for no
        average.
    ndim
        2 restores each plane; 3 restores Z, Y and X as one volume. Super-resolution along Z
        restores sections of Z and X in place of planes.
    voxel
        Size of a voxel along Z, Y and X, all in one unit. With ``ndim=3``, the network halves Z
        only when Y and X are as coarse. ``None`` takes it from the file or the layer; for an array
        it is isotropic.
    share
        The axis along which neighbouring planes share a network. This is faster, and better where
        planes are similar. ``"auto"`` is Z or else T, and Y for sections of Z and X. ``"C"``
        restores the channels of a plane together, each with its own scale and noise, but planes
        separately: in half the time, and better where the channels show the same structures.
    window, context
        Maximum number of planes that share a network (1: each has its own), and number of further
        planes on either side that are fitted with them.
    tile, overlap
        Side of the tiles into which a large plane is split, and overlap of neighbouring tiles, in
        pixels. ``None`` uses tiles if the memory is too small for a plane.
    memory
        Maximum memory of the process, such as ``"4GB"``; ``None`` is the free memory.
    at_once
        Number of concurrent planes, or of concurrent fits of a single plane. ``None`` is one for
        each thread of the CPU, and as many as fill a GPU.
    axes
        One letter of ``TCZYXSQ`` for each axis of the image; ``None`` guesses them from the shape.
    dtype
        ``"keep"`` returns the dtype of the input, ``"float32"`` avoids the rounding.
    conserve_total
        Whether each plane (or volume) of a channel has the total intensity of the image in its
        known pixels; a constant is added to it before it is rounded. Padding and filled pixels do
        not count. Integers have the exact sum, finer pixels the same mean.
    seed
        Seed of all random numbers. The same seed gives the same bytes on the same CPU; the sums of
        a GPU have no fixed order.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    precision
        ``"float32"``, or ``"bfloat16"`` for the convolutions alone. ``None`` takes the faster one
        on this machine, for ``"paper"`` always float32.
    preview_every_s
        Minimum time between two previews, in seconds.

    Raises
    ------
    BadSettings
        If a value is out of range or a name is unknown.

    Examples
    --------
    >>> settings = Settings(task="inpaint", preset="paper", seed=1)
    >>> settings.replace(seed=2).seed
    2
    >>> Settings.from_json(settings.to_json()) == settings
    True
    """

    task: Annotated[SerializeAsAny[Task], BeforeValidator(read_task)] = Denoise()
    preset: PresetName = "fast"
    iterations: int | None = Field(None, ge=1, le=MAX_ITERATIONS)
    noise: Noise = "auto"
    bad_pixels: Literal["keep", "auto"] = "keep"
    members: int | None = Field(None, ge=1, le=64)
    uncertainty: bool | None = None
    refinement: int | None = Field(None, ge=0, le=10)
    prior: Annotated[Prior, _by_name("network")] = Prior()
    stopping: Annotated[SerializeAsAny[Stopping] | None, BeforeValidator(read_rule)] = None
    averaging: float | None = Field(None, ge=0, lt=1)
    ndim: Literal[2, 3] = 2
    voxel: Voxel | None = None
    share: Literal["auto", "none", "Z", "T", "C"] = "auto"
    window: int | None = Field(None, ge=1, le=256)
    context: int | None = Field(None, ge=0, le=64)
    tile: int | None = Field(None, ge=64, le=2**20)
    overlap: int = Field(32, ge=0, le=2**20)
    memory: Annotated[str | None, AfterValidator(checked_memory)] = None
    at_once: int | None = Field(None, ge=1, le=64)
    axes: Annotated[str | None, AfterValidator(_checked_axes)] = None
    dtype: Literal["keep", "float32"] = "keep"
    conserve_total: bool = False
    seed: int = Field(0, ge=0, lt=2**63)
    device: Annotated[str, AfterValidator(_checked_device)] = "auto"
    precision: Literal["float32", "bfloat16"] | None = None
    preview_every_s: float = Field(1.0, ge=0, le=1e9)

    @model_validator(mode="after")
    def _tiles_advance(self) -> Self:
        if self.tile is not None and 2 * self.overlap >= self.tile:
            raise ValueError(
                f"overlap={self.overlap} is not below half of tile={self.tile}; give a larger "
                "tile, or a smaller overlap"
            )
        return self

    @model_validator(mode="after")
    def _sections_share_along_y(self) -> Self:
        if self.share == "Z" and self.fits_sections:
            raise ValueError("share='Z' cannot be used when Z is super-resolved; use share='auto'")
        return self

    @model_validator(mode="after")
    def _no_fit_without_network(self) -> Self:
        if self.prior.network != "none":
            return self
        if self.task.needs_network:
            raise ValueError(
                f"prior='none' is the patch filter alone, which cannot {self.task.kind}; use "
                "task='denoise'"
            )
        if self.preset == "paper" or self.refinement == 0:
            raise ValueError(
                "prior='none' leaves only the patch filter, and it is switched off; use "
                "preset='fast', and leave out refinement"
            )
        of_fits = ("iterations", "members", "stopping", "averaging")
        if given := [name for name in of_fits if getattr(self, name) is not None]:
            raise ValueError(f"prior='none' fits nothing; leave out {', '.join(given)}")
        return self

    @property
    def spatial(self) -> str:
        """Letters of the axes that are fitted together, Z first."""
        return "ZYX" if self.ndim == 3 else "ZX" if self.is_axial else "YX"

    @property
    def is_axial(self) -> bool:
        """Whether Z alone is refined."""
        return self.task.axial

    @property
    def fits_sections(self) -> bool:
        """Whether sections of Z and X are fitted, in place of planes or volumes."""
        return "Y" not in self.spatial

    @property
    def factors(self) -> dict[str, int]:
        """Ratio of the size of the result to that of the image, for each axis of :attr:`spatial`.

        Raises
        ------
        BadSettings
            If the factor is ``"isotropic"``, and the voxel size is unknown, isotropic already, or
            needs a factor above 8.

        Examples
        --------
        >>> task = {"kind": "super-resolve", "factor": "isotropic"}
        >>> Settings(task=task, voxel=(4, 0.83, 0.83)).factors
        {'Z': 5, 'X': 1}
        """
        return self.task.factors(self.spatial, self.voxel)

    @property
    def keeps_known(self) -> bool:
        """Whether the known pixels are returned unchanged."""
        return self.task.keeps_known

    @property
    def gives_uncertainty(self) -> bool:
        """Whether the uncertainty of the result is computed."""
        return self.preset == "best" if self.uncertainty is None else self.uncertainty

    @property
    def memory_bytes(self) -> int | None:
        """The maximum memory in bytes; ``None`` if it is not limited."""
        return None if self.memory is None else to_bytes(self.memory)

    def with_voxel(self, voxel: Voxel | None) -> Self:
        """Return settings with this voxel size, if one is needed and none is set."""
        needed = "Z" in self.spatial and self.voxel is None and voxel is not None
        return self.replace(voxel=voxel) if needed else self

    def changes(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults, as keywords of a task's function.

        Those of the task come first; ``preset`` and ``seed`` count as settings like others.

        Examples
        --------
        >>> Settings(task={"kind": "super-resolve", "factor": 3}, seed=1).changes()
        {'factor': 3, 'seed': 1}
        """
        defaults = type(self.task).model_fields
        of_task = {name: value for name, value in self.task if value != defaults[name].default}
        default = type(self)()
        changed = {
            name: value
            for name, value in self
            if name != "task" and value != getattr(default, name)
        }
        if self.stopping is not None and not self.stopping.model_dump(exclude_defaults=True):
            changed["stopping"] = self.stopping.rule
        return of_task | {
            name: value.model_dump() if hasattr(value, "model_dump") else value
            for name, value in changed.items()
        }

    def replace(self, **changes: Any) -> Self:
        """Return a copy with changed values, which are checked."""
        return type(self)(**(dict(self) | changes))

    def to_json(self) -> str:
        """Write the settings as JSON text."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        BadSettings
            If the text is not JSON, or a setting in it is invalid.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BadSettings(describe_errors(error, cls.model_fields)) from None
