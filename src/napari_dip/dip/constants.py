"""List the numeric constants of a fit.

Each entry gives the unit, the reason, and in brackets the section of ``benchmarks/NOTES.md`` with
the measurement. The constants of the presets are in :mod:`napari_dip.pipeline.presets`.
"""

from __future__ import annotations

INVERSION_STEPS = 10
"""Steps that invert the mean of clipped pixels: each halves the error at the end of the range. Not
measured."""

# Loop

CHECK_INTERVAL = 10
"""Iterations between two checks of the losses and the stopping rule: each check makes a GPU wait.
Not measured."""

JUMP_RATIO = 10**0.5
"""Ratio of a loss to the mean loss of the last check: a larger one is a jump, and the fit is rolled
back. 5 dB, as in the published code."""

MAX_JUMP_ROLLBACKS = 3
"""Rollbacks to one saved state because of finite jumps; then the jump is accepted. A loss near zero
jumps without a fault [What was tried and failed]."""

MAX_ROLLBACKS = 20
"""Rollbacks to one saved state; then the fit fails, as the loss is not finite. Not measured."""

AVERAGE_WARM_UP = 10
"""Iterations n: with warm-up, the weight of output i in the average is at least (n - 1) / (n + i).
The fit stops 50 iterations sooner, 0.1 dB higher [Network and optimiser of `fast`]."""

# Objective

TV_EPSILON = 1e-8
"""Squared intensity under the square root of the total variation, which has no derivative at 0."""

# Stopping rules

VARIANCE_SAMPLE_SIZE = 16_384
"""Values: larger outputs are sampled before their variance is taken. Not measured."""

VARIANCE_BURN_IN = 100
"""Iterations that the variance rules ignore: at first the output changes little. Not measured."""

MAX_WHITE_AUTOCORRELATION = -0.025
"""Autocorrelation of neighbours in the residual, below which only noise remains. It is 0 for white
noise, and less once the estimate has fitted some of the noise [Stopping]."""

GAP_PATIENCE_FACTOR = 4
"""Factor of the patience where only gaps are filled and the residual still has structure: the
network's version of that structure is all that the gaps will show [Stopping]."""

# Optimisers

MIN_MUON_SIDE = 8
"""Rows and columns: narrower matrices, of skip connections and the last layer, are left to Adam.
Not measured."""

MUON_RATE_FACTOR = 3
"""Ratio of the learning rates of Muon and Adam; that of Muon is 0.03. With 0.04 the result is
0.1 dB better, in 1.5 times the time [Network and optimiser of `fast`]."""

MUON_MOMENTUM = 0.95
"""Fraction of the momentum that an update keeps; the value of Jordan et al."""

NEWTON_SCHULZ_STEPS = 3
"""Newton-Schulz iterations per update: as good as five, and faster [Network and optimiser of
`fast`]."""

NEWTON_SCHULZ_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients a, b, c of the iteration a x + b (x xᵀ) x + c (x xᵀ)² x; of Jordan et al."""

# Interpolation of gaps

MAX_SOLVED_PIXELS = 30_000
"""Missing pixels of a plane in one system of equations: about 0.5 s and 100 MB."""

SURFACE_TENSION = 0.2
"""From 0, a thin plate, which overshoots, to 1, a membrane, which has creases at the edge of a gap
[Interpolation of large gaps]."""

SMOOTHING_SCALE = 10.0
"""Pixels: known pixels are smoothed by ``SMOOTHING_SCALE * sigma**SMOOTHING_POWER``, that is 0.5
for a sigma of 0.02 and 1.8 for 0.1 [Interpolation of large gaps]."""

SMOOTHING_POWER = 0.75
"""Exponent of sigma in the width of the smoothing [Interpolation of large gaps]."""

MAX_NARROW_GAP = 3
"""Pixels from the edge of a gap to its middle: known pixels beside narrower gaps are not smoothed,
which keeps their texture [Interpolation of large gaps]."""

MAX_ERROR_DISTANCE = 32
"""Pixels: up to this distance the error of an interpolation from both sides is measured. Not
measured."""
