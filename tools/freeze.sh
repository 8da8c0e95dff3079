#!/bin/sh
# Update constraints.txt with the versions that a new environment gets today.
# torch keeps its version: a newer one needs measurements first.
set -eu
cd "$(dirname "$0")/.."
torch=$(grep '^torch==' constraints.txt)
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
python3 -m venv "$new/env"
"$new/env/bin/pip" install "$torch" '.[dev]'
{
    echo "# The demo, the tests and the tools passed with these versions."
    echo "# tools/freeze.sh writes this file; pyproject.toml has wider ranges."
    # Without local labels (+cpu), which differ between machines.
    "$new/env/bin/pip" freeze | grep -v '^napari-dip' | sed 's/+[^+]*$//'
} >"$new/constraints.txt"
mv "$new/constraints.txt" constraints.txt
