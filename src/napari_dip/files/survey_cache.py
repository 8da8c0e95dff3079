"""What the look at all planes told, kept with the result for a run that is gone on with.

Whether the same look would tell the same again is found out without reading the image: files count
as unchanged while their names, sizes and times of change are what they were just before the look.
In any doubt the image is looked at again.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic_core import to_json

from napari_dip.files.atomic_write import translate_disk_errors, write_atomically
from napari_dip.files.resumable_zarr import JOURNAL
from napari_dip.image.intensity import Scale
from napari_dip.image.survey import Survey
from napari_dip.noise.model import NoiseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_dip.image.metadata import StoredImage
    from napari_dip.settings import Settings

__all__ = ["SurveyCache"]


@dataclass(frozen=True)
class SurveyCache:
    """A look at an image in files, by a digest of all that it depends on; :meth:`of` makes it.

    Parameters
    ----------
    digest
        Of the state of the files, the mask, the settings, and the version of this package.

    Examples
    --------
    >>> import tempfile
    >>> output = Path(tempfile.mkdtemp())
    >>> (output / JOURNAL).mkdir()
    >>> told = Survey((Scale(0.0, 1.0),), (NoiseModel(read=0.1),), frozenset(), "of all values")
    >>> SurveyCache("one").save(output, told)
    >>> SurveyCache("one").load(output) == told, SurveyCache("another").load(output)
    (True, None)
    """

    digest: str

    @classmethod
    def for_image(
        cls, stored: StoredImage, missing: NDArray[np.bool_] | None, settings: Settings
    ) -> SurveyCache | None:
        """Tell a look from others before it is taken; ``None`` if the files are not known."""
        digest = hashlib.blake2b(digest_size=16)
        asked = settings.model_dump(mode="json", exclude={"preview_every_s"})
        digest.update(to_json([version("napari-dip"), asked, stored.axes, stored.image.shape]))
        digest.update(to_json(stored.series))
        if missing is not None:
            digest.update(to_json(missing.shape))
            digest.update(np.ascontiguousarray(missing).data)
        try:
            for file in _all(stored.files):
                state = file.stat()
                when = (state.st_size, state.st_mtime_ns, state.st_ctime_ns)
                digest.update(to_json([os.fsencode(file).hex(), *when]))
        except OSError:
            return None
        return cls(digest.hexdigest()) if stored.files else None

    def save(self, path: Path, told: Survey) -> None:
        """Write down what it told, in the journal of the result at `path`."""
        # Floats are written so that they are read as the same, infinite ones as words.
        content = {"of": self.digest, "told": _as_dict(told)}
        with translate_disk_errors(path):
            write_atomically(_file(path), to_json(content, inf_nan_mode="strings", indent=2))

    def load(self, path: Path) -> Survey | None:
        """Read what this very look told; ``None`` if it is not there."""
        try:
            content: dict[str, Any] = json.loads(_file(path).read_bytes())
            return _from_dict(content["told"]) if content["of"] == self.digest else None
        except (OSError, ValueError, LookupError, TypeError):
            return None


def _file(path: Path) -> Path:
    return path / JOURNAL / "look.json"


def _all(places: tuple[Path, ...]) -> Iterator[Path]:
    """List files, and those in folders, always in the same order."""
    for place in places:
        place = place.resolve()
        if not place.is_dir():
            yield place
            continue
        for folder, below, names in os.walk(place, onerror=_give_up):
            below.sort()
            if any(Path(folder, name).is_symlink() for name in below):
                raise OSError(f"{folder} leads elsewhere")
            yield from (Path(folder, name) for name in sorted(names))


def _give_up(error: OSError) -> None:
    raise error


def _as_dict(told: Survey) -> dict[str, Any]:
    return {
        "scales": [scale and [scale.low, scale.high] for scale in told.scales],
        "noises": [asdict(noise) for noise in told.noises],
        "breaks": sorted(told.breaks),
        "unknown": sorted(told.unknown),
        "digest": told.digest,
    }


def _from_dict(said: dict[str, Any]) -> Survey:
    return Survey(
        scales=tuple(ends and Scale(*map(float, ends)) for ends in said["scales"]),
        noises=tuple(_noise(**noise) for noise in said["noises"]),
        breaks=frozenset(map(tuple, said["breaks"])),
        unknown=frozenset(map(tuple, said["unknown"])),
        digest=said["digest"],
    )


def _noise(*, correlation: list[list[float]], sure: bool, **numbers: float | str) -> NoiseModel:
    y, x = (tuple(map(float, shared)) for shared in correlation)
    own = {name: float(of) for name, of in numbers.items()}
    return NoiseModel(**own, correlation=(y, x), sure=sure)
