"""The image of a bead, as it is when a run starts, and the point spread function in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_dip.plaintext import as_utf8

if TYPE_CHECKING:
    from pathlib import Path

    from napari_dip.image.metadata import StoredImage
    from napari_dip.optics.psf import PSF
    from napari_dip.settings import Settings

__all__ = ["Bead"]


@dataclass(frozen=True, eq=False)
class Bead:
    """The image of a bead.

    Attributes
    ----------
    stored
        The image, with the sizes of its pixels.
    name
        The name of its layer.
    path
        The file that it was read from, if napari knows it.
    """

    stored: StoredImage
    name: str
    path: Path | None = None

    @property
    def record(self) -> dict[str, Any]:
        """Where it came from, as JSON values."""
        return {"layer": self.name, "path": self._file or None}

    def psf(self, image: StoredImage, settings: Settings) -> PSF:
        """Measure the point spread function, in pixels of the result of an image.

        Raises
        ------
        BadImage
            If it has other axes than the image, or shows no bead.
        """
        from napari_dip.files.psf_file import psf_of_bead

        psf = psf_of_bead(self.stored, f"'{self.name}'", image, settings)
        return replace(psf, file=self._file)

    @property
    def _file(self) -> str:
        return "" if self.path is None else as_utf8(self.path.absolute())
