"""Keep what OME-XML says besides the image: microscope, person, annotations and regions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import tifffile

from napari_dip.files.tiff_tags import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from napari_dip.files.tolerant_parsing import TolerantParser
    from napari_dip.image.metadata import StoredImage

__all__ = ["described_file", "element_names", "read_elements"]

_ORDER = (
    *("Experimenter", "Instrument", "Image", "StructuredAnnotations", "ROI"),
    *("AcquisitionDate", "ExperimenterRef", "Description", "InstrumentRef", "ObjectiveSettings"),
    *("ImagingEnvironment", "StageLabel", "Pixels", "ROIRef"),
    *("LightSourceSettings", "DetectorSettings", "FilterSetRef", "AnnotationRef", "LightPath"),
)
"""Children of OME, of an image and of a channel, in the order of the schema."""

_OF_FILE = ("Experimenter", "Instrument", "ROI")
_OF_IMAGE = (
    *("ExperimenterRef", "InstrumentRef", "ObjectiveSettings", "ImagingEnvironment"),
    *("StageLabel", "ROIRef", "AnnotationRef"),
)
_OF_CHANNEL = (
    *("LightSourceSettings", "DetectorSettings", "FilterSetRef", "AnnotationRef", "LightPath"),
)
_NOT_KEPT = (
    *("Rights", "Project", "Dataset", "Folder", "Experiment", "Plate", "Screen"),
    "ExperimenterGroup",
)
_REFERENCES = ("Ref", "Settings")
"""Ends of the names of elements whose ID is that of another element."""

_WRITTEN_AGAIN = (NAME, "openmicroscopy.org/omero/dimension/modulo")
"""Namespaces of annotations that a result has of its own."""

_SCHEMAS = (
    "",
    "{http://www.openmicroscopy.org/Schemas/OME/2016-06}",
    "{http://www.openmicroscopy.org/Schemas/OME/2015-01}",
)
"""Namespaces whose elements may be written in the latest schema."""

_TOLD = {
    "Instrument": "microscope",
    "Experimenter": "experimenter",
    "ImagingEnvironment": "imaging environment",
    "StageLabel": "stage label",
    "Annotation": "annotations",
    "ROI": "regions of interest",
}


def read_elements(
    image: ElementTree.Element, root: ElementTree.Element | None, parser: TolerantParser
) -> dict[str, Any]:
    """Return the elements that a result keeps, as XML without a namespace.

    Parameters
    ----------
    image, root
        The element of the image, and of the file.
    parser
        Learns of those that are not kept.

    Returns
    -------
    dict
        The elements of the ``file``, of its ``annotations``, of the ``image`` and of each of its
        ``channels``, and the ``shape`` that regions refer to; empty without any. In a file with
        several images, those that this one refers to.
    """
    if root is None:
        return {}
    space = root.tag.removesuffix("OME")
    present = [name for name in _NOT_KEPT if root.find(f"{{*}}{name}") is not None]
    if space not in _SCHEMAS:
        more = (*_OF_FILE, "StructuredAnnotations")
        present += [name for name in more if root.find(f"{{*}}{name}") is not None]
    if present:
        parser.lose(f"Not copied to a result: {', '.join(present)} of its OME-XML.")
    if space not in _SCHEMAS:
        return {}
    pixels = image.find("{*}Pixels")
    found = {
        "file": [_local(one) for one in root if _name(one) in _OF_FILE],
        "annotations": [
            _local(one)
            for one in root.iterfind("{*}StructuredAnnotations/*")
            if one.get("Namespace") not in _WRITTEN_AGAIN
        ],
        "image": [_local(one) for one in image if _name(one) in _OF_IMAGE],
    }
    channels = [
        [_local(one) for one in channel if _name(one) in _OF_CHANNEL]
        for channel in image.iterfind("{*}Pixels/{*}Channel")
    ]
    own = [*found["image"], *(one for listed in channels for one in listed)]
    if len(root.findall("{*}Image")) > 1:
        used = _used([*found["file"], *found["annotations"]], own)
        for part in ("file", "annotations"):
            found[part] = [one for one in found[part] if one.get("ID") in used]
    known = {
        each.get("ID")
        for one in (*found["file"], *found["annotations"])
        for each in one.iter()
        if not _is_reference(each)
    }
    elements: dict[str, Any] = {
        part: [*_texts(listed, known)] for part, listed in found.items()
    } | {"channels": [[*_texts(listed, known)] for listed in channels]}
    if not any((*map(elements.get, found), *elements["channels"])):
        return {}
    shape = (None, None) if pixels is None else (pixels.get("SizeY"), pixels.get("SizeX"))
    return elements | {"shape": shape}


def element_names(elements: Mapping[str, Any]) -> list[str]:
    """Name the kinds of elements that :func:`read_elements` found.

    Examples
    --------
    >>> element_names({"file": ["<ROI />"], "annotations": [], "image": ["<StageLabel />"]})
    ['stage label', 'regions of interest']
    """
    texts = [*elements.get("file", ()), *elements.get("image", ())]
    present = {text[1:].split(">")[0].split()[0] for text in texts}
    present |= {"Annotation"} if elements.get("annotations") else set()
    return [told for name, told in _TOLD.items() if name in present]


def described_file(
    stored: StoredImage, metadata: dict[str, Any], planes: Sequence[Mapping[str, Any]]
) -> bytes:
    """Return the OME-XML of an image with the elements that are kept.

    Parameters
    ----------
    stored
        The image, and in its extras the elements.
    metadata
        What tifffile writes itself.
    planes
        The attributes of planes.
    """
    colours = stored.image.shape[-1] if "S" in stored.axes else 1
    height, width = (stored.image.shape[stored.axes.index(axis)] for axis in "YX")
    count = math.prod(stored.image.shape) // (height * width * colours)
    written = tifffile.OmeXml()
    written.addimage(
        dtype=stored.image.dtype,
        shape=stored.image.shape,
        storedshape=(count, 1, 1, height, width, colours),
        **metadata,
    )
    root = ElementTree.fromstring(written.tostring())
    space = root.tag.removesuffix("OME")
    root = _local(root)
    root.set("xmlns", space.strip("{}"))
    image, pixels = root.find("Image"), root.find("Image/Pixels")
    assert image is not None
    assert pixels is not None
    for one in (*root.iterfind("StructuredAnnotations/*"), *image.iterfind("AnnotationRef")):
        one.set("ID", one.get("ID", "").replace(":", f":{NAME}-"))
    for attributes in planes:
        ElementTree.SubElement(pixels, "Plane", {key: str(one) for key, one in attributes.items()})
    _add(root, image, pixels, stored.extras.get("ome_elements", {}), (str(height), str(width)))
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def _add(
    root: ElementTree.Element,
    image: ElementTree.Element,
    pixels: ElementTree.Element,
    elements: Mapping[str, Any],
    shape: tuple[str, str],
) -> None:
    regions = ("ROI", "ROIRef") if tuple(elements.get("shape", ())) != shape else ()

    def extend(parent: ElementTree.Element, texts: Iterable[str]) -> None:
        made = [ElementTree.fromstring(text) for text in texts]
        parent.extend([one for one in made if one.tag not in regions])
        parent[:] = sorted(parent, key=lambda one: _ORDER.index(one.tag))

    if annotations := elements.get("annotations"):
        holder = root.find("StructuredAnnotations")
        if holder is None:
            holder = ElementTree.SubElement(root, "StructuredAnnotations")
        holder.extend([ElementTree.fromstring(text) for text in annotations])
    extend(root, elements.get("file", ()))
    extend(image, elements.get("image", ()))
    channels = pixels.findall("Channel")
    described = elements.get("channels", ())
    if len(described) == len(channels):
        for channel, texts in zip(channels, described, strict=True):
            channel[:] = []  # tifffile writes an empty light path
            extend(channel, texts)


def _local(element: ElementTree.Element) -> ElementTree.Element:
    """Copy an element; names in its namespace become local ones."""
    space = element.tag.removesuffix(_name(element))
    copied = ElementTree.fromstring(ElementTree.tostring(element))
    copied.tail = None
    for each in copied.iter():
        if space and each.tag.startswith(space):
            each.tag = each.tag.removeprefix(space)
    return copied


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _is_reference(element: ElementTree.Element) -> bool:
    return element.tag.endswith(_REFERENCES)


def _used(
    candidates: Sequence[ElementTree.Element], users: Sequence[ElementTree.Element]
) -> set[str | None]:
    """Return the IDs of all elements that others refer to, directly or through another."""
    owners = {each.get("ID"): one for one in candidates for each in one.iter()}
    used: set[str | None] = set()
    waiting = [*users]
    while waiting:
        for each in waiting.pop().iter():
            owner = owners.get(each.get("ID")) if _is_reference(each) else None
            if owner is not None and owner.get("ID") not in used:
                used.add(owner.get("ID"))
                waiting.append(owner)
    return used


def _texts(elements: Iterable[ElementTree.Element], known: set[str | None]) -> Iterator[str]:
    """Return elements as XML, without references to elements that are unknown."""
    for one in elements:
        if _is_reference(one) and one.get("ID") not in known:
            continue
        # What is in an annotation is not OME's.
        for parent in [] if one.tag == "XMLAnnotation" else [*one.iter()]:
            for child in [*parent]:
                if _is_reference(child) and child.get("ID") not in known:
                    parent.remove(child)
        yield ElementTree.tostring(one, encoding="unicode")
