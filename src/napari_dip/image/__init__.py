"""A whole image as many units: axes, intensities, survey, tiles, forecast, run and result."""
