"""Restore from one file into another."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic_core import to_json

from napari_dip.errors import BadMask, BadSettings, FileProblem, NapariDipError
from napari_dip.files.fallback_save import save_elsewhere
from napari_dip.files.file_conflicts import files_of, refuse_conflicts
from napari_dip.files.image_io import (
    check_output,
    dropped_notes,
    is_zarr_name,
    read_image,
    read_mask,
    write_image,
)
from napari_dip.files.read_errors import check_name, refuse_special_file
from napari_dip.files.resumable_output import OnDisk, recorded_tiling
from napari_dip.files.resumable_zarr import working_folder
from napari_dip.files.survey_cache import SurveyCache
from napari_dip.image.forecast import survey_seconds
from napari_dip.image.layout_plan import lay_out
from napari_dip.image.masks import align_mask, check_painted
from napari_dip.image.plan import Plan
from napari_dip.image.problem import Problem, make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.pipeline.presets import recipe
from napari_dip.settings import Inpaint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from napari_dip.image.lazy import Lazy
    from napari_dip.image.metadata import StoredImage
    from napari_dip.image.restore import Restoration, Result
    from napari_dip.image.sink import Output
    from napari_dip.settings import Settings

__all__ = ["FileRun", "open_run"]

_LONG_S = 60.0
"""Of a look at all planes: nobody should wonder whether anything happens."""


@dataclass(frozen=True)
class FileRun:
    """A restoration whose every check is done, and which waits to be started.

    ``notes`` are what was noticed when the files were read, in whole sentences.
    """

    stored: StoredImage
    problem: Problem
    output: Output
    path: Path
    uncertainty: Path | None
    overwrite: bool
    notes: tuple[str, ...]

    def steps(self, stop_requested: Callable[[], bool] = lambda: False) -> Restoration:
        """Restore what is not there yet."""
        return run(self.problem, self.output, stop_requested)

    def restored(self, result: Result, image: Lazy | None = None) -> StoredImage:
        """Give the result what the input said of its pixels."""
        image = result.image if image is None else image
        return self.stored.with_image(image, result.axes, result.factors)

    @property
    def place(self) -> Path:
        """Where the result is: beside its own place while something older is there."""
        apart = isinstance(self.output, OnDisk) and self.output.path != self.path.absolute()
        return self.output.path if isinstance(self.output, OnDisk) and apart else self.path

    def left(self) -> str:
        """Say what an interrupted run leaves."""
        if not isinstance(self.output, OnDisk):
            return "nothing was written"
        units = len(self.problem.plan.units)
        older = f", {self.path} is as it was" if self.place != self.path else ""
        said = f"{len(self.output.done())} of {units} parts are in {self.place}{older}"
        return f"{said}; --resume goes on"

    def close(self) -> None:
        """Let other processes write there; what is not written yet cannot be any more."""
        self.output.close()

    def write(self, result: Result) -> tuple[str, ...]:
        """Write what is not written yet; return what the user should know.

        Raises
        ------
        NapariDipError
            If a file cannot be written, although that was tried before. The message names the
            file in which the image was saved instead.
        """
        if isinstance(self.output, OnDisk):
            if result.stopped_by_user and self.place != self.path:
                return (f"{self.left()}.",)
            waiting = result.stopped_by_user and "Y" not in result.settings.spatial
            empty = f"{self.path} is empty until all of its sections are there; --resume goes on."
            return (empty,) if waiting else ()
        images = [(self.path, result.image)]
        if self.uncertainty is not None and result.spread is not None:
            images.append((self.uncertainty, result.spread))
        failed = []
        for path, image in images:
            try:
                self._write(path, self.restored(result, image), result)
            except NapariDipError as error:
                failed.append(error)  # the other one is still worth having
        if failed:
            raise NapariDipError("; ".join(map(str, failed))) from failed[0]
        if self.uncertainty is None or result.spread is not None:
            return ()
        return (f"{self.uncertainty} was not written: no more than one fit was finished.",)

    def _write(self, path: Path, stored: StoredImage, result: Result) -> None:
        """Write a file, or keep the image elsewhere if that fails: it took its time to make."""
        provenance = result.provenance()
        try:
            write_image(path, stored, provenance=provenance, overwrite=self.overwrite)
        except Exception as error:
            record = to_json(provenance, inf_nan_mode="null").decode()
            kept = save_elsewhere(path, stored, record)
            instead = f"was saved as {kept} instead" if kept else "could not be saved elsewhere"
            unexpected = f"{path} could not be written ({type(error).__name__}: {error})"
            why = error if isinstance(error, NapariDipError) else unexpected
            raise NapariDipError(f"{why}; the image {instead}") from error


def open_run(
    source: Path,
    output: Path,
    settings: Settings,
    *,
    series: int | None = None,
    mask: Path | None = None,
    marks: Literal["missing", "known"] = "missing",
    mask_axes: str | None = None,
    uncertainty: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    device: str | None = None,
    reads: Sequence[Path] = (),
    say: Callable[[str], None] = lambda _: None,
) -> FileRun:
    """Read what there is to restore, and check all that can be checked.

    Parameters
    ----------
    source, output
        Files, or folders of OME-Zarr. A result that goes into OME-Zarr is kept unit by unit, and
        never has to fit into memory.
    settings
        What to do.
    series
        The number of the image in a file that holds several; ``None`` is the first.
    mask, marks, mask_axes
        A file of a mask, what is marked in it, and a letter for each of its axes, without that of
        colours; ``None`` is what the file says.
    uncertainty
        Where to write the spread of the fits.
    overwrite
        Whether to replace what is there.
    resume
        Whether to go on with what is there, which must be OME-Zarr.
    device
        Where it will be restored, if not on this machine.
    reads
        More files that must stay as they are, such as one of settings.
    say
        Is told in a sentence before something takes long.

    Raises
    ------
    NapariDipError
        Whatever is wrong with the files, the image or the settings.
    """
    outputs = [output] if uncertainty is None else [output, uncertainty]
    _check_names(outputs, [source, mask], resume)
    reads = [*reads, *(file for given in (source, mask) if given for file in files_of(given))]
    writes = {"the restored image": output, "--uncertainty": uncertainty}
    refuse_conflicts({name: path for name, path in writes.items() if path}, reads)
    stored = read_image(source, lazy=True, series=series)
    axes = settings.axes or stored.axes
    settings = settings.replace(axes=axes).with_voxel(stored.voxel)
    kept = stored.image.dtype if settings.dtype == "keep" else settings.dtype
    unsaid: list[str] = []
    lay_out(stored.image.shape, settings)  # whether the axes fit is said first
    for path, dtype in zip(outputs, (kept, "float32"), strict=False):
        check_output(path, dtype, axes, overwrite=overwrite or resume, resume=resume)
        said = dropped_notes(path, stored, dtype, axes, settings.factors)
        unsaid += [f"{path}: {note}" for note in said if path is output]
    if uncertainty and recipe(settings).members == 1:
        raise BadSettings(
            f"--uncertainty {uncertainty}: a single fit has no spread; choose "
            "--preset best, or --members 2 or more"
        )
    hidden = read_mask(mask, marks) if mask else None
    aligned = None
    if hidden:
        layout = lay_out(stored.image.shape, settings)
        with _about(mask):
            names = mask_axes or hidden.axes
            aligned = align_mask(hidden.missing, layout, names, strict=mask_axes is not None)
            if isinstance(settings.task, Inpaint):
                check_painted(aligned.missing)
    missing = aligned.missing if aligned else None
    grows = is_zarr_name(output)
    begun = working_folder(output) if grows and resume else None
    begun = begun if begun and begun.exists() else None
    before = recorded_tiling(output) if begun else None
    cache = SurveyCache.for_image(stored, missing, settings) if grows else None
    looked = cache.load(begun) if cache and begun else None
    look_s = survey_seconds(Plan(lay_out(stored.image.shape, settings)))
    if not looked and look_s > _LONG_S:
        say(f"All planes of {source} are looked at first, about {look_s / 60:.0f} min.")
    problem = make_problem(stored.image, settings, missing, None, device, before, looked)
    notes = [f"{source}: {note}" for note in stored.notes]
    notes += [f"{mask}: {note}" for note in (hidden.notes if hidden else ())]
    notes += [f"{mask}: {aligned.note}"] if aligned and aligned.note else []
    notes += unsaid
    target: Output = InMemory(problem)
    if grows:
        target = OnDisk(problem, stored, output, uncertainty, overwrite=overwrite, resume=resume)
        if cache and not looked:
            cache.save(target.path, problem.survey)
        if target.path != output.absolute():
            notes.append(f"{output}: it stays as it is until the new image is whole.")
        ready, units = len(target.done()), len(problem.plan.units)
        notes += [f"{output}: {ready} of {units} parts are there already."] if ready else []
        if target.redone:
            notes.append(
                f"{output}: {target.redone} of {units} parts were damaged or missing; they are "
                "restored again."
            )
    return FileRun(stored, problem, target, output, uncertainty, overwrite, tuple(notes))


@contextmanager
def _about(mask: Path | None) -> Iterator[None]:
    """Name the file of a mask that does not fit."""
    try:
        yield
    except BadMask as error:
        raise BadMask(f"{mask}: {error}") from None


def _check_names(outputs: list[Path], inputs: list[Path | None], resume: bool) -> None:
    """Refuse names that are none, outputs of two kinds, and to resume what does not grow."""
    for path in (*outputs, *filter(None, inputs)):
        check_name(path)
    for path in filter(None, inputs):
        refuse_special_file(path)
    if len({is_zarr_name(path) for path in outputs}) > 1:
        raise FileProblem(
            f"{outputs[0]} and {outputs[1]} must both be OME-Zarr or neither; "
            "end both names in .ome.zarr"
        )
    if resume and not is_zarr_name(outputs[0]):
        raise BadSettings(
            f"--resume needs an output that grows; end {outputs[0].name} in .ome.zarr"
        )
