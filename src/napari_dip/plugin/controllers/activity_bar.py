"""Show the progress of a run in napari's activity dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils import progress

if TYPE_CHECKING:
    from napari_dip.plugin.models.stage_progress import Progress

__all__ = ["ActivityBar"]

BAR_FORMAT = "{desc}|{bar}| {elapsed}"  # without the time that is left as tqdm estimates it


class ActivityBar:
    """The bar of one run in napari's activity dock.

    napari's bar processes Qt events while it is changed, in which the run may end: so each method
    may be called after :meth:`close`.

    Parameters
    ----------
    begun
        The progress at the start.
    """

    def __init__(self, begun: Progress) -> None:
        self._bar: progress | None = progress(
            total=100, desc=begun.in_words(), bar_format=BAR_FORMAT
        )

    def advance(self, now: Progress) -> None:
        """Show the stage and the percents of a progress."""
        if (bar := self._bar) is None:
            return
        if (words := now.in_words()) != bar.desc:
            bar.set_description(words)
        percent = int(100 * now.fraction)
        if self._bar is not None and percent > bar.n:
            bar.update(percent - bar.n)

    def close(self) -> None:
        """Remove the bar."""
        if (bar := self._bar) is not None:
            self._bar = None
            bar.close()
