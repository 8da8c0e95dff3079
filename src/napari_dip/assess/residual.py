"""The residual: the image minus the observation that the restored image predicts."""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dip.assess.result_pixels import checked_result
from napari_dip.image.lazy import LazyArray
from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.conditions import mixes_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_dip.image.observed import ObservedPart
    from napari_dip.image.problem import Problem

__all__ = ["ResidualArray", "residual_of"]

SECTIONS_AT_ONCE = 64
"""Rows along Y whose sections of Z and X are computed together: an array in chunks is read once
for all of them. Not measured."""


def residual_of(problem: Problem, restored: ArrayLike | LazyArray) -> ResidualArray:
    """Return the image minus the observation that the restored image predicts.

    The prediction of a denoised or inpainted image is the image itself. That of a super-resolved or
    deconvolved image is blurred and decimated as the settings and the point spread function say;
    around a deconvolved image there is the light that best explains its borders.

    Parameters
    ----------
    problem
        From :func:`napari_dip.problem`, with the settings of the run.
    restored
        The result, with the axes of the image, and ``problem.factors`` times as long.

    Returns
    -------
    ResidualArray
        float32, in the units and on the pixel grid of the image, without alpha. Missing pixels, and
        those that are not restored, are NaN. It is computed where it is indexed;
        ``np.asarray`` computes all.

    Raises
    ------
    BadImage
        If the restored image has another shape than the problem asks for.

    Examples
    --------
    >>> from napari_dip import Settings, problem
    >>> image = np.random.default_rng(0).normal(100, 5, (32, 32))
    >>> residual = residual_of(problem(image, Settings(noise=5.0)), np.full((32, 32), 100.0))
    >>> bool(np.allclose(residual[3], image[3] - 100, atol=1e-4))
    True
    """
    return ResidualArray(problem, checked_result(problem, restored))


class ResidualArray(LazyArray):
    """A residual that is computed, plane by plane, when it is indexed."""

    def __init__(self, problem: Problem, restored: LazyArray) -> None:
        self._problem, self._restored = problem, restored
        layout = problem.layout
        self._factors = tuple(problem.factors.get(letter, 1) for letter in layout.axes)
        self._mixes = mixes_pixels(problem.settings, blurred=problem.psf is not None)
        self._last: tuple[list[range], NDArray[np.float32]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image; the axis S has at most three colours."""
        layout = self._problem.layout
        pairs = zip(layout.axes, layout.shape, strict=True)
        return tuple(min(size, 3) if letter == "S" else size for letter, size in pairs)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def __getitem__(self, index: Any, /) -> NDArray[np.float32]:
        parts = _expanded(index, self.shape)
        chosen = [range(size)[part] for size, part in zip(self.shape, parts, strict=True)]
        wanted = [range(c, c + 1) if isinstance(c, int) else c for c in chosen]
        residual = np.empty([len(each) for each in wanted], np.float32)
        for place, numbers in self._blocks(wanted):
            residual[place] = self._block(numbers)
        dropped = tuple(axis for axis, part in enumerate(chosen) if isinstance(part, int))
        return residual.squeeze(dropped)

    def _blocks(self, wanted: Sequence[range]) -> Iterator[tuple[tuple[slice, ...], list[range]]]:
        """Yield the parts that are computed at once: their places in the output, and their pixels.

        They are planes, volumes, or several sections of Z and X.
        """
        layout = self._problem.layout
        steps = []
        for axis, numbers in enumerate(wanted):
            size = 1 if axis in layout.leading else max(1, len(numbers))
            if layout.axes[axis] == "Y" and layout.is_section:
                size = SECTIONS_AT_ONCE
            steps.append([slice(at, at + size) for at in range(0, len(numbers), size)])
        for place in itertools.product(*steps):
            yield place, [numbers[part] for numbers, part in zip(wanted, place, strict=True)]

    def _block(self, wanted: Sequence[range]) -> NDArray[np.float32]:
        """Compute a part: its pixels along each axis, one number along C."""
        problem, layout = self._problem, self._problem.layout
        axes = layout.axes
        channel = wanted[axes.index("C")][0] if "C" in axes else 0
        whole = [self._mixes and letter in layout.spatial for letter in axes]
        read = [range(layout.shape[a]) if all_ else wanted[a] for a, all_ in enumerate(whole)]
        inner = tuple(
            _slice(part) if all_ else slice(None) for part, all_ in zip(wanted, whole, strict=True)
        )
        last = self._last  # an operator needs the whole volume for each of its planes
        if last is not None and last[0] == read:
            return last[1][inner]
        observed = problem.observed.read(tuple(map(_slice, read)))
        fine = [
            range(len(each) * factor) if all_ else each
            for each, factor, all_ in zip(read, self._factors, whole, strict=True)
        ]
        estimate = np.asarray(self._restored[tuple(map(_slice, fine))], np.float64)
        residual = observed.values - self._predicted(estimate, observed, channel)
        known = np.where(observed.known, residual, np.nan).astype(np.float32)
        if self._mixes:
            self._last = read, known
        return np.asarray(known[inner], np.float32)

    def _predicted(
        self, estimate: NDArray[np.float64], observed: ObservedPart, channel: int
    ) -> NDArray[np.float64]:
        """Apply the operator to a part of the result, in the intensities of the fit."""
        if not self._mixes:  # y = x + n
            return estimate
        problem, layout = self._problem, self._problem.layout
        scale = problem.survey.scales[channel]
        if scale is None:  # a constant image is not fitted
            return estimate[tuple(slice(None, None, factor) for factor in self._factors)]
        from napari_dip.pipeline.observation import predict, predict_blurred

        letters = [letter for letter in layout.axes if letter not in layout.spatial]
        ordered = [layout.axes.index(letter) for letter in (*letters, *layout.spatial)]
        lead = len(letters)

        def block_of(part: NDArray[np.float64]) -> NDArray[np.float64]:
            block = (part.transpose(ordered) - scale.low) / scale.span
            return np.ascontiguousarray(block.reshape(-1, *block.shape[lead:]))

        factors = tuple(self._factors[layout.axes.index(letter)] for letter in layout.spatial)
        psf = None if problem.blur is None else problem.blur.of_channel(channel).values
        block, task = block_of(estimate), problem.settings.task
        if psf is None or set(factors) != {1}:
            predicted = predict(block, task, psf, factors)
        else:
            seen = block_of(observed.values)
            known = observed.known.transpose(ordered).reshape(seen.shape)
            if not known.all():
                seen = np.where(known, seen, predict(block, task, psf, factors))
            dark = float((self._dark(channel, estimate) - scale.low) / scale.span)
            predicted = predict_blurred(block, seen, psf, dark)
        sides = [estimate.shape[axis] for axis in ordered[:lead]]
        predicted = predicted.reshape(*sides, *predicted.shape[1:]) * scale.span + scale.low
        return predicted.transpose(np.argsort(ordered))

    def _dark(self, channel: int, estimate: NDArray[np.float64]) -> float:
        """Return the intensity without light: no pixel of the result is darker."""
        noise = self._problem.survey.noises[channel]
        darkest = float(estimate.min())
        return min(noise.offset, darkest) if isinstance(noise, PoissonGaussian) else darkest


def _expanded(index: Any, shape: tuple[int, ...]) -> tuple[int | slice, ...]:
    """Return a number or a slice for each axis."""
    given = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in given:
        at = given.index(Ellipsis)
        given[at : at + 1] = [slice(None)] * (len(shape) - len(given) + 1)
    given += [slice(None)] * (len(shape) - len(given))
    return tuple(part if isinstance(part, slice) else operator.index(part) for part in given)


def _slice(numbers: range) -> slice:
    """Return the slice that selects a range, which may be empty or descend."""
    stop = numbers.stop if numbers.stop >= 0 else None
    return slice(numbers.start, stop, numbers.step)
