"""Read the wells of a plate in OME-Zarr, and write the plate of their results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import zarr

from napari_dip.errors import FileProblem
from napari_dip.files.atomic_write import hidden_sibling, swap_folder, translate_disk_errors
from napari_dip.files.declared_sizes import check_file_reference
from napari_dip.files.zarr_node import Location, open_node

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Plate", "is_plate", "open_plate"]


class Plate(NamedTuple):
    """A plate, or one well of it.

    Parameters
    ----------
    path
        The folder of the plate.
    attributes
        The attributes of the plate, and of each of the ``wells`` by its path in the plate.
    fields
        The paths of all images in the plate, such as ``A/1/0``.
    old
        Whether the plate is of zarr format 2.
    absent
        The paths of wells and images that the plate lists but does not hold: its acquisition was
        stopped, or its copy is incomplete. A result does not list them.
    """

    path: Path
    attributes: dict[str, Any]
    wells: dict[str, dict[str, Any]]
    fields: tuple[str, ...]
    old: bool
    absent: tuple[str, ...] = ()

    def working_path(self, output: Path, field: str) -> Path:
        """Return where the result of a field is written until the plate is complete."""
        folder = hidden_sibling(output, "part") / field
        return folder if folder.is_dir() else folder.with_name(f"{folder.name}.ome.zarr")

    def prepare(self, output: Path) -> None:
        """Make the folders of the wells."""
        with translate_disk_errors(output):
            for well in self.wells:
                (hidden_sibling(output, "part") / well).mkdir(parents=True, exist_ok=True)

    def assemble(self, output: Path) -> None:
        """Make a plate of the results of all fields; a plate at `output` is replaced."""
        part = hidden_sibling(output, "part")
        version: Literal[2, 3] = 2 if self.old else 3
        with translate_disk_errors(output):
            for field in self.fields:
                written = self.working_path(output, field)
                written.rename(part / field)
            groups = {"": _only_wells(self.attributes, self.wells)} | self.wells
            groups |= {well.split("/", maxsplit=1)[0]: {} for well in self.wells}
            for name, attributes in groups.items():
                # A killed run may have made some of the groups.
                group = zarr.open_group(part / name, mode="a", zarr_format=version)
                group.update_attributes(attributes)
            swap_folder(part, output)


def is_plate(path: Path) -> bool:
    """Return whether a zarr is a plate, or a well of one; only its own attributes are read.

    Raises
    ------
    FileProblem
        If they are damaged.
    """
    place = Location.of(path)
    return not place.zipped and _is_plate(dict(open_node(place).attrs))


def _is_plate(attributes: dict[str, Any]) -> bool:
    inner = attributes.get("ome", attributes)
    return isinstance(inner, dict) and bool({"plate", "well"} & inner.keys())


def open_plate(path: Path) -> Plate | None:
    """Open a plate, or a well of one; ``None`` if `path` is neither.

    Raises
    ------
    FileProblem
        If its metadata are damaged, or refer to places outside of it.
    """
    place = Location.of(path)
    if place.zipped:
        return None
    node = open_node(place)
    attributes: dict[str, Any] = dict(node.attrs)
    if not _is_plate(attributes):
        return None
    if "plate" in attributes.get("ome", attributes):
        return _plate(path, attributes, None)
    well = Path(path.absolute())
    root = well.parent.parent
    return _plate(root, dict(open_node(Location.of(root)).attrs), f"{well.parent.name}/{well.name}")


def _plate(path: Path, attributes: dict[str, Any], only: str | None) -> Plate:
    try:
        listed = [str(well["path"]) for well in attributes.get("ome", attributes)["plate"]["wells"]]
        names = [name for name in listed if only in (None, name)]
        if not names:
            raise ValueError(f"it does not list the well {only}")
        wells: dict[str, dict[str, Any]] = {}
        fields: list[str] = []
        absent: list[str] = []
        for name in names:
            check_file_reference(path, name)
            if not (path / name).exists():
                absent.append(name)
                continue
            node = open_node(Location.of(path / name))
            wells[name] = dict(node.attrs)
            held = []
            for image in wells[name].get("ome", wells[name])["well"]["images"]:
                field = f"{name}/{image['path']}"
                check_file_reference(path, field)
                if (path / field).exists():
                    held.append(image)
                    fields.append(field)
                else:
                    absent.append(field)
            wells[name] = _with_images(wells[name], held)
            if not held:
                del wells[name]
    except FileProblem:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise FileProblem(
            f"the metadata of the plate {path} are damaged ({type(error).__name__}: {error}); copy "
            "it again from its source, or give one of its images, such as A/1/0"
        ) from None
    if not fields:
        raise FileProblem(
            f"{path} holds none of the {len(absent)} images and wells that it lists; copy it again "
            "from its source"
        )
    old = not (path / "zarr.json").exists()
    return Plate(path, attributes, wells, tuple(fields), old, tuple(absent))


def _with_images(attributes: dict[str, Any], images: Sequence[Any]) -> dict[str, Any]:
    """Return the attributes of a well with these images alone."""
    inner = attributes.get("ome", attributes)
    changed = inner | {"well": inner["well"] | {"images": [*images]}}
    return attributes | {"ome": changed} if "ome" in attributes else changed


def _only_wells(
    attributes: dict[str, Any], wells: Sequence[str] | dict[str, Any]
) -> dict[str, Any]:
    """Return the attributes of a plate with these wells alone."""
    inner = attributes.get("ome", attributes)
    kept = [well for well in inner["plate"]["wells"] if well["path"] in wells]
    changed = inner | {"plate": inner["plate"] | {"wells": kept}}
    return attributes | {"ome": changed} if "ome" in attributes else changed
