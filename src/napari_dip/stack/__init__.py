"""A whole image is many blocks: axes, intensities, the plan, and the public functions."""
