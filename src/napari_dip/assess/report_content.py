"""The content of a report: what was done, how it looks, what can be said about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import to_json

from napari_dip.assess.caveats import caveats
from napari_dip.assess.checklist import CHECKLIST_SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_dip.assess.assessment import Assessment
    from napari_dip.assess.checklist import ChecklistItem
    from napari_dip.assess.methods_text import MethodsText
    from napari_dip.assess.shown_planes import ShownPlanes
    from napari_dip.settings import Settings

__all__ = ["Labels", "ReportContent", "ScaleBar"]


@dataclass(frozen=True)
class Labels:
    """What the report calls an image, and the size of its pixels.

    Parameters
    ----------
    input, result
        Names of the input and of the result, such as their files.
    pixel_size, unit
        Distance of two pixels of the input along each axis, and its unit, such as ``"µm"``.
    channels
        Names of the channels.
    """

    input: str = ""
    result: str = ""
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    unit: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()

    def sizes(self, factors: Mapping[str, int]) -> dict[str, str]:
        """Return the pixel sizes in words, of input and result where they differ."""
        words = {}
        for axis, size in self.pixel_size.items():
            unit, factor = self.unit.get(axis, "pixels"), factors.get(axis, 1)
            refined = f" (result {size / factor:.4g} {unit})" if factor > 1 else ""
            words[axis] = f"{size:.4g} {unit}{refined}"
        return words


class ScaleBar(NamedTuple):
    """Length of a scale bar in pixels of the result, and in words."""

    pixels: float
    length: str


@dataclass(frozen=True)
class ReportContent:
    """The content of a report.

    Parameters
    ----------
    record
        How the result was made: :meth:`Result.provenance`.
    settings
        The settings of the run.
    labels
        Names and pixel sizes.
    assessment
        What can be said about the result.
    planes
        The planes that are shown.
    bars
        Scale bars by the width in pixels of the pictures that get them: that of the whole result,
        and that of its details; empty if the pixel size is not known.
    methods
        The paragraph for the methods section.
    checklist, metadata
        The items of the checklists.
    """

    record: Mapping[str, Any]
    settings: Settings
    labels: Labels
    assessment: Assessment
    planes: ShownPlanes
    bars: Mapping[int, ScaleBar]
    methods: MethodsText
    checklist: tuple[ChecklistItem, ...]
    metadata: tuple[ChecklistItem, ...]

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know of the restored image."""
        return caveats(self.record, self.settings)

    def as_dict(self) -> dict[str, Any]:
        """Return the report without its pictures, as values that JSON can hold."""
        items = (*self.checklist, *self.metadata)
        return {
            "input": self.labels.input,
            "result": self.labels.result,
            "methods": self.methods.paragraph,
            "references": list(self.methods.references),
            "warnings": list(self.assessment.warnings()),
            "assessment": self.assessment.as_dict(),
            "caveats": list(self.caveats),
            "changed settings": _json_values(self.settings.changes()),
            "shown": {"plane": self.planes.place, "limits": list(self.planes.limits)},
            "pixel sizes": self.labels.sizes(self.settings.factors),
            "checklist": [item.as_dict() for item in self.checklist],
            "metadata": [item.as_dict() for item in self.metadata],
            "to fill in": [item.item for item in items if not item.answer],
            "sources": list(CHECKLIST_SOURCES),
            "record": _json_values(dict(self.record)),
        }


def _json_values(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(values, inf_nan_mode="null"))
    return found
