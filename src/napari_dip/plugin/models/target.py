"""Describe where a result goes: memory, or an OME-Zarr folder whose run can be resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, FileProblem, NapariDipError
from napari_dip.files.ngff_transform import spatial_rows
from napari_dip.image.metadata import StoredImage, canonical_unit
from napari_dip.plaintext import file_name, shortened
from napari_dip.plugin.models.layer_output import result_name
from napari_dip.plugin.models.layer_record import record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Layer

    from napari_dip.image.layout_plan import Tiling
    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Result
    from napari_dip.image.sink import InMemory, Sink
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

__all__ = [
    "SUFFIX",
    "Target",
    "lost_transforms",
    "proposed_path",
    "reopen_result",
    "stored_image",
    "uncertainty_path",
]

SUFFIX = ".ome.zarr"


@dataclass(frozen=True)
class Target:
    """The place of a result.

    Attributes
    ----------
    path
        A folder whose name ends in ``.ome.zarr``; ``None`` keeps the result in memory.
    resume, overwrite
        Whether to resume the run in the folder, or to replace its content.
    device
        The device of the run to resume; empty for a new run.
    note
        A sentence to show at the end of the run.
    earlier
        The memory of a stopped run to resume; ``None`` for a new run, or one in a folder.
    """

    path: Path | None = None
    resume: bool = False
    overwrite: bool = False
    device: str = ""
    note: str = ""
    earlier: InMemory | None = None

    def check(self, source: LayerInput, settings: Settings | None = None) -> None:
        """Check that the result and its uncertainty can be written, before any work.

        Raises
        ------
        FileProblem
            If the name is not valid, the image or mask overlaps the folder, or OME-Zarr cannot
            hold the axes.
        """
        if self.path is None:
            return
        from napari_dip.files.file_conflicts import refuse_conflicts
        from napari_dip.files.ngff import axes_in_zarr
        from napari_dip.files.resumable_output import existing_output

        if not self.path.name.endswith(SUFFIX):
            raise FileProblem(f"'{self.path.name}' is not an OME-Zarr: end the name in {SUFFIX}.")
        widths = None if settings is None else self.widths_path(settings)
        writes = {"the result": self.path, "its uncertainty": widths}
        try:
            refuse_conflicts({name: path for name, path in writes.items() if path}, _inputs(source))
            for path in writes.values():
                if path is not None:
                    existing_output(path)
        except NapariDipError:
            raise
        except (OSError, ValueError) as error:  # too long, or with an invalid character
            words = getattr(error, "strerror", None) or str(error)
            raise FileProblem(
                f"{shortened(str(self.path))}: not a valid folder name ({words.lower()}); choose "
                "another, shorter one"
            ) from None
        try:
            axes_in_zarr(source.axes)
        except FileProblem:
            raise FileProblem(
                f"OME-Zarr holds one axis besides time and space, and '{source.name}' has the axes "
                f"{source.axes}: give the layer axis labels such as t, z, y, x, or keep the result "
                "in memory."
            ) from None

    def widths_path(self, settings: Settings) -> Path | None:
        """Return the folder of the uncertainty; ``None`` for a run without one."""
        if self.path is None or not settings.gives_uncertainty:
            return None
        return uncertainty_path(self.path)

    def placement_note(self, source: LayerInput) -> str:
        """Say which part of the placement needs OME-Zarr 0.6; empty if none does."""
        lost = lost_transforms(source.placement) if self.path is not None else []
        if not lost:
            return ""
        if stored_image(source).affine is None:
            return (
                f"OME-Zarr cannot hold the {', '.join(lost)} of the layer: the result in this "
                "viewer has it, and the file opens without it."
            )
        return (
            f"OME-Zarr 0.6 holds the {', '.join(lost)} of the layer: programs that read only 0.4 "
            "and 0.5 cannot open the file."
        )

    def recorded_tiling(self) -> Tiling | None:
        """Return the tiling of the run to resume; ``None`` for a new run."""
        if self.earlier is not None:
            return self.earlier.tiling
        if self.path is None or not self.resume:
            return None
        from napari_dip.files.resumable_output import recorded_tiling

        return recorded_tiling(self.path)

    def open(self, problem: Problem, source: LayerInput) -> Sink:
        """Create the output, or open the one to resume.

        Raises
        ------
        NapariDipError
            If the run in the folder has other settings, or the folder is not writable.
        """
        if self.path is None:
            from napari_dip.image.sink import InMemory

            return InMemory(problem, self.earlier)
        from napari_dip.files.atomic_write import check_writable
        from napari_dip.files.journal import plain_json
        from napari_dip.files.lock import RunLock
        from napari_dip.files.output_folder import recorded_run
        from napari_dip.files.resumable_output import OnDisk

        for path in filter(None, (self.path, self.widths_path(problem.settings))):
            check_writable(path)
            if RunLock.is_held_here(path):
                raise FileProblem(
                    f"another run of this napari writes to {path}: wait for it, or choose another "
                    "folder."
                )
        if self.resume and recorded_run(self.path).get("image") != json.loads(
            plain_json(problem.record()["image"])
        ):
            raise BadImage(
                f"The run in {self.path} cannot be resumed: the pixels of '{source.name}' or of "
                "its mask have changed since it started. Choose another folder, or start over."
            )
        return OnDisk(
            problem,
            stored_image(source),
            self.path,
            self.widths_path(problem.settings),
            overwrite=self.overwrite,
            resume=self.resume,
        )

    def displayable(self, result: Result, canvas: Any) -> Result:
        """Return the result with arrays for a viewer; arrays on disk stay lazy.

        Sections of a run that was stopped are not planes yet: they are shown through the canvas.
        """
        if self.path is None:
            return result
        if result.stopped_by_user and result.settings.fits_sections:
            return replace(result, image=canvas, uncertainty=None)
        from napari_dip.files.output_folder import working_folder

        widths = self.widths_path(result.settings)
        return replace(  # a run that was stopped has not replaced an earlier result
            result,
            image=_open_zarr(working_folder(self.path), result.axes),
            uncertainty=None if widths is None else _open_zarr(working_folder(widths), result.axes),
        )


def uncertainty_path(path: Path) -> Path:
    """Return the folder of the uncertainty beside a result."""
    return path.with_name(path.name.removesuffix(SUFFIX) + " uncertainty" + SUFFIX)


def reopen_result(layer: Layer, path: Path) -> Any:
    """Open the result of a layer from another folder; ``None`` if no run made the layer."""
    record = record_of(layer)
    if record is None or layer.source.path or layer.multiscale:
        return None
    opened = _open_zarr(path, record["axes"])
    # The uncertainty of colours is shown as one grey image.
    grey = record["axes"].endswith("S") and not layer.rgb
    return opened[..., :3].mean(axis=-1) if grey else opened


def proposed_path(source: LayerInput, settings: Settings) -> Path:
    """Propose a folder for a result, beside the file of the layer or in the home folder."""
    from napari_dip.files.file_conflicts import enclosing_zarr

    folder = Path.home()
    if source.path is not None:
        folder = (enclosing_zarr(source.path) or source.path).parent
    name = result_name(replace(source, name=file_name(source.name)), settings)
    return folder / (name + SUFFIX)


def stored_image(source: LayerInput) -> StoredImage:
    """Return a layer as an image file would hold it: pixel sizes, units and transforms.

    Only OME-Zarr holds a rotation: see :meth:`Target.placement_note`.
    """
    placement = source.placement
    letters = source.axes.replace("S", "")
    unit = {
        letter: name
        for letter, one in zip(letters, placement["units"], strict=True)
        if (name := canonical_unit(str(one)))
    }
    return StoredImage(
        image=source.data,
        axes=source.axes,
        pixel_size={
            letter: float(size)
            for letter, size in zip(letters, np.abs(placement["scale"]), strict=True)
            if size > 0 and (size != 1 or letter in unit)
        },
        unit=unit,
        translate={
            letter: float(offset)
            for letter, offset in zip(letters, placement["translate"], strict=True)
            if offset
        },
        channels=source.channels,
        name=source.name,
        affine=_affine(placement, letters),
    )


def _affine(placement: dict[str, Any], letters: str) -> tuple[tuple[float, ...], ...] | None:
    """Return rotation, shear, mirroring and the affine transform of a layer as one matrix."""
    from napari.utils.transforms import Affine

    if not lost_transforms(placement):
        return None
    inner = Affine(
        scale=np.sign(placement["scale"]),
        rotate=placement["rotate"],
        shear=placement["shear"],
    ).linear_matrix
    outer = np.asarray(placement["affine"])
    count, start = len(letters), np.asarray(placement["translate"])
    matrix = np.eye(count + 1)
    matrix[:count, :count] = outer[:count, :count] @ inner
    moved = outer[:count, :count] @ start + outer[:count, count]
    matrix[:count, count] = moved - matrix[:count, :count] @ start
    matrix[np.abs(matrix) < np.finfo(float).eps] = 0
    return spatial_rows(matrix, letters)


def lost_transforms(placement: dict[str, Any]) -> list[str]:
    """Name the transforms of a layer besides a positive scale and a translation."""
    from napari.utils.transforms import Affine

    scale = placement["scale"]
    sheared = Affine(scale=np.ones_like(scale), shear=placement["shear"]).linear_matrix
    transforms = {
        "rotation": placement["rotate"],
        "shear": sheared,
        "affine transform": placement["affine"],
        "mirroring": np.diag(np.sign(scale)),
    }
    return [name for name, by in transforms.items() if not np.allclose(by, np.eye(len(by)))]


def _open_zarr(path: Path, axes: str) -> Any:
    """Open a result lazily, with its axes in the order of the layer."""
    import dask.array  # napari depends on it

    from napari_dip.files.ngff import level_name
    from napari_dip.files.pyramid_layout import AxisOrder

    array: Any = dask.array.from_zarr(str(path), component=level_name(0))  # type: ignore[no-untyped-call]
    return AxisOrder(axes, array.shape, array.dtype).to_given_order(array)


def _inputs(source: LayerInput) -> Iterator[Path]:
    """List the known files and folders of the image and the mask."""
    from napari_dip.files.file_conflicts import files_behind, files_of

    mask_record = source.mask_record or {}
    for path in (source.path, mask_record.get("path")):
        if path is not None:
            yield from files_of(Path(path))
    yield from files_behind(source.data)
    yield from source.mask_files
