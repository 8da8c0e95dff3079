"""Write the steps of a restoration, which describe themselves in the imperative, in the past."""

from __future__ import annotations

import re

__all__ = ["PATCHES", "in_the_past"]

PATCHES = " (non-local Bayes; Lebrun et al., 2013)"
"""Cites the method wherever a sentence names the filter; the text keeps the first."""

_PAST = [
    (r"Align the planes, which lie (.+)\.", r"The planes, which lay \1, were aligned."),
    (r"Move the planes back to their places\.", "The planes were moved back to their places."),
    (
        r"Stabilise the variance of the noise \(generalised Anscombe transform\)\.",
        "The variance of the noise was stabilised by the generalised Anscombe transform.",
    ),
    (
        r"Invert the transform without bias.*",
        "The transform was inverted without bias (Mäkitalo and Foi, 2013).",
    ),
    (r"Model the image as (.+)\.", r"The image was modelled as \1."),
    (r"Interpolate the missing pixels\.", "The missing pixels were interpolated."),
    (
        r"Filter groups of similar patches and bring (the estimate into .+), (\d+) times\.",
        rf"Groups of similar patches were filtered{PATCHES}, and the estimate was brought into "
        r"agreement with the data, \2 times in turn.",
    ),
    (
        r"Filter groups of similar patches( of [\w ]+)?, without a network\.",
        rf"Groups of similar patches\1 were filtered{PATCHES}, without a network.",
    ),
    (
        r"Filter groups of similar patches( of [\w ]+)?, at several scales\.",
        rf"Groups of similar patches\1 were filtered at several scales{PATCHES}.",
    ),
    (
        r"Filter groups of similar patches( of [\w ]+)?, (\d+ pass(?:es)?)\.",
        rf"Groups of similar patches\1 were filtered in \2{PATCHES}.",
    ),
    (
        r"Fill the gaps from similar patches, (\d+ pass(?:es)?)\.",
        rf"The gaps were filled from similar patches in \1{PATCHES}.",
    ),
    (
        r"Fit (.+) to the image with (\w+)(.*), at most (\d+) iterations(; .*)?\.",
        r"\1 was fitted to the image with the optimiser \2\3, for at most \4 iterations.",
    ),
    (
        r"Do that (\d+) times with other random numbers, and average the results\.",
        r"This was done \1 times with different random numbers, and the results were averaged.",
    ),
    (
        r"Average it with the image filtered without a network.*",
        "The result was averaged with the image filtered without a network.",
    ),
    (
        r"Sharpen that estimate \(Richardson-Lucy, accelerated\) and filter it by the noisy image "
        r"in turn, until sharpening adds more noise than detail\.",
        "That estimate was sharpened (accelerated Richardson-Lucy; Richardson, 1972; Lucy, 1974; "
        "Biggs and Andrews, 1997) and filtered by the noisy image in turn, until sharpening added "
        "more noise than detail.",
    ),
    (r"Average both estimates\.", "Both estimates were averaged."),
    (
        r"Bring the estimate into agreement with the data, (\d+) CG steps\.",
        r"The estimate was brought into agreement with the data by \1 conjugate-gradient steps.",
    ),
    (
        r"Add (.+) noise like that of the image to the filled pixels\.",
        r"\1 noise like that of the image was added to the filled pixels, for display.",
    ),
    (
        r"Restore two simulated images in the same way, to measure the uncertainty\.",
        "The uncertainty (half the width of the 90 % intervals) was measured by an iterated "
        "parametric bootstrap: two simulated images were restored in the same way.",
    ),
]
"""Sentences of the steps, in the imperative, and in the past tense."""


def in_the_past(sentence: str) -> str:
    """Write a step, which is in the imperative, in the past tense.

    Examples
    --------
    >>> in_the_past("Average both estimates.")
    'Both estimates were averaged.'
    """
    for pattern, past in _PAST:
        if found := re.fullmatch(pattern, sentence):
            text = found.expand(past)
            return text[0].upper() + text[1:]
    return f'A further step was: "{sentence}"'
