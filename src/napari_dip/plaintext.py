"""Make text from files safe to show: one line without control characters.

File names, layer names and metadata can hold any characters. Use one of these functions before such
a text is shown on a terminal, in a Qt label, or as JSON.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata

__all__ = ["as_html", "as_json", "as_utf8", "file_name", "plain", "shortened"]

MAX_NAME_BYTES = 180  # bytes: file systems allow 255 with suffixes and the name of the task

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of control and format characters, surrogates and line separators."""


def plain(text: object) -> str:
    r"""Put a text on one line, and escape control characters.

    Parameters
    ----------
    text
        Anything with a ``str``.

    Returns
    -------
    str
        Tabs and line breaks become spaces. Control characters, changes of the writing direction
        and undecodable bytes become escape sequences.

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
    """Make a text safe for Qt labels and tooltips, which detect HTML automatically.

    Only a text with ``<`` is escaped: Qt shows it as HTML, and any other as plain text.

    Examples
    --------
    >>> as_html("<b>a & b</b>"), as_html("a & b")
    ('&lt;b&gt;a &amp; b&lt;/b&gt;', 'a & b')
    """
    line = plain(text)
    return html.escape(line, quote=False) if "<" in line else line


def as_json(text: str) -> str:
    r"""Escape unprintable characters in one line of JSON, without changing its meaning.

    Examples
    --------
    >>> as_json('{"name": "a\u202eb"}')
    '{"name": "a\\u202eb"}'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def as_utf8(name: object) -> str:
    r"""Escape the bytes of a file name that are not UTF-8, as JSON cannot hold them.

    Examples
    --------
    >>> print(as_utf8("cells\udcff.tif"))
    cells\udcff.tif
    """
    return str(name).encode("utf-8", "backslashreplace").decode()


def file_name(name: str, instead: str = "_") -> str:
    """Make a name from a text: without characters that a file system refuses, and not too long.

    Parameters
    ----------
    name
        Such as the name of a layer.
    instead
        What replaces characters that are not allowed in a file name.

    Examples
    --------
    >>> file_name("cells: a/b")
    'cells_ a_b'
    """
    text = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', instead, name)
    return text.encode(errors="ignore")[:MAX_NAME_BYTES].decode(errors="ignore")


def shortened(text: object, most: int = 200) -> str:
    """Put a text on one line of at most ``most`` characters, with single spaces.

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
