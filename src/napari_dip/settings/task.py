"""Define what the program asks about a task, and the table of the tasks and their words.

:mod:`~napari_dip.settings.task_table` has the tasks of this package. :func:`register_task` adds
others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import ConfigDict

from napari_dip.errors import BadSettings
from napari_dip.extensions import is_registered
from napari_dip.plaintext import shortened
from napari_dip.settings.frozen import MAX_VALUE, Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.settings.optics import Optics
    from napari_dip.settings.voxel import Voxel

__all__ = ["TASKS", "Hole", "Task", "TaskSpec", "read_task", "register_task"]

Hole = Literal["scratches", "hole", "large-hole", "pixels"]


class Task(Frozen):
    """What is asked of one task; a subclass adds its settings, each with a default.

    The docstring of a setting is the help of its option. The other attributes are what the rest of
    the program asks about a task; here they have the values of a task that restores each pixel in
    place: y = x + n.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: str = ""
    """The name of the task, a verb in the imperative; a subclass gives it."""

    decimates: ClassVar[bool] = False
    """Whether one pixel of the image covers several of the result."""

    mixes_pixels: ClassVar[bool] = False
    """Whether an observed pixel depends on several pixels of the result."""

    needs_network: ClassVar[bool] = True
    """Whether the patch filter alone cannot do the task."""

    @property
    def spec(self) -> TaskSpec:
        """The row of the task in the table."""
        return TASKS[self.kind]

    @property
    def fills_gaps(self) -> bool:
        """Whether the task fills missing pixels, and needs some."""
        return self.spec.needs_mask

    @property
    def axial(self) -> bool:
        """Whether Z alone is refined."""
        return False

    @property
    def keeps_known(self) -> bool:
        """Whether the known pixels are returned unchanged."""
        return False

    @property
    def matches_noise(self) -> bool:
        """Whether filled pixels get noise like that of the image."""
        return False

    @property
    def hole(self) -> Hole | None:
        """The type of the gaps, which can select the network; ``None`` finds it from the mask."""
        return "scratches"

    @property
    def removes_jpeg(self) -> bool:
        """Whether the error of JPEG compression is estimated in place of the noise."""
        return False

    @property
    def describes_psf(self) -> bool:
        """Whether the settings determine the point spread function."""
        return False

    @property
    def estimated(self) -> tuple[str, ...]:
        """Names of the settings that are replaced by estimates from the image."""
        return ()

    @property
    def microscope(self) -> Optics | None:
        """The microscope whose point spread function is computed, if there is none otherwise."""
        return None

    @property
    def voxel(self) -> Voxel | None:
        """The sizes of a pixel along Z, Y and X that the task itself has been told."""
        return None

    def with_metadata(self, found: Mapping[str, Any]) -> Self:
        """Return the task with unknown numbers taken from the metadata of a file."""
        return self

    def gaussian_widths(self, spatial: str) -> tuple[float, ...]:
        """Return the full widths of a Gaussian along each axis in pixels; empty if it is none."""
        return ()

    def factors(self, spatial: str, voxel: Voxel | None) -> dict[str, int]:
        """Return the ratio of the sizes of result and image for each of the axes ``spatial``."""
        return dict.fromkeys(spatial, 1)

    def details(self, factors: Mapping[str, int]) -> str:
        """Describe the settings of the task, to follow its verb in a sentence; may be empty."""
        return ""

    def observation(self, factors: tuple[int, ...]) -> str:
        """Describe how the operator made the image, such as ``"decimated by 2"``; may be empty."""
        return ""


@dataclass(frozen=True)
class TaskSpec:
    """One row of the table of tasks: its settings, its words, and what it needs.

    Parameters
    ----------
    settings
        The settings. Their ``kind`` names the task in JSON, and its command.
    summary
        What the task does, as one sentence in the imperative: the help of its command.
    doing, done
        Present and past participle of the verb, such as ``"denoising"`` and ``"denoised"``.
    panel
        Title of the panel in napari; empty if there is none.
    function
        The Python function of the task, with its module: ``"napari_dip.denoise"``.
    suffix
        End of the name of a result; may contain ``{factor}`` and ``{along}``. Empty for ``done``.
    page, sample
        The page of the documentation, and the sample data that the panel offers.
    needs_mask, needs_psf
        Whether the task needs missing pixels, or a point spread function. Both are optional in
        all other tasks.
    """

    settings: type[Task]
    summary: str
    doing: str
    done: str
    panel: str
    function: str
    suffix: str = ""
    page: str = "index"
    sample: str = ""
    needs_mask: bool = False
    needs_psf: bool = False

    @property
    def kind(self) -> str:
        """The name of the task."""
        return str(self.settings.model_fields["kind"].default)

    def result_name(self, name: str, factors: Mapping[str, int], part: str = "") -> str:
        """Name the result of an image.

        Examples
        --------
        >>> from napari_dip.settings import SuperResolve
        >>> SuperResolve().spec.result_name("cells", {"Z": 4, "X": 1})
        'cells (×4 along Z)'
        """
        along = " along Z" if factors.get("Z", 1) > factors["X"] else ""
        suffix = self.suffix or self.done
        return f"{name} ({suffix.format(factor=max(factors.values()), along=along)}{part})"


TASKS: dict[str, TaskSpec] = {}
"""The rows of the table by the names of the tasks; :func:`register_task` adds one."""


def register_task(spec: TaskSpec) -> None:
    """Add a task to the table.

    Its recipes and its operator are registered with
    :func:`~napari_dip.pipeline.fast_recipes.fast_recipe_of_task`,
    :func:`~napari_dip.pipeline.published_recipes.published_recipe` and
    :func:`~napari_dip.pipeline.observation.forward_operator`.

    Raises
    ------
    BadSettings
        If a task of another module has the name, or a setting has no default.
    """
    fields = spec.settings.model_fields
    lacking = [name for name, field in fields.items() if field.is_required()]
    lacking += [] if spec.kind else ["kind"]
    if lacking:
        raise BadSettings(
            f"{spec.settings.__name__} has no default for {', '.join(lacking)}; give one"
        )
    if spec.kind in TASKS and TASKS[spec.kind].settings.__module__ != spec.settings.__module__:
        raise BadSettings(f"kind={spec.kind!r} is the name of another task; choose another name")
    TASKS[spec.kind] = spec


def read_task(value: object) -> object:
    """Find the settings of a task by its name: from a name, or from a mapping with its ``kind``.

    Raises
    ------
    BadSettings
        If no registered task has the name, or a setting of the task is invalid.
    ValueError
        If the name is missing.
    """
    if isinstance(value, str):
        value = {"kind": value}
    if isinstance(value, dict):
        if "kind" not in value:
            raise ValueError("give its 'kind'")
        spec = _row(value["kind"])
        return spec.settings(**{str(name): each for name, each in value.items()})
    if isinstance(value, Task) and type(value) is not _row(value.kind).settings:
        raise ValueError(f"{type(value).__name__} is not registered; call register_task")
    return value


def _row(kind: object) -> TaskSpec:
    if not is_registered(kind, TASKS):
        known = ", ".join(map(repr, TASKS))
        raise BadSettings(f"task={shortened(repr(kind), MAX_VALUE)}: choose one of {known}")
    return TASKS[kind]
