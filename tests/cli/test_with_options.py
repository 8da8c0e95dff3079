"""Test that a command gets its own and the shared options."""

from __future__ import annotations

import inspect

from napari_dip.cli.options import RunOptions
from napari_dip.cli.with_options import with_options


def test_options_are_collected_into_one_value():
    seen = []

    def add(image: str, *, options: RunOptions) -> None:
        seen.append((image, options))

    image = inspect.Parameter("image", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=str)
    command = with_options(add, [image])
    names = list(inspect.signature(command).parameters)
    assert names[0] == "image"
    assert {"seed", "preset", "workers", "quiet"} <= {*names}
    assert not {"options", "changes"} & {*names}
    defaults = {name: one.default for name, one in inspect.signature(command).parameters.items()}
    command(**defaults | {"image": "a.tif", "seed": 3, "quiet": True})
    ((image, options),) = seen
    assert (image, options.quiet, options.workers) == ("a.tif", True, None)
    assert {name: one for name, one in options.changes.items() if one is not None} == {"seed": 3}
