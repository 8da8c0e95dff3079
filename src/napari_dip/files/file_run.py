"""Restore an image from one file into another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_json

from napari_dip.errors import BadSettings, FileProblem, NapariDipError
from napari_dip.files.fallback_save import save_elsewhere
from napari_dip.files.file_conflicts import files_of, refuse_conflicts
from napari_dip.files.file_input import open_input
from napari_dip.files.image_io import (
    check_output,
    dropped_notes,
    is_zarr_name,
    write_image,
)
from napari_dip.files.output_folder import working_folder
from napari_dip.files.read_errors import check_name, refuse_special_file
from napari_dip.files.resumable_output import OnDisk, recorded_tiling
from napari_dip.files.survey_cache import SurveyCache
from napari_dip.image.forecast import survey_seconds
from napari_dip.image.layout_plan import make_layout
from napari_dip.image.plan import Plan
from napari_dip.image.problem import Problem, make_problem
from napari_dip.image.restore import run
from napari_dip.image.sink import InMemory
from napari_dip.plaintext import as_utf8
from napari_dip.progress import no_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_dip.image.lazy import LazyArray
    from napari_dip.image.metadata import StoredImage
    from napari_dip.image.restore import Restoration, Result
    from napari_dip.image.sink import Sink
    from napari_dip.progress import Report
    from napari_dip.settings import Settings

__all__ = ["FileRun", "open_run"]

ANNOUNCED_SURVEY_S = 60.0  # seconds: a longer survey is announced, so that it does not look stuck


@dataclass(frozen=True)
class FileRun:
    """A restoration that has passed all checks and can be started.

    ``notes`` are sentences about what was noticed when the files were read.
    """

    stored: StoredImage
    problem: Problem
    output: Sink
    path: Path
    uncertainty: Path | None
    overwrite: bool
    notes: tuple[str, ...]
    pyramid: bool = False

    def steps(
        self,
        stop_requested: Callable[[], bool] = lambda: False,
        report: Report = no_report,
    ) -> Restoration:
        """Restore the units that are not complete; see :func:`napari_dip.restore`."""
        return run(self.problem, self.output, stop_requested, report)

    def restored(self, result: Result, image: LazyArray | None = None) -> StoredImage:
        """Return a result image with the metadata of the input."""
        image = result.image if image is None else image
        return self.stored.with_image(image, result.axes, result.factors)

    @property
    def place(self) -> Path:
        """Where the result is: a hidden folder beside `path` while an older result is kept."""
        is_hidden = isinstance(self.output, OnDisk) and self.output.path != self.path.absolute()
        return self.output.path if isinstance(self.output, OnDisk) and is_hidden else self.path

    def describe_unfinished(self) -> str:
        """Describe what an interrupted run leaves."""
        if not isinstance(self.output, OnDisk):
            return "nothing was written"
        units = len(self.problem.plan.units)
        older = f", {self.path} is unchanged" if self.place != self.path else ""
        done = f"{len(self.output.done())} of {units} parts are in {self.place}{older}"
        return f"{done}; --resume continues"

    def close(self) -> None:
        """Release the output to other processes. Nothing may be written afterwards."""
        self.output.close()

    def write(self, result: Result) -> tuple[str, ...]:
        """Write what is not written yet, and return notes for the user.

        Raises
        ------
        NapariDipError
            If a file cannot be written although the check succeeded. The message names the file in
            which the image was saved instead.
        """
        if isinstance(self.output, OnDisk):
            if result.stopped_by_user and self.place != self.path:
                return (f"{self.describe_unfinished()}.",)
            incomplete = result.stopped_by_user and result.settings.fits_sections
            note = f"{self.path} is empty until all its sections are complete; --resume continues."
            return (note,) if incomplete else ()
        images = [(self.path, result.image, result.provenance())]
        if self.uncertainty is not None and result.uncertainty is not None:
            record = result.provenance(uncertainty=True)
            images.append((self.uncertainty, result.uncertainty, record))
        failed = []
        for path, image, record in images:
            try:
                self._write(path, self.restored(result, image), record)
            except NapariDipError as error:
                failed.append(error)  # the other image is still written
        if failed:
            raise NapariDipError("; ".join(map(str, failed))) from failed[0]
        if self.uncertainty is None or result.uncertainty is not None:
            return ()
        return (f"{self.uncertainty} was not written: the run was stopped before.",)

    def _write(self, path: Path, stored: StoredImage, provenance: dict[str, Any]) -> None:
        """Write a file; if that fails, save the image elsewhere."""
        try:
            write_image(
                path,
                stored,
                provenance=provenance,
                overwrite=self.overwrite,
                pyramid=self.pyramid,
            )
        except Exception as error:
            record = to_json(provenance, inf_nan_mode="null").decode()
            kept = save_elsewhere(path, stored, record)
            instead = f"was saved as {kept} instead" if kept else "could not be saved elsewhere"
            unexpected = f"{path} could not be written ({type(error).__name__}: {error})"
            reason = error if isinstance(error, NapariDipError) else unexpected
            raise NapariDipError(f"{reason}; the image {instead}") from error


def open_run(
    source: Path,
    output: Path,
    settings: Settings,
    *,
    series: int | None = None,
    mask: Path | None = None,
    marks: Literal["missing", "known"] = "missing",
    mask_axes: str | None = None,
    psf: Path | None = None,
    uncertainty: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    device: str | None = None,
    pyramid: bool = False,
    reads: Sequence[Path] = (),
    say: Callable[[str], None] = lambda _: None,
) -> FileRun:
    """Open the files of a restoration, and check everything that can be checked.

    Parameters
    ----------
    source, output
        Files, or folders of OME-Zarr. A result in OME-Zarr is written unit by unit and never has to
        fit into memory.
    settings
        Settings of the restoration.
    series
        Index of the image in a file with several; ``None`` is the first.
    mask, marks, mask_axes
        A mask file, the meaning of its marked pixels, and a letter for each of its axes without the
        colour axis; ``None`` uses the axes in the file.
    psf
        File of a point spread function, such as the image of a bead.
    uncertainty
        Where to write the uncertainty.
    overwrite
        Whether to replace an existing output.
    resume
        Whether to continue an unfinished output, which must be OME-Zarr.
    device
        The device that restores, if it is on another machine.
    pyramid
        Whether a result in ``.ome.tif`` also has smaller copies of each plane.
    reads
        Other files that must not be overwritten, such as a settings file.
    say
        Called with a sentence before a long operation.

    Raises
    ------
    NapariDipError
        If anything is wrong with the files, the image or the settings.
    """
    outputs = [output] if uncertainty is None else [output, uncertainty]
    _check_names(outputs, [source, mask, psf], resume)
    reads = [*reads, *(file for given in (source, mask, psf) if given for file in files_of(given))]
    writes = {"the restored image": output, "--uncertainty": uncertainty}
    refuse_conflicts({name: path for name, path in writes.items() if path}, reads)
    given = open_input(
        source, settings, series=series, mask=mask, marks=marks, mask_axes=mask_axes, psf=psf
    )
    stored, settings, missing = given.stored, given.settings, given.missing
    if settings.gives_uncertainty != (uncertainty is not None):  # two fits in vain, or too few
        settings = settings.replace(uncertainty=uncertainty is not None)
    axes = settings.axes or stored.axes
    kept = stored.image.dtype if settings.dtype == "keep" else settings.dtype
    dropped: list[str] = []
    for path, dtype in zip(outputs, (kept, "float32"), strict=False):
        check_output(path, dtype, axes, overwrite=overwrite or resume, resume=resume)
        missing_there = dropped_notes(path, stored, dtype, axes, settings.factors, pyramid=pyramid)
        dropped += [f"{path}: {note}" for note in missing_there if path is output]
    resumable = is_zarr_name(output)
    existing = working_folder(output) if resumable and resume else None
    existing = existing if existing and existing.exists() else None
    tiling = recorded_tiling(output) if existing else None
    cache = SurveyCache.for_image(stored, missing, settings) if resumable else None
    cached_survey = cache.load(existing) if cache and existing else None
    seconds = survey_seconds(Plan(make_layout(stored.image.shape, settings)))
    if not cached_survey and seconds > ANNOUNCED_SURVEY_S:
        say(f"All planes of {source} are surveyed first, about {seconds / 60:.0f} min.")
    if settings.task.estimated:
        say("The aberrations are estimated first, which takes up to a minute.")
    problem = make_problem(
        stored.image,
        settings,
        missing,
        given.psf,
        device,
        tiling,
        cached_survey,
        psf_axes=None if given.psf is None else settings.spatial,
    )
    problem = replace(problem, origin=_origin(source, stored.series, mask, marks, mask_axes))
    notes = [*given.notes]
    if problem.blur is not None:
        notes.append(f"The point spread function: {problem.blur.describe()}.")
        notes += problem.blur.losses
    notes += dropped
    target: Sink = InMemory(problem)
    if resumable:
        target = OnDisk(problem, stored, output, uncertainty, overwrite=overwrite, resume=resume)
        if cache and not cached_survey:
            cache.save(target.path, problem.survey)
        if target.path != output.absolute():
            notes.append(f"{output}: it is unchanged until the new image is complete.")
        ready, units = len(target.done()), len(problem.plan.units)
        notes += [f"{output}: {ready} of {units} parts are complete already."] if ready else []
        if target.redone:
            notes.append(
                f"{output}: {target.redone} of {units} parts were damaged or missing and are "
                "restored again."
            )
    return FileRun(stored, problem, target, output, uncertainty, overwrite, tuple(notes), pyramid)


def _origin(
    source: Path,
    series: int,
    mask: Path | None,
    marks: Literal["missing", "known"],
    mask_axes: str | None,
) -> dict[str, Any]:
    """Return where image and mask are from, as JSON values."""
    origin: dict[str, Any] = {"path": as_utf8(source.absolute()), "series": series}
    if mask is not None:
        place = as_utf8(mask.absolute())
        origin["mask"] = {"path": place, "marks": marks, "axes": mask_axes}
    return origin


def _check_names(outputs: list[Path], inputs: list[Path | None], resume: bool) -> None:
    """Refuse invalid names, outputs of two kinds, and ``--resume`` without a resumable output."""
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
        raise BadSettings(f"--resume needs a resumable output; end {outputs[0].name} in .ome.zarr")
