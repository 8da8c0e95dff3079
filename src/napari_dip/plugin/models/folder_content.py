"""Inspect the folder of a run before it starts: an unfinished run, or an earlier result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem, NapariDipError, OutputExists
from napari_dip.image.pixel_digest import pixel_digest
from napari_dip.plugin.models.layer_record import recorded_settings
from napari_dip.plugin.models.point_spread import measured_psf_of
from napari_dip.plugin.models.target import Target, proposed_path, uncertainty_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari.layers import Layer

    from napari_dip.plugin.models.request_template import RequestTemplate
    from napari_dip.plugin.models.run_request import RunRequest
    from napari_dip.settings import Settings

__all__ = ["FolderContent", "batch_request", "inspect_folder", "resume_request"]

MAX_FINGERPRINT_VALUES = 2**24  # values: the fingerprint is computed in the main thread


@dataclass(frozen=True)
class FolderContent:
    """The content of the folder of a run.

    Attributes
    ----------
    path
        The folder.
    unfinished
        Whether it holds an unfinished run.
    same_image
        Whether it was made from the image and mask of the new run; ``None`` if not known.
    image
        The name of its image; empty if not known.
    settings, device
        The settings and the device of the unfinished run.
    changes
        The settings that differ from those of the new run, each with both values.
    obstacle
        Why the run cannot be resumed, as a sentence; empty if it can.
    """

    path: Path
    unfinished: bool
    same_image: bool | None = None
    image: str = ""
    settings: Settings | None = None
    device: str = ""
    changes: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def resumable(self) -> bool:
        """Whether the run can be resumed."""
        return self.unfinished and self.settings is not None and not self.obstacle

    def describe(self) -> str:
        """Say what the folder holds, and whether and how the run can be resumed."""
        if not self.unfinished:
            if self.same_image is False and self.image:
                return f"It was made from '{self.image}' with other pixels, or from another image."
            return ""
        if not self.resumable:
            return self.obstacle
        check = ""
        if self.same_image is None:
            check = " Resume first checks whether it is the same image."
        if not self.changes:
            return f"Resume it, or start over?{check}"
        return (
            f"It was started with different settings: {'; '.join(self.changes)}. Resume continues "
            f"with the settings of that run and sets the controls to them.{check}"
        )


def inspect_folder(request: RunRequest) -> FolderContent | None:
    """Inspect the folder of a request; ``None`` if it is empty or does not exist.

    Parameters
    ----------
    request
        A request whose mask was read.

    Raises
    ------
    FileProblem
        If the folder must not be replaced, or another run writes to it.
    """
    path = request.target.path
    if path is None:
        return None
    from napari_dip.files.resumable_output import existing_output  # zarr takes long to load

    for folder in (path, uncertainty_path(path)):
        _refuse_locked(folder)
    kind = existing_output(path)
    if kind == "nothing":
        spread = uncertainty_path(path)
        return FolderContent(spread, unfinished=False) if spread.exists() else None
    unfinished = kind == "an unfinished run"
    record = _run_record(path)
    name = _image_name(path)
    try:
        settings = recorded_settings(record)
        same = _is_same_image(record, request, settings)
        device = str(record["device"])
    except (NapariDipError, LookupError, TypeError, ValueError):
        why = "This version of napari-dip did not start it and cannot resume it."
        return FolderContent(path, unfinished, image=name, obstacle=why)
    return FolderContent(
        path,
        unfinished,
        same,
        name,
        settings,
        device,
        tuple(_changes(settings, request.settings)),
        _obstacle(record, request, settings, same, name) if unfinished else "",
    )


def resume_request(request: RunRequest, content: FolderContent) -> RunRequest:
    """Make the request that resumes the unfinished run, with the settings of that run."""
    settings = content.settings or request.settings
    source = replace(request.source, axes=settings.axes or request.source.axes)
    if settings.task.describes_psf:
        source = replace(source, bead=None)
    note = "It was resumed with the settings that it was started with." if content.changes else ""
    target = replace(request.target, resume=True, device=content.device, note=note)
    return replace(request, source=source, settings=settings, target=target)


def batch_request(template: RequestTemplate, layer: Layer) -> RunRequest:
    """Make the request for one layer of a batch; each result has its own folder.

    An unfinished run of the same image with the same settings is resumed.

    Raises
    ------
    OutputExists
        If the folder holds anything else: a batch does not ask the user.
    NapariDipError
        If the run is not possible.
    """
    request = template.for_layer(layer, read_mask=True)
    if request.target.path is None:
        return request
    name = proposed_path(request.source, request.settings).name
    request = replace(request, target=Target(request.target.path.with_name(name)))
    content = inspect_folder(request)
    if content is None:
        return request
    if content.resumable and content.same_image and not content.changes:
        return resume_request(request, content)
    why = content.describe() if content.unfinished else "It holds a result already."
    raise OutputExists(
        f"{content.path}: {why} Move it away, or run '{request.source.name}' by itself."
    )


def _refuse_locked(path: Path) -> None:
    from napari_dip.files.lock import RunLock

    if RunLock.is_held_here(path):
        raise FileProblem(
            f"Another run of this napari writes to {path}: wait for it, or choose another folder."
        )
    if path.exists():
        RunLock(path).release()  # raises if another process holds the lock


def _run_record(path: Path) -> dict[str, Any]:
    from napari_dip.files.output_folder import recorded_run

    try:
        return recorded_run(path)
    except FileProblem:  # napari-dip did not write the folder
        return {}


def _image_name(path: Path) -> str:
    from napari_dip.files.image_io import read_image
    from napari_dip.files.output_folder import working_folder

    try:
        return read_image(working_folder(path), lazy=True).name
    except NapariDipError:
        return ""


def _is_same_image(
    record: Mapping[str, Any], request: RunRequest, settings: Settings
) -> bool | None:
    """Return whether the record has the fingerprint of the image; ``None`` for a large image."""
    from napari_dip.image.layout_plan import make_layout
    from napari_dip.image.observed import Fingerprint
    from napari_dip.image.problem import found_bad_pixels, observed_image

    source, recorded = request.source, record["image"]
    data = source.data
    same_form = list(data.shape) == list(recorded["shape"]) and str(data.dtype) == recorded["dtype"]
    if not same_form or source.rgb != recorded["axes"].endswith("S"):
        return False
    if not isinstance(data, np.ndarray) or data.size > MAX_FINGERPRINT_VALUES:
        return None
    layout = make_layout(data.shape, settings)
    bad = found_bad_pixels(data, layout, settings)
    observed = observed_image(data, source.whole_mask, layout, bad)
    fingerprint = Fingerprint(layout)
    for index in layout.indices():
        fingerprint.add(index, observed.read(index))
    return bool([fingerprint.values, fingerprint.known] == recorded["values and mask"])


def _changes(started: Settings, now: Settings) -> Iterator[str]:
    """List the settings that differ, except those that the image determines."""
    ignored = {"axes", "voxel", "preview_every_s"}
    if started.task.spec.needs_psf:
        ignored.add("overlap")  # follows from the point spread function
    pairs = [(name, value, getattr(now, name)) for name, value in started if name != "task"]
    if type(started.task) is type(now.task):
        pairs += [(name, value, getattr(now.task, name)) for name, value in started.task]
    for name, value, other in pairs:
        if value != other and name not in ignored:
            yield f"{name.replace('_', ' ')} {_setting_text(value)} (now {_setting_text(other)})"


def _setting_text(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if hasattr(value, "rule"):
        return str(value.rule)
    return str(value.model_dump() if hasattr(value, "model_dump") else value)


def _obstacle(
    record: Mapping[str, Any],
    request: RunRequest,
    settings: Settings,
    same: bool | None,
    name: str,
) -> str:
    """Say why a run cannot be resumed; empty if it can."""
    if same is False:
        return f"It cannot be resumed: {_image_difference(record, request, name)}."
    if type(settings.task) is not type(request.settings.task):
        panel = settings.task.spec.panel
        if not panel:
            return "It was started from Python or the shell: resume it there."
        return f"It was started in the panel {panel}: open that panel to resume it."
    if not settings.task.describes_psf and (why := _other_psf(record, request, settings)):
        return f"It cannot be resumed: {why}."
    for package, then in record.get("versions", {}).items():
        if then != (now := version(package)):
            return (
                f"It was started with {package} {then}. Version {now} is installed and computes "
                f"slightly different pixels: install {package} {then} to resume it."
            )
    if request.compute.scheduler is None and request.compute.workers is None:
        from napari_dip.compute.device import choose_device

        try:
            choose_device(str(record["device"]))
        except NapariDipError as error:
            return f"It was started on the device {record['device']}. {error}"
    return ""


def _other_psf(record: Mapping[str, Any], request: RunRequest, settings: Settings) -> str:
    """Say how the measured point spread function differs from that of a run; empty if it does not.

    The image of a bead is small: to measure it in the main thread takes a moment.
    """
    recorded = record.get("psf")
    now = measured_psf_of(request.source, settings)
    if recorded is None:
        return "it was started without a point spread function" if now is not None else ""
    if now is None:
        return "it was started with a measured point spread function; choose its bead"
    if pixel_digest(now.values, settings.spatial) != recorded["pixels"]:
        return "it was started with another bead; choose that one"
    return ""


def _image_difference(record: Mapping[str, Any], request: RunRequest, name: str) -> str:
    data, recorded = request.source.data, record["image"]
    if list(recorded["shape"]) != list(data.shape) or recorded["dtype"] != str(data.dtype):
        shape = " × ".join(map(str, recorded["shape"]))
        image = f"another image, '{name}'" if name else "another image"
        return f"it was started on {image} ({shape}, {recorded['dtype']})"
    if name and name != request.source.name:
        return f"it was started on another image, '{name}'"
    return f"the pixels of '{request.source.name}' or of its mask have changed since it started"
