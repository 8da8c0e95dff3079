"""List the numeric constants of the noise room.

Each entry gives the unit, the reason, and in brackets the section of ``benchmarks/NOTES.md`` with
the measurement.
"""

from __future__ import annotations

# Sample of a large image

MAX_SAMPLE_PIXELS = 1024**2
"""Pixels: noise is estimated from a sample of this size of a larger image. Not measured."""

SAMPLE_BLOCK = 256
"""Pixels: side of the blocks that form the sample. Not measured."""

# Flat regions

LOCAL_MEAN_SIDE = 7
"""Pixels: side of the square over which the local mean is taken. Not measured."""

FLAT_FRACTION = 0.4
"""Fraction of the pixels of an intensity bin, those with the smallest gradient, that are used to
estimate noise. Not measured."""

INTENSITY_BINS = 16
"""Number of bins over the range, and again over the quantiles: most of a micrograph is background.
Not measured."""

MIN_BIN_PIXELS = 200
"""Pixels: smaller bins are joined. 60 have less error at few photons, but were not measured in
super-resolution [What was tried and failed]."""

MIN_FLAT_PIXELS = 200
"""Pixels: with fewer flat pixels, those of padding are used too. Not measured."""

OUTLIER_SIGMAS = 3.0
"""Standard deviations: larger differences are edges, not noise. Not measured."""

TRIMMED_SIGMA = 0.985
"""Standard deviation of normal values from which those beyond 3 are removed repeatedly: the
limit of this iteration."""

# Correlation

MAX_CORRELATION_DISTANCE = 5
"""Pixels: differences that still grow at this distance are texture [Estimation of correlated
noise]."""

GROWTH_QUANTILES = 0.25, 0.5
"""Quantiles over the intensity bins of the growth of differences. Texture adds to some bins, so the
lower quartile is that of the noise; the median decides whether any noise is visible [Estimation of
correlated noise]."""

MIN_CORRELATED_GROWTH = 1.25
"""Ratio of the differences of pixels two apart and of neighbours: 1 for white noise, above this
value for correlated noise. Not measured."""

MAX_SETTLED_GROWTH = 1.14
"""Ratio of the differences at a distance and at the one before: below it pixels are uncorrelated.
Not measured."""

MAX_CORRELATION = 0.98
"""Correlation of neighbours: at 1 their difference would contain no noise."""

SMOOTH_CORRELATION = 0.8
"""Correlation of neighbours: from it on, a decimated image is taken for smooth, not for noisy. Not
measured."""

# Clipping and padding

CLIPPED_FRACTION = 2e-3
"""Fraction of the pixels at an extreme value from which on the sensor was clipped. Not measured."""

NEAR_EXTREME = 0.01
"""Fraction of the range of values that is near an extreme. Not measured."""

CLIPPED_NEAR_FRACTION = 0.5
"""Fraction of the pixels near an extreme that have exactly its value, if the sensor was clipped.
Not measured."""

DARK_SPOT_SIDE = 3
"""Pixels: side of the squares whose means are compared to find the darkest level. It was chosen
with the model, but not varied [Noise of dark images]."""

DARK_SPOT_QUANTILE = 0.02
"""Quantile of these means that is the darkest level. Not measured."""

PADDING_SIDE = 5
"""Pixels: side of the squares that fill padding [Padding]."""

PADDING_FRACTION = 0.95
"""Fraction of the pixels with an extreme value that lie in such squares, if they are padding;
single pixels may have it by noise [Padding]."""

IMAGE_SQUARE_SIDE = 3
"""Pixels: side of the squares that contain most other pixels; not so where photons are few
[Padding]."""

IMAGE_FRACTION = 0.5
"""Fraction of the other pixels that lie in such squares [Padding]."""

# Line of variance over intensity

MIN_LINE_BINS = 4
"""Intensity bins: fewer do not determine a line. Not measured."""

MIN_VARIANCE_RISE = 1.3
"""Ratio of the variance at the bright end to that in the dark: below, the noise counts as Gaussian.
Not measured."""

MIN_VARIANCE_RISE_CLIPPED = 2.5
"""The same where the dark end is clipped: the transform would hide what was clipped. Not
measured."""

MISFIT_SCALE = 0.1
"""Logarithm of a variance: larger misfits have less weight, because texture causes them. Smaller
weights are worse with 10 photons [What was tried and failed]."""

MAX_VARIANCE_RATIO = 1e8
"""Ratio of a fitted variance to the median one: above, the search has no end. Of 16-bit counts
the ratio is below 65,536. Not measured."""

MIN_PHOTON_STEP = 0.5
"""Standard deviations of the noise in the dark: a larger step between the two lowest values is one
photon, not one grey level [Noise of dark images]."""

# Texture or correlated noise

QUIET_SQUARE_SIDE = 9
"""Pixels: side of the squares in which the variance is compared [Texture and weak noise]."""

QUIET_QUANTILE = 0.02
"""Fraction of the squares with the least variance [Texture and weak noise]."""

MIN_QUIET_VARIANCE = 0.85**2
"""Ratio of the variance in these squares to the expected one, for correlated noise. Not
measured."""

MIN_KNOWN_FRACTION = 0.8
"""Fraction of a square that is known, for the square to count. Not measured."""

DIAGONAL_TOLERANCE = 1.25
"""Ratio of the diagonal differences to the expected ones, for correlated noise. 1.15 missed 3 % of
5340 estimates of it [Texture and weak noise]."""

DIAGONAL_EXCESS = 0.1
"""Standard deviations of the noise added to this bound, because of edges. Not measured."""

TINY_SIGMA = 1e-100
"""Any unit: a standard deviation that stands for 0; its square is above 0 in float64."""

# Channels

MIN_CHANNEL_VARIANCE = 1e-3
"""Fraction of the largest variance of a channel: lower variances count as this one, so that no
channel has all the weight. Not measured."""

# JPEG

JPEG_BLOCK = 8
"""Pixels: side of a block, by the standard."""

JPEG_MAX_SIDE = 65_000
"""Pixels: the standard allows 65,535."""

JPEG_QUALITIES = range(5, 91)
"""Qualities of libjpeg that are tested: above, the error is near that of rounding to grey values.
All images but one of little contrast were recognised in this range [JPEG artefacts]."""

JPEG_MAX_DEVIATION = 0.35
"""Grey values: median distance of the coefficients to multiples of the right steps; the rounding of
pixels alone gives 0.2. Not measured."""

JPEG_SIMILAR_QUALITIES = 4
"""Number of successive qualities with similar steps, among which the best is taken. Not
measured."""

JPEG_MIN_COEFFICIENT = 1.5
"""Grey values: smaller coefficients are rounded zeros, multiples of every step. Not measured."""

# Bad pixels

HOT_ABOVE_NEIGHBOURS = 4.0
"""Standard deviations of the noise: distance of a hot pixel to its second brightest neighbour. The
brightest may be hot too. Not measured."""

HOT_ABOVE_MEDIAN = 8.0
"""Standard deviations of the noise: distance of a hot pixel to the median of its neighbours. Not
measured."""

HOT_ABOVE_RANGE = 2.0
"""Ranges of the neighbours: the same distance is larger than that of an edge or a tip. Not
measured."""

HOT_CONTRAST = 0.1
"""Fraction of the range of the image: least distance of a hot pixel to the median. Not measured."""

SPECIMEN_CONTRAST = 2.0
"""Ratio of a pixel of the specimen to the mean of its neighbours, at most. Not measured."""

CHANCE_PER_IMAGE = 1e-3
"""Probability that photons alone make one hot pixel in an image. Not measured."""

MIN_STEADY_PLANES = 4
"""Planes of a stack that are needed to find pixels that are bad in all planes. Not measured."""

MAX_GREY_LEVELS = 2**18
"""Values in which the smallest difference of grey levels is searched. Not measured."""

SATURATED_PIXELS = 8
"""Pixels with the highest value that are needed for a saturated detector. Not measured."""

SATURATED_RATIO = 4
"""Ratio of their number to that of the next value. Not measured."""

NEGLIGIBLE_NOISE = 1e-9
"""Fraction of the intensity range: weaker given noise is none, because fits compute in float32 with
a resolution of about 1e-7. Not measured."""

MAX_GIVEN_NOISE = 100
"""Multiple of the intensity range: stronger given noise is an error in its unit. Not measured."""
