"""Match the axes of a mask to those of an image, by their letters or their lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_dip.errors import BadMask
from napari_dip.image.arrays import as_array
from napari_dip.image.axis_names import named_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from napari_dip.image.axes import Layout

__all__ = ["AlignedMask", "align_mask", "broadcast_mask", "check_marks_pixels"]

AXIS_LETTERS = "TCZYXSQ"

AxisMatch = dict[int, int]
"""The axis of the image for each axis of a mask; axes of length 1 are left out."""


class AlignedMask(NamedTuple):
    """A mask with the axes of the image, of length 1 where it applies to a whole axis.

    ``note`` tells the user how ambiguous axes were matched; it is mostly empty.
    """

    missing: NDArray[np.bool_]
    note: str = ""


def broadcast_mask(
    mask: ArrayLike | None, layout: Layout, axes: str | None = None
) -> NDArray[np.bool_] | None:
    """Broadcast a mask to the shape of the image, without a copy; true where a pixel is missing.

    See :func:`align_mask`.

    Raises
    ------
    BadMask
        If the mask does not fit the image, or fits it in several ways.
    """
    if mask is None:
        if axes is not None:
            raise BadMask(f"mask_axes={axes!r}: there is no mask; give a mask, or omit mask_axes")
        return None
    return np.broadcast_to(align_mask(mask, layout, axes).missing, layout.shape)


def align_mask(
    mask: ArrayLike, layout: Layout, axes: str | None = None, *, strict: bool = True
) -> AlignedMask:
    """Match each axis of a mask to an axis of the image.

    Axes with letters are matched by them. Other axes are matched in their order, if the lengths
    allow exactly one way. A mask applies to all of an axis that it lacks, or along which its length
    is 1.

    Parameters
    ----------
    mask
        True, or not 0, where a pixel is missing. Masked elements are missing, NaN is not.
    layout
        Layout of the image.
    axes
        A letter of ``TCZYXSQ`` for each axis of the mask, Q for an unknown one; ``None`` if all
        are unknown.
    strict
        Whether letters that the image lacks are an error; otherwise their lengths are matched.

    Raises
    ------
    BadMask
        If the mask does not fit the image, or fits it in several ways.

    Examples
    --------
    >>> from napari_dip.image.axes import Layout
    >>> layout = Layout("CZYX", (3, 3, 8, 9))
    >>> align_mask(np.ones((3, 8, 9)), layout, "CYX").missing.shape
    (3, 1, 8, 9)
    """
    missing = _as_missing(mask)
    if not isinstance(axes, str | None):
        raise BadMask(f"mask_axes={axes!r}: give letters, such as 'CYX'")
    names = axes or named_axes(mask)
    strict = strict and axes is not None
    letters = _checked(names, missing) if names else "Q" * missing.ndim
    if _has_image_axes(letters, missing.shape, layout):
        return AlignedMask(_with_colour_axis(missing, layout))
    matches = _matches(letters, missing.shape, layout)
    note = ""
    if not matches and not strict:
        letters_or_q = "".join(letter if letter in layout.axes else "Q" for letter in letters)
        matches = _matches(letters_or_q, missing.shape, layout)
        if len(matches) == 1:
            renamed = [
                f"{letters[own]} is taken for {layout.axes[other]}"
                for own, other in matches[0].items()
                if letters[own] not in ("Q", layout.axes[other])
            ]
            note = (
                f"Of its axes, {' and '.join(renamed)}: the lengths are equal." if renamed else ""
            )
    if len(matches) != 1:
        raise _match_error(matches, missing.shape, names, layout)
    return AlignedMask(_transposed(missing, matches[0], layout), note)


def check_marks_pixels(missing: NDArray[np.bool_] | None) -> None:
    """Raise if a mask for inpainting marks no pixel.

    Raises
    ------
    BadMask
        If there is a mask, and it marks no pixel.
    """
    if missing is not None and not missing.any():
        raise BadMask(
            "nothing is painted: the mask marks no pixel as missing; paint the pixels to fill, or "
            "check whether the mask marks the known pixels instead"
        )


def _as_missing(mask: ArrayLike) -> NDArray[np.bool_]:
    given = as_array(mask, "mask", BadMask)
    if given.dtype.kind not in "buif":
        raise BadMask(f"the mask has dtype {given.dtype}; give booleans or numbers")
    values = np.ma.getdata(given)
    missing: NDArray[np.bool_] = values if given.dtype == bool else values != 0
    if given.dtype.kind == "f":
        missing &= ~np.isnan(values)  # floating-point labels have a background of NaN
    masked = np.ma.getmask(given)
    return missing if masked is np.ma.nomask else missing | masked


def _checked(axes: str, missing: NDArray[np.bool_]) -> str:
    axes = axes.upper()
    if len(axes) != missing.ndim or set(axes) - set(AXIS_LETTERS):
        raise BadMask(
            f"mask_axes={axes!r} for a mask of shape {missing.shape}: give one letter of "
            f"{', '.join(AXIS_LETTERS)} for each of its axes"
        )
    repeated = [letter for letter in "TCZYXS" if axes.count(letter) > 1]
    if repeated:
        raise BadMask(f"mask_axes={axes!r}: {repeated[0]} is repeated; name it once")
    return axes


def _has_image_axes(letters: str, shape: tuple[int, ...], layout: Layout) -> bool:
    """Whether a mask has the axes of the image, in their order, with or without S."""
    colour = layout.axes.find("S")
    if colour >= 0 and len(shape) == len(layout.shape) - 1:
        shape = (*shape[:colour], 1, *shape[colour:])
        letters = f"{letters[:colour]}S{letters[colour:]}"
    return len(shape) == len(layout.shape) and all(
        name in ("Q", letter) and (own == size or (own == 1 and letter not in "YX"))
        for name, own, size, letter in zip(letters, shape, layout.shape, layout.axes, strict=True)
    )


def _with_colour_axis(missing: NDArray[np.bool_], layout: Layout) -> NDArray[np.bool_]:
    colour = layout.axes.find("S")
    lacks = missing.ndim == len(layout.shape) - 1
    return np.expand_dims(missing, colour) if lacks else missing


def _matches(letters: str, shape: tuple[int, ...], layout: Layout) -> list[AxisMatch]:
    """Find all different ways to match the axes of a mask; each includes Y and X."""
    unique = {
        tuple(sorted(match.items())): match
        for match in _partial_matches(letters, shape, layout, {}, 0)
    }
    sides = {layout.axes.index(letter) for letter in "YX"}
    sides = {axis for axis in sides if layout.shape[axis] > 1}
    return [match for match in unique.values() if sides <= {*match.values()}]


def _partial_matches(
    letters: str, shape: tuple[int, ...], layout: Layout, partial: AxisMatch, own: int
) -> Iterator[AxisMatch]:
    """Extend a partial match by the axis `own` of the mask and those after it."""
    if own == len(shape):
        yield dict(partial)
        return
    letter, size = letters[own], shape[own]
    if size == 1:  # never matched: a mask of one row does not apply to all rows
        yield from _partial_matches(letters, shape, layout, partial, own + 1)
        return
    known = letter != "Q" and letter in layout.axes
    # Axes without a known letter keep the order of the image.
    nameless = [place for axis, place in partial.items() if _is_free(letters[axis], layout)]
    for other, theirs in enumerate(layout.axes):
        if other in partial.values() or layout.shape[other] != size:
            continue
        if known and theirs != letter:
            continue
        if not known and theirs != "Q" and (letter != "Q" or theirs in letters):
            continue
        if not known and nameless and other < max(nameless):
            continue
        yield from _partial_matches(letters, shape, layout, partial | {own: other}, own + 1)


def _is_free(letter: str, layout: Layout) -> bool:
    return letter == "Q" or letter not in layout.axes


def _transposed(missing: NDArray[np.bool_], match: AxisMatch, layout: Layout) -> NDArray[np.bool_]:
    """Put the axes of a mask in the order of the image, with length 1 for those that it lacks."""
    single = tuple(axis for axis in range(missing.ndim) if axis not in match)
    kept = sorted(match)
    squeezed = missing.squeeze(single)
    order = sorted(range(len(kept)), key=lambda place: match[kept[place]])
    turned = squeezed.transpose(order)
    lacking = [axis for axis in range(len(layout.shape)) if axis not in match.values()]
    return np.expand_dims(turned, tuple(lacking))


def _match_error(
    matches: list[AxisMatch], shape: tuple[int, ...], names: str | None, layout: Layout
) -> BadMask:
    mask = f"the mask has shape {shape}" + (f" and axes {names!r}" if names else "")
    image = f"the image has {layout.shape}, axes {layout.axes!r}"
    if not matches:
        return BadMask(
            f"{mask}, but {image}; give a mask with the shape of the image, or of its last "
            "axes, or name its axes (mask_axes), with Y and X"
        )
    ways = [_named(match, layout) for match in matches]
    return BadMask(
        f"{mask}, and {image}: it can be {' or '.join(ways)}; choose one (mask_axes, or "
        "--mask-axes), or give a mask with as many axes as the image, of length 1 where it "
        "applies to all"
    )


def _named(match: AxisMatch, layout: Layout) -> str:
    """Describe a match by letters, or by the positions of the axes if letters repeat."""
    places = sorted(match.values())
    if any(layout.axes.count(layout.axes[place]) > 1 for place in places):
        return f"the image's axes {', '.join(map(str, places))}"
    return "".join(layout.axes[match[own]] for own in sorted(match))
