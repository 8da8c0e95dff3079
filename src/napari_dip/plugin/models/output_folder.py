"""What lies in the folder of a run before it starts: an unfinished run, or an earlier result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.errors import FileProblem, NapariDipError, OutputExists
from napari_dip.plugin.models.provenance import made_with
from napari_dip.plugin.models.target import Target, proposed_path, spread_beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari.layers import Layer

    from napari_dip.plugin.models.run_request import Asked, Wanted
    from napari_dip.settings import Settings

__all__ = ["Existing", "look_at", "queued", "resumed"]

_QUICK = 2**24  # values: of a larger image the fingerprint is not computed while the user waits


_PANELS = {"denoise": "Denoise", "super-resolve": "Super-resolution", "inpaint": "Inpaint"}


@dataclass(frozen=True)
class Existing:
    """What lies in the folder of a run.

    Attributes
    ----------
    path
        The folder.
    unfinished
        Whether it is a run that did not reach its end.
    same_image
        Whether it was made from the image and mask of the run; ``None`` if that is not known.
    image
        The name of the image that it was made from; empty if that is not known.
    settings, device
        What the unfinished run was started with.
    changes
        The settings that differ, each with both values.
    obstacle
        Why it cannot be resumed, as a sentence; empty where it can.
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

    def in_words(self) -> str:
        """Say what it is, and whether and with which settings it can be resumed."""
        if not self.unfinished:
            of = self.same_image is False and self.image
            return f"It was made from '{self.image}', or from another state of it." if of else ""
        if not self.resumable:
            return self.obstacle
        check = " Whether it is the same image is checked first." if self.same_image is None else ""
        if not self.changes:
            return f"Resume it, or start over?{check}"
        return (
            f"It was started with different settings: {'; '.join(self.changes)}. Resume continues "
            f"with the settings of that run and sets the controls to them.{check}"
        )


def look_at(asked: Asked) -> Existing | None:
    """Look at what lies where a result should go; ``None`` if nothing does.

    Parameters
    ----------
    asked
        The run, its mask read.

    Raises
    ------
    FileProblem
        If something lies there that must not be replaced, or another run writes there.
    """
    from napari_dip.files.resumable_output import existing_output

    path = asked.target.path
    if path is None:
        return None
    for place in (path, spread_beside(path)):
        _refuse_while_written(place)
    there = existing_output(path)
    if there == "nothing":
        spread = spread_beside(path)
        return Existing(spread, unfinished=False) if spread.exists() else None
    unfinished = there == "an unfinished run"
    record = _record(path)
    name = _image_name(path)
    try:
        settings = made_with(record)
        same = _same_image(record, asked, settings)
        device = str(record["device"])
    except (NapariDipError, LookupError, TypeError, ValueError):
        why = "It was not started by this version of napari-dip, so it cannot be resumed."
        return Existing(path, unfinished, image=name, obstacle=why)
    return Existing(
        path,
        unfinished,
        same,
        name,
        settings,
        device,
        tuple(_changes(settings, asked.settings)),
        _obstacle(record, asked, settings, same, name) if unfinished else "",
    )


def resumed(asked: Asked, found: Existing) -> Asked:
    """Ask for the run that lies there, with the settings that it was started with."""
    settings = found.settings or asked.settings
    source = replace(asked.source, axes=settings.axes or asked.source.axes)
    note = "It was resumed with the settings that it was started with." if found.changes else ""
    target = replace(asked.target, resume=True, device=found.device, note=note)
    return replace(asked, source=source, settings=settings, target=target)


def _refuse_while_written(path: Path) -> None:
    from napari_dip.files.lock import RunLock

    if RunLock.is_held_here(path):
        raise FileProblem(
            f"Another run of this napari writes to {path}: wait for it, or choose another folder."
        )
    if path.exists():
        RunLock(path).release()  # another process may hold it


def _record(path: Path) -> dict[str, Any]:
    from napari_dip.files.output_folder import recorded_run

    try:
        return recorded_run(path)
    except FileProblem:  # it was not written by napari-dip
        return {}


def _image_name(path: Path) -> str:
    from napari_dip.files.image_io import read_image
    from napari_dip.files.output_folder import working_folder

    try:
        name = read_image(working_folder(path), lazy=True).extras["ngff"]["name"]
    except (NapariDipError, LookupError):
        return ""
    return "" if name == "image" else str(name)  # what is written where no name is known


def _same_image(record: Mapping[str, Any], asked: Asked, settings: Settings) -> bool | None:
    from napari_dip.image.layout_plan import make_layout
    from napari_dip.image.observed import Fingerprint
    from napari_dip.image.problem import observed_image

    source, about = asked.source, record["image"]
    data = source.data
    alike = list(data.shape) == list(about["shape"]) and str(data.dtype) == about["dtype"]
    if not alike or source.rgb != about["axes"].endswith("S"):
        return False
    if not isinstance(data, np.ndarray) or data.size > _QUICK:
        return None
    layout = make_layout(data.shape, settings)
    observed, fingerprint = observed_image(data, source.whole_mask, layout), Fingerprint()
    for index in layout.indices():
        fingerprint.add(observed.read(index))
    return bool(str(fingerprint) == about["values and mask"])


def _changes(started: Settings, now: Settings) -> Iterator[str]:
    """List the settings that differ, but for those that say what the axes of the image are."""
    pairs = [(name, value, getattr(now, name)) for name, value in started if name != "task"]
    if started.task.kind == now.task.kind:
        pairs += [(name, value, getattr(now.task, name)) for name, value in started.task]
    for name, value, other in pairs:
        if value != other and name not in ("axes", "voxel", "preview_every_s"):
            yield f"{name.replace('_', ' ')} {_brief(value)} (now {_brief(other)})"


def _brief(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if hasattr(value, "rule"):
        return str(value.rule)
    return str(value.model_dump() if hasattr(value, "model_dump") else value)


def _obstacle(
    record: Mapping[str, Any], asked: Asked, settings: Settings, same: bool | None, name: str
) -> str:
    """Say why a run cannot be resumed; empty where it can."""
    if same is False:
        return f"It cannot be resumed: {_other_image(record, asked, name)}."
    if settings.task.kind != asked.settings.task.kind:
        panel = _PANELS[settings.task.kind]
        return f"It was started in the panel {panel}: open that panel to resume it."
    if record.get("psf") is not None:
        return "It was started from Python with a point spread function: resume it there."
    for package, then in record.get("versions", {}).items():
        if then != (now := version(package)):
            return (
                f"It was started with {package} {then}, and {package} {now} is installed, which "
                "computes slightly different pixels: it can be resumed only with the version that "
                "it was started with."
            )
    if asked.machines.scheduler is None and asked.machines.workers is None:
        from napari_dip.compute.device import choose_device

        try:
            choose_device(str(record["device"]))
        except NapariDipError as error:
            return f"It was started on the device {record['device']}. {error}"
    return ""


def _other_image(record: Mapping[str, Any], asked: Asked, name: str) -> str:
    source, about = asked.source, record["image"]
    if list(about["shape"]) != list(source.data.shape) or about["dtype"] != str(source.data.dtype):
        shape = " × ".join(map(str, about["shape"]))
        of = f" '{name}'" if name else ""
        return f"it was started on another image{of} ({shape}, {about['dtype']})"
    if name and name != source.name:
        return f"it was started on another image, '{name}'"
    return f"the pixels of '{source.name}' or of its mask are not those that it was started on"


def queued(wanted: Wanted, layer: Layer) -> Asked:
    """Ask for a run of one of several layers, whose result has a folder of its own.

    A run of the same image with the same settings that was not finished is resumed.

    Raises
    ------
    OutputExists
        If anything else lies in the folder: nobody waits to be asked what to do with it.
    NapariDipError
        If it cannot work.
    """
    asked = wanted.of(layer, pixels=True)
    if asked.target.path is None:
        return asked
    name = proposed_path(asked.source, asked.settings).name
    asked = replace(asked, target=Target(asked.target.path.with_name(name)))
    found = look_at(asked)
    if found is None:
        return asked
    if found.resumable and found.same_image and not found.changes:
        return resumed(asked, found)
    why = found.in_words() if found.unfinished else "It holds a result already."
    raise OutputExists(f"{found.path}: {why} Move it away, or run '{asked.source.name}' by itself.")
