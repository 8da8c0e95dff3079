"""Show the panels: their controls, the curve of a run and the tools for its result."""
