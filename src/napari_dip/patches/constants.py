"""List the numeric constants of the patch filters.

Each entry gives the unit, the reason, and in brackets the section of ``benchmarks/NOTES.md`` with
the measurement.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PatchSearch:
    """Parameters of a patch and of the search for similar ones.

    Parameters
    ----------
    side
        Side of a square patch, in pixels.
    step
        Distance between two reference patches, in pixels.
    radius
        Radius of the search around a reference patch, in pixels.
    group_size
        Number of patches in a group.
    planes
        Number of planes in a patch.
    plane_radius
        Number of planes before and after a reference patch that are searched too.

    Examples
    --------
    >>> PatchSearch(side=7, step=4, radius=8, group_size=30).planes
    1
    """

    side: int
    step: int
    radius: int
    group_size: int
    planes: int = 1
    plane_radius: int = 0


# Searches

PATCH_SEARCH = PatchSearch(side=7, step=6, radius=8, group_size=30)
"""All passes but the first and last: a small radius avoids wrong matches [Refinement]. A step of 4
pixels takes twice the time and gains 0.01 dB [Refinement]."""

FIRST_STEP_SEARCH = PatchSearch(side=5, step=5, radius=10, group_size=90)
"""First step, on the noisy image: large groups, so that noise does not pass for texture. A step of
4 pixels takes 1.5 times the time and gains nothing [Refinement]."""

NOISE_EDGE = 0.7
"""Part of the largest eigenvalue of pure noise: smaller ones count as noise in the first step. 0.6
and 0.8 are equal to 0.03 dB; without, three more passes are needed [Refinement]."""

GAP_SEARCH = PatchSearch(side=5, step=3, radius=10, group_size=30)
"""Images with gaps: small patches, because each patch needs a linear system of its own; the radius
was measured [Refinement], the side was not."""

COLLABORATIVE_SEARCH = PatchSearch(side=8, step=3, radius=32, group_size=32)
"""Collaborative filter: the radius was measured [Refinement], the other values were not."""

LAST_PASS_RADIUS = 32
"""Pixels: in the last pass the estimate is good enough to find distant matches [Refinement]."""

SHARP_SEARCH = PatchSearch(side=7, step=6, radius=16, group_size=45)
"""Sharpened images: a radius of 8 and 30 patches lose 0.08 dB, 100 patches 0.1 [Deconvolution]."""

SHARP_STACK_PLANES = 2
"""Planes in a patch of a sharpened stack: 1 loses 0.1 to 0.6 dB [Deconvolution]."""

SHARP_PLANE_RADIUS = 3
"""Planes before and after the reference that are searched there. Not measured."""

SHARP_LOADING = 0.7
"""Variances of the noise that the weights of patches assume: 0.5 loses 0.02 dB, 1 loses 0.01 and 2
loses 0.3 [Deconvolution]."""

SHARP_VALUES = 3
"""Values processed at once for each pixel of a patch: those of three images. Not measured."""

# Stacks

STACK_RADIUS = 16
"""Pixels in the plane of the reference: a patch of several planes gives fewer wrong matches; 0.035
dB above 12 [Stacks and time-lapses]."""

PLANE_RADIUS = 8
"""Planes before and after the reference that are searched [Stacks and time-lapses]."""

OTHER_PLANES_RADIUS = 4
"""Pixels searched in these planes: objects have hardly moved there. Not measured."""

STACK_NOISE_EDGE = 1.2
"""As ``NOISE_EDGE``, in stacks, where most differences between the planes of a patch are noise: 1
loses 0.05 dB and flickers more [Refinement]."""

LONG_PATCH_PLANES = 4
"""Planes in a patch of all passes but the last: the most averaging [Stacks and time-lapses]."""

SHORT_PATCH_PLANES = 2
"""Planes in a patch of the last pass: it separates motion from noise [Stacks and time-lapses]."""

MIN_PLANE_CORRELATION = 0.3
"""Correlation of two neighbouring planes that are filtered together: below, the filter loses more
than it gains [Stacks and time-lapses]."""

WEAK_COVARIANCE = 0.1
"""Variances of the noise: planes whose structure is this much weaker are filtered together, since
its correlation cannot be told. The estimate of the variance may be off by as much [Stacks and
time-lapses]."""

# Pilot estimate

NOISY_WEIGHT = 0.5
"""Weight of the first step on the noisy image, where the network left only noise in the residual;
0.35 and 0.65 cost 0.02 dB [Refinement]."""

RESIDUAL_OF_NOISE = 0.95
"""Variances of the noise: a mean squared residual above it contains texture. It is below 1 because
a fit includes some noise [Refinement]."""

RESIDUAL_OF_TEXTURE = 1.2
"""Variances of the noise: from this mean squared residual on, the network's estimate has no weight
[Refinement]."""

RESIDUAL_WINDOW = 25
"""Pixels: side of the square that averages the squared residual; 15 is equal to 0.02 dB
[Refinement]."""

RESIDUAL_CLIP = 3.0
"""Standard deviations of the noise: larger residuals count as this one, so that hot pixels are not
kept [Refinement]."""

# Coarse scales

COARSE_SCALES = 3
"""How often the size is halved [Coarse scales]."""

MIN_COARSE_SIDE = 16
"""Pixels: the least side of the second and third scale. A smaller one has too few patches to
compare. Not measured."""

LOOK_SCALES = 4
"""How often the size is halved for a first look [First picture]."""

LOOK_WINDOW = 7
"""Pixels: side of the square in which the local variance is measured [First picture]."""

LOOK_MARGIN = 1.1
"""Times the variance of the noise: what counts as noise, as a local variance is above it by chance
[First picture]."""

PART_OF_MEANS = 0.735
"""Of the variance of means of 2 x 2 pixels: the difference between white noise and its interpolated
means has this much less variance than the noise. Computed."""

COARSE_WEIGHT = 0.7
"""Weight of the coarse scales where there is no fine structure; 1 loses 0.03 dB [Coarse scales]."""

DETAIL_OF_STRUCTURE = 0.01
"""Variances of the noise: a local mean square of the detail of the finest scale that halves the
weight of the coarse scales; 0.005 and 0.02 are equal to 0.01 dB [Coarse scales]."""

DETAIL_WINDOW = 9
"""Coarse pixels: side of the square that averages the squared detail; 25 is equal to 0.01 dB
[Coarse scales]."""

MIN_MEAN_VARIANCE = 0.05
"""Variances of the noise: the least variance of the mean of two neighbours. An estimated
correlation may be near -1. Not measured."""

# Weights

KAISER_BETA = 2.0
"""Shape of the Kaiser window over a patch of the collaborative filter, as in BM3D. Not measured."""

MAX_GAP_SIGMA = 0.01
"""Intensity range: the largest noise that the gap filter assumes for a group of dissimilar patches.
Weaker noise is not filtered where no pixel is missing [Patch filter in gaps]."""

GAP_SIGMA_RATIO = 0.1
"""Standard deviations of a group: the noise that the gap filter assumes for similar patches. A
group is too small to know its covariance in all directions [Patch filter in gaps]."""

# Numerical limits

DIAGONAL_LOADING = 1e-5
"""Relative increase of the diagonal of a linear system: float32 keeps some digits where patches
differ much and the noise is weak [Refinement]."""

MIN_SIGMA = 1e-4
"""Intensity range: weaker noise counts as this one, so that no division is by 0. Not measured."""

MIN_GAP_SIGMA = 1e-5
"""Intensity range: the same for the gap filter. Not measured."""

GAP_SOLVER_STEPS = 8
"""Conjugate gradient steps for the known pixels of a patch: equal to an exact solution to 0.05 dB,
a third of the time [Patch filter in gaps]."""

TINY = 1e-30
"""Squared intensity: no division by 0 where a patch is constant."""

MIN_NOISE_EIGENVALUE = 0.01
"""Variances of the noise: an estimated covariance may be singular or not positive. Not
measured."""

# Memory

MAX_VALUES = 1_000_000
"""Values processed at once: 4 MB of float32 stay in the cache of a CPU. Not measured."""

VALUES_OF_GAP_FILTER = 10
"""Values processed at once for each pixel of a patch by the filter that fills gaps: 1 takes 1.4
times as long, 4 and 25 are equal to 15 % [Patch filter in gaps]."""

MAX_VALUES_PER_PIXEL = 4
"""Values processed at once on a GPU, per pixel of a plane: few kernel launches, about 0.5 GB per
megapixel. Not measured."""
