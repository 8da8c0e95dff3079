"""Text from files and file names, made safe to show: one line without control characters.

File names, layer names and metadata may hold anything. Use one of these functions where such a text
leaves the program: on a terminal, in a label of Qt, in JSON that is printed.
"""

from __future__ import annotations

import html
import json
import unicodedata

__all__ = ["as_html", "as_json", "plain", "shortened"]

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of control and format characters, lone surrogates and line separators."""


def plain(text: object) -> str:
    r"""Put a text on one line and escape what a terminal or a label would act on.

    Parameters
    ----------
    text
        Anything with a ``str``.

    Returns
    -------
    str
        Tabs and line breaks are spaces. Control characters, changes of the writing direction and
        bytes that are no text are written as escapes.

    Examples
    --------
    >>> plain("cells\x1b[2J.tif\nis damaged")
    'cells\\x1b[2J.tif is damaged'
    >>> plain("scan_\u202efit.exe")
    'scan_\\u202efit.exe'
    """
    line = str(text)
    return line if line.isprintable() else "".join(map(_escaped, line))


def as_html(text: object) -> str:
    """Make a text safe for labels and tooltips of Qt, which take for HTML what looks like it.

    A text with ``<`` is escaped, for which Qt shows it as HTML; any other is shown as it is.

    Examples
    --------
    >>> as_html("<b>a & b</b>"), as_html("a & b")
    ('&lt;b&gt;a &amp; b&lt;/b&gt;', 'a & b')
    """
    line = plain(text)
    return html.escape(line, quote=False) if "<" in line else line


def as_json(text: str) -> str:
    r"""Escape what is not printable in a text of JSON on one line; its meaning stays the same.

    Examples
    --------
    >>> as_json('{"name": "a\u202eb"}')
    '{"name": "a\\u202eb"}'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def shortened(text: object, most: int = 200) -> str:
    """Put a text on one line of at most so many characters; runs of blanks are one space.

    Examples
    --------
    >>> shortened("abcdefgh", 5)
    'ab...'
    """
    line = " ".join(plain(text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _escaped(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind not in _HIDDEN:
        return letter
    if letter.isspace():
        return " "
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
