"""What was asked, as frozen values.

A :class:`Settings` says everything about a run but the arrays: it is written next to every result
and read back to repeat it. ``None`` means "as the preset has it" throughout.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from napari_dip.errors import BadSettings
from napari_dip.settings.camera import Noise
from napari_dip.settings.frozen import Frozen, in_words
from napari_dip.settings.memory import checked_memory, to_bytes
from napari_dip.settings.prior import Prior
from napari_dip.settings.stopping import Stopping
from napari_dip.settings.task import Denoise, Inpaint, SuperResolve, Task
from napari_dip.settings.voxel import Voxel, isotropic_factor

__all__ = ["PresetName", "Settings"]

PresetName = Literal["fast", "best", "paper"]


def _known_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]+)?", name):
        raise ValueError("choose 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")
    return name


def _known_axes(axes: str | None) -> str | None:
    if axes is None:
        return None
    axes = axes.upper()
    if set(axes) - set("TCZYXSQ"):
        raise ValueError("name each axis by one of the letters T, C, Z, Y, X, S and Q")
    if not {"Y", "X"} <= set(axes):
        raise ValueError("the axes Y and X must be among them")
    if any(axes.count(letter) > 1 for letter in "TCZYXS"):
        raise ValueError("each of T, C, Z, Y, X and S may stand but once")
    return axes


_MOST_ITERATIONS = 10**7
"""A hundred times what anybody needs: more is a slip of the finger."""


def _by_name(field: str) -> BeforeValidator:
    """Let ``"held-out"`` stand for ``{"rule": "held-out"}``."""
    return BeforeValidator(lambda value: {field: value} if isinstance(value, str) else value)


class Settings(Frozen):
    """Everything that was asked of a run, but for the arrays.

    Parameters
    ----------
    task
        :class:`Denoise`, :class:`SuperResolve` or :class:`Inpaint`; its name alone will do.
    preset
        ``"fast"`` stops by itself within a minute or so, ``"best"`` takes several times as long
        and averages several fits; ``"paper"`` is the method as published (Ulyanov, Vedaldi and
        Lempitsky, IJCV 2020), with its network, rates and numbers of iterations.
    iterations
        The most iterations of one plane; ``None`` is the preset's number for the task. Where noise
        is taken out before pixels are refined, each of the two may take so many.
    noise
        ``"auto"`` estimates from the image how the noise depends on the intensity,
        ``"gaussian"`` takes it as the same everywhere; a number is its standard deviation in
        the image's own units, a :class:`SensorNoise` what is known of the camera; ``"none"`` says
        that there is none. What is to be super-resolved along Y and X is denoised first.
    members
        How many fits, each with other random numbers, are averaged; their spread is the
        uncertainty of the result.
    refinement
        How often a denoised or inpainted image is refined by a filter that compares patches;
        0 leaves what the network made as it is.
    prior, stopping, averaging
        What to change in the preset. ``averaging`` is the weight of the past in the exponential
        average of the outputs, 0 for none. ``prior`` takes a network's name, ``stopping`` a
        rule's.
    ndim
        2 restores plane by plane; 3 takes Z, Y and X as one volume. Super-resolution along Z
        takes sections of Z and X in place of planes.
    voxel
        Sizes of a voxel along Z, Y and X, in any unit: with ``ndim=3`` the network then coarsens Z
        only when Y and X have become as coarse. ``None`` is what the file or the layer says, and a
        cube for an array.
    share
        The axis along which neighbouring planes share a network, which is faster and better than
        plane by plane where they are alike; ``"auto"`` is Z or else T, and Y for sections of Z
        and X. ``"C"`` restores the
        channels of a plane jointly, each with its own scale and noise, and planes one by one: in
        half the time, and better where the channels show the same things.
    window, context
        How many planes are restored together at most (1: each by itself), and how many more are
        looked at on either side.
    tile, overlap
        The side of the tiles in which a large plane is restored, and what neighbours share, in
        pixels; ``None`` chooses tiles where the memory does not do.
    memory
        What the process may take at most, such as ``"4GB"``; ``None`` is what is free.
    at_once
        How many planes, or else fits of a single one, are computed at the same time; ``None`` is
        one for each thread of the CPU, and as many as fill a GPU.
    axes
        One letter of ``TCZYXSQ`` for each axis of the image; ``None`` guesses from the shape.
    dtype
        ``"keep"`` returns the input's dtype, ``"float32"`` spares the rounding.
    seed
        The same seed gives the same bytes on the same CPU; a GPU adds in changing order.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    precision
        ``"float32"``, or ``"bfloat16"`` for the convolutions alone; ``None`` takes, except for
        ``"paper"``, what is faster on this machine.
    preview_every_s
        The least time in seconds between two pictures of the unfinished result.

    Raises
    ------
    BadSettings
        If a value is out of range or a name is not known.

    Examples
    --------
    >>> settings = Settings(task=SuperResolve(factor=4), preset="paper", seed=1)
    >>> settings.replace(seed=2).seed
    2
    >>> Settings.from_json(settings.to_json()) == settings
    True
    """

    task: Annotated[Task, _by_name("kind")] = Denoise()
    preset: PresetName = "fast"
    iterations: int | None = Field(None, ge=1, le=_MOST_ITERATIONS)
    noise: Noise = "auto"
    members: int | None = Field(None, ge=1, le=64)
    refinement: int | None = Field(None, ge=0, le=10)
    prior: Annotated[Prior, _by_name("network")] = Prior()
    stopping: Annotated[Stopping | None, _by_name("rule")] = None
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
    axes: Annotated[str | None, AfterValidator(_known_axes)] = None
    dtype: Literal["keep", "float32"] = "keep"
    seed: int = Field(0, ge=0, lt=2**63)
    device: Annotated[str, AfterValidator(_known_device)] = "auto"
    precision: Literal["float32", "bfloat16"] | None = None
    preview_every_s: float = Field(1.0, ge=0, le=1e9)

    @model_validator(mode="after")
    def _tiles_advance(self) -> Self:
        if self.tile is not None and 2 * self.overlap >= self.tile:
            raise ValueError(
                f"overlap={self.overlap} is not below half of tile={self.tile}; give larger tiles, "
                "or a smaller overlap"
            )
        return self

    @model_validator(mode="after")
    def _sections_share_along_y(self) -> Self:
        if self.share == "Z" and "Y" not in self.spatial:
            raise ValueError("share='Z': Z is what is refined; choose share='auto', which is Y")
        return self

    @property
    def spatial(self) -> str:
        """Letters of the axes that a network sees at once, Z first."""
        axial = isinstance(self.task, SuperResolve) and self.task.axial
        return "ZYX" if self.ndim == 3 else "ZX" if axial else "YX"

    @property
    def factors(self) -> dict[str, int]:
        """By how much the result is longer than the image, for each of :attr:`spatial`.

        Raises
        ------
        BadSettings
            If the factor is to make cubes of voxels that are not known, or that no factor makes
            nearly a cube.

        Examples
        --------
        >>> Settings(task=SuperResolve(factor="isotropic"), voxel=(4, 0.83, 0.83)).factors
        {'Z': 5, 'X': 1}
        """
        task = self.task
        if not isinstance(task, SuperResolve):
            return dict.fromkeys(self.spatial, 1)
        factor = isotropic_factor(self.voxel) if task.factor == "isotropic" else task.factor
        refined = "Z" if task.axial else task.axis or self.spatial
        return {letter: factor if letter in refined else 1 for letter in self.spatial}

    @property
    def keeps_known(self) -> bool:
        """Whether the known pixels are returned untouched."""
        return isinstance(self.task, Inpaint) and self.task.keep_known

    @property
    def memory_bytes(self) -> int | None:
        """The :attr:`memory` as a number."""
        return None if self.memory is None else to_bytes(self.memory)

    def with_voxel(self, voxel: Voxel | None) -> Self:
        """Take the voxel that a file or a layer tells of, where it matters and none was given."""
        wanted = "Z" in self.spatial and self.voxel is None and voxel is not None
        return self.replace(voxel=voxel) if wanted else self

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some values changed, and checked."""
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
            If the text is no JSON, or a setting in it is not valid.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BadSettings(in_words(error, cls.model_fields)) from None
