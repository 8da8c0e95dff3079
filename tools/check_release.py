"""Check before a release that the tag, the version and the dates agree.

Run ``python tools/check_release.py v1.2.3``: the version in pyproject.toml has to be 1.2.3, and
the changelog a section ``## [1.2.3] - YYYY-MM-DD``, whose date CITATION.cff has too.
"""

import re
import sys
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]


def problems(tag: str, root: Path = ROOT) -> list[str]:
    """Return what is wrong with a release of this tag; nothing if it can be published."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if tag != f"v{version}":
        return [f"the tag is {tag}, but pyproject.toml has version {version}: tag v{version}"]
    heading = rf"^## \[{re.escape(version)}\] - (\S+)$"
    dated = re.search(heading, (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    if not dated or not _is_date(dated[1]):
        return [f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`"]
    if f'date-released: "{dated[1]}"' not in (root / "CITATION.cff").read_text("utf-8"):
        return [f'CITATION.cff has no line `date-released: "{dated[1]}"`, as in the changelog']
    return []


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


if __name__ == "__main__":
    found = problems(*sys.argv[1:])
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(bool(found))
