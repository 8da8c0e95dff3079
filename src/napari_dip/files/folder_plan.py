"""List the images of a folder or a plate, and where their results go."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from napari_dip.errors import FileProblem, NapariDipError, OutputExists
from napari_dip.files.atomic_write import translate_disk_errors
from napari_dip.files.file_conflicts import refuse_conflicts
from napari_dip.files.formats import readable_suffixes
from napari_dip.files.image_io import read_image, read_provenance
from napari_dip.files.ngff import is_zarr
from napari_dip.files.plate import Plate, open_plate
from napari_dip.files.resumable_output import existing_output
from napari_dip.files.write_plan import is_zarr_name, local_path
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.plaintext import as_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_dip.settings import Settings

__all__ = ["FolderItem", "FolderPlan", "plan_files", "plan_folder"]

_SUFFIXES = (".ome.tif", ".ome.tiff", ".ome.zarr", ".zarr.zip")
"""Suffixes of two parts."""

_OF_FILE = ("axes", "voxel")
"""Settings that the file of an image gives, unless the user does."""

_NOT_COMPARED = ("uncertainty", "preview_every_s")
"""Settings that do not change a result in a folder."""

State = Literal["new", "unfinished", "done", "other"]
"""State of a result: absent, begun, complete, or of another image or other settings."""


class FolderItem(NamedTuple):
    """An image of a folder, or a field of a plate.

    Attributes
    ----------
    name
        The name of the file; of a plate, the path of the field.
    source
        The image.
    output
        The file of the result; of a plate, its place until the plate is complete.
    final
        The file of the result when all images are restored.
    """

    name: str
    source: Path
    output: Path
    final: Path

    def state(
        self, settings: Settings, mask: str | Path | None = None, psf: str | Path | None = None
    ) -> State:
        """Return how far the result is; the pixels of the image are read to compare them."""
        if is_zarr_name(self.output):
            found = existing_output(self.output)
            if found != "an image":
                return "new" if found == "nothing" else "unfinished"
        elif not self.output.exists():
            return "new"
        try:
            record = read_provenance(self.output)
        except NapariDipError:
            record = None
        if record is None or not _has_settings(record, settings):
            return "other"
        return "done" if self._is_of(record, settings, mask, psf) else "other"

    def _is_of(
        self,
        record: dict[str, Any],
        settings: Settings,
        mask: str | Path | None,
        psf: str | Path | None,
    ) -> bool:
        """Return whether a result is of the files as they are now."""
        origin = record.get("input") or {}
        masked = (origin.get("mask") or {}).get("path")
        if masked != (None if mask is None else as_utf8(local_path(mask).absolute())):
            return False
        written = self.output.stat().st_mtime
        given = [local_path(file) for file in (mask, psf) if file is not None]
        if any(file.stat().st_mtime > written for file in given):
            return False
        stored = read_image(self.source, lazy=True, series=origin.get("series"))
        return pixel_digest(stored.image, settings.axes or stored.axes) == origin.get("pixels")


class FolderPlan(NamedTuple):
    """The images of a folder, or of a plate."""

    output: Path
    items: tuple[FolderItem, ...]
    plate: Plate | None = None

    def prepare(self) -> None:
        """Make the folders of the results."""
        if self.plate is not None:
            self.plate.prepare(self.output)
        else:
            with translate_disk_errors(self.output):
                self.output.mkdir(exist_ok=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the result of a plate will not have."""
        absent = self.plate.absent if self.plate is not None else ()
        if not absent:
            return ()
        names = ", ".join(absent[:5]) + (" …" if len(absent) > 5 else "")
        return (f"The plate lists {names}, but does not hold it: its result leaves it out.",)

    def finish(self) -> None:
        """Assemble the plate, if it is one; all its fields must be complete."""
        if self.plate is not None:
            self.plate.assemble(self.output)


def plan_folder(
    source: str | Path, output: str | Path, *, overwrite: bool = False, pattern: str = ""
) -> FolderPlan:
    """List the images of a folder, a plate or a well.

    Parameters
    ----------
    source
        A folder with image files, whose subfolders are not searched; or a plate in OME-Zarr, or a
        well in it.
    output
        The folder of the results; of a plate, an OME-Zarr. A result has the name of its image and
        ends in ``.ome.tif``, that of an OME-Zarr in ``.ome.zarr``.
    overwrite
        Whether an existing plate may be replaced.
    pattern
        Which names of files count, such as ``"*_ch1.tif"``; all by default.

    Raises
    ------
    FileProblem
        If there is no image, or the output is not valid.
    """
    source, output = local_path(source), local_path(output)
    refuse_conflicts({"the result": output}, [source])
    _check_parent(output)
    plate = open_plate(source) if is_zarr(source) else None
    if plate is not None:
        if pattern:
            raise FileProblem(
                f"{pattern}: {source} is a plate, whose fields have no file names; restore a well "
                "of it, or all fields without a pattern"
            )
        return _of_plate(plate, output, overwrite)
    _check_folder(output, f"the results of {source}")
    files = sorted(file for file in source.iterdir() if _is_image(file))
    if not files:
        raise FileProblem(
            f"{source} holds no image file; known ones end in {', '.join(readable_suffixes())}"
        )
    # Named before the others are left out: a result has one name, whatever the pattern is.
    items = tuple(item for item in _items(files, output) if fnmatch(item.name, pattern or "*"))
    if not items:
        raise FileProblem(
            f"{pattern}: no image in {source} has such a name; one of {len(files)} is "
            f"{files[0].name}"
        )
    return FolderPlan(output, items)


def plan_files(files: Sequence[str | Path], output: str | Path) -> FolderPlan:
    """List the results of some image files.

    Parameters
    ----------
    files
        The images, at least one; an OME-Zarr is one too.
    output
        The folder of the results, as for :func:`plan_folder`.

    Raises
    ------
    FileProblem
        If the output is not valid, or two images have the same name.
    """
    sources, output = [local_path(file) for file in files], local_path(output)
    refuse_conflicts({"the result": output}, sources)
    _check_parent(output)
    _check_folder(output, "the results")
    names = Counter(file.name for file in sources)
    if repeated := [name for name, count in names.items() if count > 1]:
        raise FileProblem(
            f"two images are named {repeated[0]}, and their results would be one file; restore the "
            "files of one folder at a time"
        )
    return FolderPlan(output, _items(sources, output))


def _check_parent(output: Path) -> None:
    if not output.parent.is_dir():
        raise FileProblem(f"the folder {output.parent} does not exist; create it first")


def _check_folder(output: Path, what: str) -> None:
    if output.exists() and not output.is_dir():
        raise FileProblem(f"{output} is a file; give a folder for {what}")
    if is_zarr_name(output):
        raise FileProblem(f"{output}: give the name of a folder, without .zarr")


def _items(files: Sequence[Path], output: Path) -> tuple[FolderItem, ...]:
    """Name the result of each file; files that differ only in their suffix keep it.

    Names that differ only in upper and lower case count as equal, as on some disks.
    """
    names = {file: _stem(file) for file in files}
    while True:
        counts = Counter(name.casefold() for name in names.values())
        shared = [
            file
            for file, name in names.items()
            if counts[name.casefold()] > 1 and name != file.name
        ]
        if not shared:
            break
        names |= {file: file.name for file in shared}
    results = {
        file: output / f"{name}{'.ome.zarr' if is_zarr(file) else '.ome.tif'}"
        for file, name in names.items()
    }
    return tuple(FolderItem(file.name, file, results[file], results[file]) for file in files)


def _of_plate(plate: Plate, output: Path, overwrite: bool) -> FolderPlan:
    if not is_zarr_name(output):
        raise FileProblem(f"the result of a plate is a plate; end {output.name} in .ome.zarr")
    if output.exists() and not overwrite:
        raise OutputExists(f"{output} exists; choose another name, or pass --overwrite")
    if output.exists() and not is_zarr(output):
        raise FileProblem(f"{output} exists and is not a zarr; choose another name")
    items = (
        FolderItem(field, plate.path / field, plate.working_path(output, field), output / field)
        for field in plate.fields
    )
    return FolderPlan(output, tuple(items), plate)


def _is_image(file: Path) -> bool:
    if file.name.startswith("."):
        return False
    if file.is_dir():
        return is_zarr(file)
    return file.name.lower().endswith(readable_suffixes())


def _stem(file: Path) -> str:
    lower = file.name.lower()
    suffix = next((one for one in _SUFFIXES if lower.endswith(one)), file.suffix)
    return file.name[: len(file.name) - len(suffix)]


def _has_settings(record: dict[str, Any], settings: Settings) -> bool:
    """Return whether a record has these settings, with numbers of the file where none is given."""
    recorded = record.get("settings")
    if not isinstance(recorded, dict) or not isinstance(recorded.get("task"), dict):
        return False
    given = settings.model_dump(mode="json", exclude={"task", *_NOT_COMPARED})
    of_file = {name: given.pop(name) for name in _OF_FILE}
    task = settings.task.model_dump(mode="json") | {"kind": settings.task.kind}
    return (
        all(recorded.get(name) == value for name, value in given.items())
        and all(value in (None, recorded.get(name)) for name, value in of_file.items())
        and all(
            value in (None, recorded["task"].get(name))
            for name, value in task.items()
            if name not in settings.task.estimated
        )
    )
