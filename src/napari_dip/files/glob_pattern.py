"""Find the files that match a pattern such as ``frames_t*.tif``."""

from __future__ import annotations

import glob
from pathlib import Path

__all__ = ["is_glob_pattern", "matching_files"]


def is_glob_pattern(path: Path) -> bool:
    """Return whether a path is a pattern; the path of an existing file never is."""
    return glob.has_magic(str(path)) and not path.exists()


def matching_files(pattern: Path) -> list[Path]:
    """List the files that match a pattern.

    Parameters
    ----------
    pattern
        With ``*``, ``?`` and ``[...]``. Leading folders that exist are taken literally, even with
        brackets in their names. If nothing matches, brackets are taken literally everywhere.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "[exp 1]"
    >>> folder.mkdir()
    >>> (folder / "frame_t1.tif").touch()
    >>> [file.name for file in matching_files(folder / "frame_t*.tif")]
    ['frame_t1.tif']
    """
    known = pattern.parent
    while not known.exists() and known != known.parent:
        known = known.parent
    rest = pattern.relative_to(known).as_posix() if known != Path() else str(pattern)
    found = _found(known, rest)
    return found or _found(known, rest.replace("[", "[[]"))


def _found(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder / name for name in glob.glob(pattern, root_dir=folder))
