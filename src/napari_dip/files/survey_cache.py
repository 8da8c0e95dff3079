"""Cache the survey of an image in its output, so that a resumed run need not repeat it.

Whether the survey is still valid is decided without reading the image: files count as unchanged
while their names, sizes and modification times are those before the survey. In doubt the survey is
repeated.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic_core import to_json

from napari_dip.files.atomic_write import translate_disk_errors, write_atomically
from napari_dip.files.output_folder import JOURNAL
from napari_dip.image.intensity import Scale
from napari_dip.image.survey import Survey
from napari_dip.noise.model import from_record, to_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.image.metadata import StoredImage
    from napari_dip.settings import Settings

__all__ = ["SurveyCache"]


@dataclass(frozen=True)
class SurveyCache:
    """Cache of the survey of an image, identified by a digest; create it with :meth:`for_image`.

    Parameters
    ----------
    digest
        Digest of the state of the files, the mask, the settings, and the version of this package.

    Examples
    --------
    >>> import tempfile
    >>> from napari_dip.noise.poisson_gaussian import PoissonGaussian
    >>> output = Path(tempfile.mkdtemp())
    >>> (output / JOURNAL).mkdir()
    >>> noises = (PoissonGaussian(read=0.1),)
    >>> survey = Survey((Scale(0.0, 1.0),), noises, frozenset(), "of all values")
    >>> SurveyCache("one").save(output, survey)
    >>> SurveyCache("one").load(output) == survey, SurveyCache("another").load(output)
    (True, None)
    """

    digest: str

    @classmethod
    def for_image(
        cls, stored: StoredImage, missing: NDArray[np.bool_] | None, settings: Settings
    ) -> SurveyCache | None:
        """Create the cache of an image; ``None`` if its files are unknown or cannot be read."""
        digest = hashlib.blake2b(digest_size=16)
        requested = settings.model_dump(mode="json", exclude={"preview_every_s"})
        digest.update(to_json([version("napari-dip"), requested, stored.axes, stored.image.shape]))
        digest.update(to_json(stored.series))
        if missing is not None:
            digest.update(to_json(missing.shape))
            digest.update(np.ascontiguousarray(missing).data)
        try:
            for file in _list_files(stored.files):
                state = file.stat()
                timestamps = (state.st_size, state.st_mtime_ns, state.st_ctime_ns)
                digest.update(to_json([os.fsencode(file).hex(), *timestamps]))
        except OSError:
            return None
        return cls(digest.hexdigest()) if stored.files else None

    def save(self, path: Path, survey: Survey) -> None:
        """Write the survey into the journal of the output at `path`."""
        # Floats are written without loss; infinite ones become words.
        content = {"of": self.digest, "told": _as_dict(survey)}
        with translate_disk_errors(path):
            write_atomically(_file(path), to_json(content, inf_nan_mode="strings", indent=2))

    def load(self, path: Path) -> Survey | None:
        """Read the survey; ``None`` if there is none of this digest."""
        try:
            content: dict[str, Any] = json.loads(_file(path).read_bytes())
            return _from_dict(content["told"]) if content["of"] == self.digest else None
        except (OSError, ValueError, LookupError, TypeError):
            return None


def _file(path: Path) -> Path:
    return path / JOURNAL / "look.json"


def _list_files(places: tuple[Path, ...]) -> Iterator[Path]:
    """List files, and the files in folders, in a fixed order."""
    for place in places:
        place = place.resolve()
        if not place.is_dir():
            yield place
            continue
        for folder, below, names in os.walk(place, onerror=_raise):
            below.sort()
            if any(Path(folder, name).is_symlink() for name in below):
                raise OSError(f"{folder} contains a link")
            yield from (Path(folder, name) for name in sorted(names))


def _raise(error: OSError) -> None:
    raise error


def _as_dict(survey: Survey) -> dict[str, Any]:
    return {
        "scales": [scale and [scale.low, scale.high] for scale in survey.scales],
        "noises": [to_record(noise) for noise in survey.noises],
        "breaks": sorted(survey.breaks),
        "unknown": sorted(survey.unknown),
        "digest": survey.digest,
        "known": survey.known,
    }


def _from_dict(entries: dict[str, Any]) -> Survey:
    return Survey(
        scales=tuple(ends and Scale(*map(float, ends)) for ends in entries["scales"]),
        noises=tuple(from_record(noise) for noise in entries["noises"]),
        breaks=frozenset(map(tuple, entries["breaks"])),
        unknown=frozenset(map(tuple, entries["unknown"])),
        digest=entries["digest"],
        known=entries["known"],
    )
