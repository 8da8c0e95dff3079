"""Where a result goes: into memory, or into an OME-Zarr that grows and can be gone on with."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import BadImage, FileProblem, NapariDipError
from napari_dip.image.metadata import StoredImage, canonical_unit
from napari_dip.pipeline.presets import recipe
from napari_dip.plaintext import shortened
from napari_dip.plugin.models.layer_output import result_name
from napari_dip.plugin.models.provenance import record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Layer

    from napari_dip.image.layout_plan import Tiling
    from napari_dip.image.problem import Problem
    from napari_dip.image.restore import Result
    from napari_dip.image.sink import Output
    from napari_dip.plugin.models.layer_input import LayerInput
    from napari_dip.settings import Settings

__all__ = [
    "SUFFIX",
    "Target",
    "as_stored",
    "proposed_path",
    "reopened",
    "spread_beside",
]

SUFFIX = ".ome.zarr"
_LONGEST = 180
"""Bytes of a layer's name that a proposed folder takes: file systems take 255 of a whole name."""


@dataclass(frozen=True)
class Target:
    """Where a result goes.

    Attributes
    ----------
    path
        A folder that ends in ``.ome.zarr``; ``None`` keeps the result in memory.
    resume, overwrite
        Whether to resume the run that is there, or to replace what is there.
    device
        Where the run that is resumed was computed; empty where that is not asked for.
    note
        What to say of it when the run has ended, in a sentence.
    """

    path: Path | None = None
    resume: bool = False
    overwrite: bool = False
    device: str = ""
    note: str = ""

    def check(self, source: LayerInput, settings: Settings | None = None) -> None:
        """Make sure, before any work, that the result can go there, and its uncertainty if any.

        Raises
        ------
        FileProblem
            If the name is no good, the image or the mask lies there, in it or around it, or
            OME-Zarr has no room for the axes.
        """
        if self.path is None:
            return
        from napari_dip.files.file_conflicts import refuse_conflicts
        from napari_dip.files.ngff import axes_in_zarr
        from napari_dip.files.resumable_output import existing_output

        if not self.path.name.endswith(SUFFIX):
            raise FileProblem(f"'{self.path.name}' is no OME-Zarr: end the name in {SUFFIX}.")
        spread = None if settings is None else self.spread_path(settings)
        writes = {"the result": self.path, "its uncertainty": spread}
        try:
            refuse_conflicts({name: path for name, path in writes.items() if path}, _places(source))
            for path in writes.values():
                if path is not None:
                    existing_output(path)
        except NapariDipError:
            raise
        except (OSError, ValueError) as error:  # too long, or with a character of no name
            words = getattr(error, "strerror", None) or str(error)
            raise FileProblem(
                f"{shortened(str(self.path))}: no folder can have that name ({words.lower()}); "
                "choose another, shorter one"
            ) from None
        try:
            axes_in_zarr(source.axes)
        except FileProblem:
            raise FileProblem(
                f"OME-Zarr has room for one axis beside time and space, and those of "
                f"'{source.name}' are taken for {source.axes}: give the layer axis labels such as "
                "t, z, y, x, or keep the result in memory."
            ) from None

    def spread_path(self, settings: Settings) -> Path | None:
        """Name the folder for the spread of several fits; ``None`` where there is no spread."""
        if self.path is None or recipe(settings).members == 1:
            return None
        return spread_beside(self.path)

    def unsaid(self, source: LayerInput) -> str:
        """Say what the file will not tell of where the layer lies; empty where it tells all."""
        lost = _unsaid(source.placement) if self.path is not None else []
        if not lost:
            return ""
        return (
            f"OME-Zarr has no words for the layer's {', '.join(lost)}: opened anew, the file lies "
            "without; the result in this viewer lies over its image."
        )

    def before(self) -> Tiling | None:
        """Tell how the run that is gone on with was cut; ``None`` for a new one."""
        if self.path is None or not self.resume:
            return None
        from napari_dip.files.resumable_output import recorded_tiling

        return recorded_tiling(self.path)

    def open(self, problem: Problem, source: LayerInput) -> Output:
        """Make the output, or open what is there.

        Raises
        ------
        NapariDipError
            If what is there was begun with other settings, or nothing can be written.
        """
        if self.path is None:
            from napari_dip.image.sink import InMemory

            return InMemory(problem)
        from napari_dip.files.atomic_write import check_writable
        from napari_dip.files.journal import plain_json
        from napari_dip.files.lock import RunLock
        from napari_dip.files.output_folder import recorded_run
        from napari_dip.files.resumable_output import OnDisk

        for path in filter(None, (self.path, self.spread_path(problem.settings))):
            check_writable(path)
            if RunLock.is_held_here(path):
                raise FileProblem(
                    f"another run of this napari writes to {path}: wait for it, or choose another "
                    "name."
                )
        if self.resume and recorded_run(self.path).get("image") != json.loads(
            plain_json(problem.record()["image"])
        ):
            raise BadImage(
                f"The run in {self.path} cannot be resumed: the pixels of '{source.name}' or of "
                "its mask are not those that it was started on. Choose another folder, or start "
                "over."
            )
        return OnDisk(
            problem,
            as_stored(source),
            self.path,
            self.spread_path(problem.settings),
            overwrite=self.overwrite,
            resume=self.resume,
        )

    def shown(self, result: Result, canvas: Any) -> Result:
        """Give the result with arrays that a viewer can hold: those on the disk stay there.

        Sections that are not all there have not become planes: they stay as the canvas shows them.
        """
        if self.path is None:
            return result
        if result.stopped_by_user and result.settings.fits_sections:
            return replace(result, image=canvas, spread=None)
        from napari_dip.files.output_folder import working_folder

        spread = self.spread_path(result.settings)
        return replace(  # a run that was stopped has not replaced what was there
            result,
            image=_opened(working_folder(self.path), result.axes),
            spread=None if spread is None else _opened(working_folder(spread), result.axes),
        )


def spread_beside(path: Path) -> Path:
    """Name the folder for the uncertainty that is written beside a result."""
    return path.with_name(path.name.removesuffix(SUFFIX) + " uncertainty" + SUFFIX)


def reopened(layer: Layer, path: Path) -> Any:
    """Open a result again that a run had shown in a layer; ``None`` if it was opened otherwise."""
    record = record_of(layer)
    if record is None or layer.source.path or layer.multiscale:
        return None
    opened = _opened(path, record["axes"])
    # The uncertainty of colours is shown as one grey image.
    grey = record["axes"].endswith("S") and not layer.rgb
    return opened[..., :3].mean(axis=-1) if grey else opened


def proposed_path(source: LayerInput, settings: Settings) -> Path:
    """Name a folder for a result, beside the file of the layer or else at home."""
    from napari_dip.files.file_conflicts import enclosing_zarr

    folder = Path.home()
    if source.path is not None:
        folder = (enclosing_zarr(source.path) or source.path).parent
    short = source.name.encode(errors="ignore")[:_LONGEST].decode(errors="ignore")
    name = result_name(replace(source, name=short), settings)
    return folder / (re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", name) + SUFFIX)


def as_stored(source: LayerInput) -> StoredImage:
    """Say of a layer what a file would: pixel sizes, units and place.

    OME-Zarr has words for these alone: see :meth:`Target.unsaid`.
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
            for letter, size in zip(letters, placement["scale"], strict=True)
            if size > 0 and (size != 1 or letter in unit)
        },
        unit=unit,
        translate={
            letter: float(place)
            for letter, place in zip(letters, placement["translate"], strict=True)
            if place
        },
        extras={"ngff": {"name": source.name}},
    )


def _unsaid(placement: dict[str, Any]) -> list[str]:
    """Name what moves the layer beside sizes above 0 and a place."""
    from napari.utils.transforms import Affine

    scale = placement["scale"]
    sheared = Affine(scale=np.ones_like(scale), shear=placement["shear"]).linear_matrix
    moves = {
        "rotation": placement["rotate"],
        "shear": sheared,
        "affine transform": placement["affine"],
        "mirroring": np.diag(np.sign(scale)),
    }
    return [name for name, by in moves.items() if not np.allclose(by, np.eye(len(by)))]


def _opened(path: Path, axes: str) -> Any:
    """Open what was written, lazily, with its axes in the order of the layer."""
    import dask.array  # napari brings it along

    from napari_dip.files.ngff import level_name
    from napari_dip.files.pyramid_layout import AxisOrder

    array: Any = dask.array.from_zarr(str(path), component=level_name(0))  # type: ignore[no-untyped-call]
    return AxisOrder(axes, array.shape, array.dtype).to_given_order(array)


def _places(source: LayerInput) -> Iterator[Path]:
    """List the folders and files that the image and the mask are known to lie in."""
    from napari_dip.files.file_conflicts import files_behind, files_of

    hidden_by = source.hidden_by or {}
    for path in (source.path, hidden_by.get("path")):
        if path is not None:
            yield from files_of(Path(path))
    yield from files_behind(source.data)
    yield from source.mask_files
