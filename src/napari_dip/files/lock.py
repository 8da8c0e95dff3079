"""Lock an output for one run at a time. The lock ends with its process."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from napari_dip.errors import FileProblem, NapariDipError
from napari_dip.files.atomic_write import hidden_sibling, resolve_links

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RunLock"]


class RunLock:
    """Hold the right to write to an output until :meth:`release`.

    The operating system releases the lock when the process ends, even after a kill. Within one
    process the latest run takes over, and :meth:`check` reports this to the earlier one. Workers
    that only write units need no lock. A file system without locks is used without one.

    Parameters
    ----------
    path
        The output. A hidden file beside it carries the lock.

    Raises
    ------
    FileProblem
        If another process holds the lock; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "a.ome.zarr"
    >>> lock = RunLock(path)
    >>> [file.name for file in path.parent.iterdir()]
    ['.a.ome.zarr.napari-dip-lock']
    >>> lock.release()
    >>> [*path.parent.iterdir()]
    []
    """

    _held: ClassVar[WeakValueDictionary[Path, RunLock]] = WeakValueDictionary()

    def __init__(self, path: Path) -> None:
        self._lock: FileLock | None = None
        self._path = path
        self._file = hidden_sibling(path, "lock")
        self._place = resolve_links(path)
        self._lost = False
        if (before := self._held.get(self._place)) is not None:
            self._lock = before.hand_over()
        else:
            self._acquire()
        self._held[self._place] = self

    def check(self) -> None:
        """Check that no other run of this process has taken over.

        Raises
        ------
        NapariDipError
            If one has.
        """
        if self._lost:
            raise NapariDipError(
                f"another run of this program writes to {self._path} now; this run ends"
            )

    @classmethod
    def is_held_here(cls, path: Path) -> bool:
        """Return whether a run of this process writes to `path`."""
        return resolve_links(path) in cls._held

    def hand_over(self) -> FileLock | None:
        """Hand the lock to a later run of this process."""
        self._lost = True
        lock, self._lock = self._lock, None
        return lock

    def release(self) -> None:
        """Release the lock; a second call has no effect."""
        if self._held.get(self._place) is self:
            self._held.pop(self._place, None)
        lock, self._lock = self._lock, None
        if lock is not None:
            with suppress(OSError):  # Windows cannot remove an open file
                self._file.unlink()
            lock.release()
            if os.name == "nt":
                with suppress(OSError):
                    self._file.unlink()

    def __del__(self) -> None:
        self.release()

    def _acquire(self) -> None:
        lock = FileLock(self._file, thread_local=False)
        try:
            lock.acquire(
                timeout=0.5, poll_interval=0.05
            )  # a run that has just ended may still hold it
        except Timeout:
            raise FileProblem(
                f"{self._path} is being written by {self._holder()}; wait for it, stop it, or "
                "choose another name"
            ) from None
        except OSError:
            return  # some network drives have no locks; writing is allowed there
        self._lock = lock
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
        with suppress(OSError):
            self._file.write_text(json.dumps(owner), encoding="utf-8")

    def _holder(self) -> str:
        """Describe the process that holds the lock."""
        try:
            owner = json.loads(self._file.read_text(encoding="utf-8"))
            since = time.strftime("%Y-%m-%d %H:%M", time.localtime(owner["since"]))
            return f"process {owner['pid']} on {owner['host']} since {since}"
        except (OSError, ValueError, LookupError, TypeError, OverflowError):
            return "another process"
