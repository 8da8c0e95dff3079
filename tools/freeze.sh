#!/bin/sh
# Write constraints.txt anew from what an empty environment resolves to today.
# torch stays where it is: a newer one is a decision, with measurements, and not a refresh.
set -eu
cd "$(dirname "$0")/.."
torch=$(grep '^torch==' constraints.txt)
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
python3 -m venv "$new/env"
"$new/env/bin/pip" install "$torch" '.[dev]'
{
    echo "# What the demo, the tests and the tools were last seen to pass with."
    echo "# tools/freeze.sh writes this file; pyproject.toml itself pins nothing so tight."
    # Without local labels (+cpu): they name a build, and other machines have others.
    "$new/env/bin/pip" freeze | grep -v '^napari-dip' | sed 's/+[^+]*$//'
} >"$new/constraints.txt"
mv "$new/constraints.txt" constraints.txt
