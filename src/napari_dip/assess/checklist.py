"""Fill in two community checklists as far as the program knows.

The items are paraphrased from C. Schmied et al., Nature Methods 21, 170-181 (2024),
doi:10.1038/s41592-023-01987-9, by working group 12 of QUAREP-LiMi; the levels are those of its
site, quarep-limi.github.io/WG12_checklists_for_image_publishing. The metadata are from table 1 of
working group 11, "Better reporting is better science", Journal of Cell Biology 225 (3),
e202601032 (2026).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHECKLIST_SOURCES", "ChecklistItem", "image_checklist", "metadata_table"]

CHECKLIST_SOURCES = (
    "C. Schmied et al., Community-developed checklists for publishing images and image analyses, "
    "Nature Methods 21, 170-181 (2024), doi:10.1038/s41592-023-01987-9",
    "QUAREP-LiMi working group 11, Better reporting is better science, Journal of Cell Biology "
    "225 (3), e202601032 (2026)",
)

Level = Literal["minimal", "recommended", "ideal"]


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a checklist.

    Parameters
    ----------
    group, item
        Its heading, and what is asked for.
    answer
        What the program knows; empty if the author has to fill it in.
    hint
        What the author has to do, if the program knows more than the item.
    level
        How much the checklist asks for it; empty for the table of metadata.
    """

    group: str
    item: str
    answer: str = ""
    level: Level | Literal[""] = ""
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the fields as JSON values."""
        return asdict(self)


def image_checklist(
    record: Mapping[str, Any], sizes: Mapping[str, str], limits: str
) -> tuple[ChecklistItem, ...]:
    """Return the items about a processed image and about an established workflow.

    Parameters
    ----------
    record
        The record of the result.
    sizes
        Pixel size or interval in words, by axis; unknown ones are left out.
    limits
        The intensities that are shown black and white, in words.
    """
    version = record.get("napari-dip", "?")
    origin = record.get("input", {})
    digest = origin.get("pixels") or ""
    part = origin.get("part")
    axes = dict(zip(origin.get("axes", ""), origin.get("shape", ()), strict=False))
    steps = [letter for letter in "ZT" if axes.get(letter, 1) > 1]
    scale = "; ".join(f"{letter} {sizes[letter]}" for letter in "YX" if letter in sizes)
    needed = ["Y", "X", *steps]
    all_known = all(letter in sizes for letter in needed if letter in axes)
    details = "; ".join(f"{letter} {sizes[letter]}" for letter in needed if letter in sizes)
    details = details if all_known else ""
    mask = _mask(record)
    drawn = "" if origin.get("known") else "none"
    platform = record.get("machine", {}).get("system", "")
    python = f"Python {record.get('versions', {}).get('python', '?')}"
    hints = {
        "Provide example data": digest and f"share the input, whose digest is {digest[:12]}…",
        "Provide regions that were drawn by hand": mask and f"share the mask '{mask}'",
    }
    asked: list[tuple[str, Level, str, str]] = [
        ("Format", "minimal", "Crop to the relevant content; tell how", _cropping(part)),
        ("Format", "minimal", "Show the images of a figure apart from each other", ""),
        ("Format", "minimal", "Show an example of the images that were measured", ""),
        ("Format", "minimal", "Mark where an inset lies in the whole image", ""),
        ("Format", "minimal", "Show the range of what is described", ""),
        ("Colour", "minimal", "Name the stain or marker of each channel", ""),
        ("Colour", "minimal", "Report the adjustment of brightness and contrast", limits),
        (
            "Colour",
            "minimal",
            "Adjust images that are compared in the same way",
            "input and result have the same limits in this report",
        ),
        ("Colour", "minimal", "Choose colours that all readers can tell apart", ""),
        (
            "Colour",
            "minimal",
            "Show each channel in grey",
            "" if "S" in axes else "this report shows one in grey",
        ),
        ("Colour", "minimal", "Merge channels in colours for colour-blind readers", _merged(axes)),
        ("Colour", "recommended", "Show a scale of the intensities", ""),
        ("Colour", "ideal", "Show false colours in grey, too", "grey here"),
        ("Colour", "ideal", "Show a linear image beside one with another gamma", "linear here"),
        (
            "Annotation",
            "minimal",
            "Show a scale bar",
            scale and f"{scale}; a bar is in the picture",
        ),
        ("Annotation", "minimal", "Explain all annotations", ""),
        ("Annotation", "minimal", "Make annotations legible", ""),
        ("Annotation", "minimal", "Put no annotation over the data that matter", ""),
        (
            "Annotation",
            "recommended",
            "Give what a reader needs to interpret it, such as pixel size and intervals",
            details,
        ),
        ("Availability", "minimal", "Share the images, raw and processed, without loss", ""),
        ("Availability", "recommended", "Make them downloadable without a request", ""),
        ("Availability", "ideal", "Put them into a database of images", ""),
        (
            "Workflow",
            "minimal",
            "Cite the workflow and its platform",
            ", ".join(filter(None, [f"napari-dip {version}", python, platform])),
        ),
        ("Workflow", "minimal", "Give the key settings", "in the methods paragraph"),
        (
            "Workflow",
            "minimal",
            "Provide example data",
            "",
        ),
        ("Workflow", "minimal", "Provide regions that were drawn by hand", drawn),
        ("Workflow", "minimal", "Give the exact version", f"napari-dip {version}"),
        (
            "Workflow",
            "recommended",
            "Give all settings",
            "in the record of the result; napari-dip reproduce FILE repeats it",
        ),
        ("Workflow", "recommended", "Provide a public example", ""),
        ("Workflow", "ideal", "Document the use of the workflow on video or as a tutorial", ""),
        ("Workflow", "ideal", "Share the workflow as a container or on a server", ""),
    ]
    return tuple(
        ChecklistItem(group, item, answer, level, "" if answer else hints.get(item, ""))
        for group, level, item, answer in asked
    )


def metadata_table(
    record: Mapping[str, Any], sizes: Mapping[str, str], channels: str
) -> tuple[ChecklistItem, ...]:
    """Return the minimal metadata of the experiment and its images.

    Parameters
    ----------
    record
        The record of the result.
    sizes
        Pixel size or interval in words, by axis.
    channels
        Names of the channels; empty if they are not known.
    """
    origin = record.get("input", {})
    lengths = dict(zip(origin.get("axes", ""), origin.get("shape", ()), strict=False))
    shape = " x ".join(f"{letter} {size}" for letter, size in lengths.items())
    in_plane = "; ".join(f"{letter} {sizes[letter]}" for letter in "YX" if letter in sizes)
    asked = [
        ("Specimen", "Cover glass; mounting or imaging medium", ""),
        ("Specimen", "Labels: protein, dye or antibody, with maker and concentration", channels),
        ("Hardware", "Stand: maker, model, upright or inverted", ""),
        ("Hardware", "Modality, and modules such as a spinning disk", ""),
        ("Hardware", "Objective as engraved; further magnification", ""),
        ("Hardware", "Light source; filters and dichroic mirrors", ""),
        ("Hardware", "Detector: maker, model, settings", ""),
        ("Acquisition", "Excitation, power, exposure or dwell time of each channel", ""),
        ("Acquisition", "Pixel size along Y and X, after binning", in_plane),
        ("Acquisition", "Distance of planes", _if_needed("Z", lengths, sizes)),
        ("Acquisition", "Interval of time points", _if_needed("T", lengths, sizes)),
        ("Acquisition", "Temperature and atmosphere for live cells", ""),
        ("Acquisition", "Software of the acquisition, with its version", ""),
        ("Image", "Size and bit depth", f"{shape}, {origin.get('dtype', '?')}" if shape else ""),
        (
            "Image",
            "Processing, with software and version",
            f"napari-dip {record.get('napari-dip')}",
        ),
    ]
    return tuple(ChecklistItem(group, item, answer) for group, item, answer in asked)


def _cropping(part: Any) -> str:
    return "a part was restored; the record has its corners" if part else "not cropped here"


def _merged(axes: Mapping[str, int]) -> str:
    return "one channel" if axes.get("C", 1) == 1 and "S" not in axes else ""


def _mask(record: Mapping[str, Any]) -> str:
    """Return the name of the mask; empty if it is not known."""
    mask = record.get("input", {}).get("mask")
    return PurePath((mask or {}).get("layer") or (mask or {}).get("path") or "").name


def _if_needed(axis: str, lengths: Mapping[str, int], sizes: Mapping[str, str]) -> str:
    one = {"Z": "one plane", "T": "one time point"}[axis]
    return sizes.get(axis, "") if lengths.get(axis, 1) > 1 else one
