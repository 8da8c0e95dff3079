"""The command `napari-dip`: commands, options, and what a terminal shows."""
