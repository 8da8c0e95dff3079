"""Text from files and file names, made safe to show: one line without control characters."""

from __future__ import annotations

import html
import unicodedata

__all__ = ["as_html", "plain", "shortened"]

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of control and format characters, lone surrogates and line separators."""


def plain(text: object) -> str:
    r"""Put a text on one line and escape what a terminal or a label would act on.

    Use it where text leaves the program: file names and metadata may hold anything.

    Parameters
    ----------
    text
        Anything with a ``str``.

    Returns
    -------
    str
        Runs of blanks and line breaks are one space. Control characters, changes of the writing
        direction and bytes that are no text are written as escapes.

    Examples
    --------
    >>> plain("cells\x1b[2J.tif\nis damaged")
    'cells\\x1b[2J.tif is damaged'
    >>> plain("scan_\u202efit.exe")
    'scan_\\u202efit.exe'
    """
    line = " ".join(str(text).split())
    return "".join(map(_escaped, line)) if not line.isprintable() else line


def as_html(text: object) -> str:
    """Make a text safe to show where Qt may take it for HTML.

    Examples
    --------
    >>> as_html("<b>cells</b>")
    '&lt;b&gt;cells&lt;/b&gt;'
    """
    return html.escape(plain(text))


def shortened(text: object, most: int = 200) -> str:
    """Put a text on one line of at most so many characters.

    Examples
    --------
    >>> shortened("abcdefgh", 5)
    'ab...'
    """
    line = plain(text)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _escaped(letter: str) -> str:
    if unicodedata.category(letter) not in _HIDDEN:
        return letter
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
