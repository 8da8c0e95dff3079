"""Fit one network to one observation: operators, objective, optimisers, stopping rules, loop."""

import napari_dip.compute  # noqa: F401 - sets how threads wait, before torch is loaded
