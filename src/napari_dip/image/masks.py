"""How a mask lies over an image: by the letters of the axes, or by their lengths."""

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

__all__ = ["Aligned", "align_mask", "broadcast_mask", "check_marks_pixels"]

_LETTERS = "TCZYXSQ"

Reading = dict[int, int]
"""The axis of the image for each axis of a mask; none for those of length 1."""


class Aligned(NamedTuple):
    """A mask with the axes of the image, of length 1 where it holds for all of an axis.

    ``note`` says what the user should know of how that was found; mostly it is empty.
    """

    missing: NDArray[np.bool_]
    note: str = ""


def broadcast_mask(
    mask: ArrayLike | None, layout: Layout, axes: str | None = None
) -> NDArray[np.bool_] | None:
    """Spread a mask over the image, without a copy; true where a pixel is missing.

    See :func:`align_mask`.

    Raises
    ------
    BadMask
        If it does not fit the image, or might lie over it in more than one way.
    """
    if mask is None:
        if axes is not None:
            raise BadMask(f"mask_axes={axes!r}: there is no mask; give one, or leave that out")
        return None
    return np.broadcast_to(align_mask(mask, layout, axes).missing, layout.shape)


def align_mask(
    mask: ArrayLike, layout: Layout, axes: str | None = None, *, strict: bool = True
) -> Aligned:
    """Find the axis of the image for each axis of a mask.

    Axes are matched by their letters where they are known. Others are matched in their order,
    where the lengths leave but one way to do it. An axis of length 1 holds for all of an axis, and
    so do axes that the mask lacks.

    Parameters
    ----------
    mask
        True, or not 0, where a pixel is missing; what is masked in it is missing, NaN is not.
    layout
        Of the image.
    axes
        A letter of ``TCZYXSQ`` for each axis of the mask, Q where it is not known; ``None``
        where none is known.
    strict
        Whether letters that the image does not have are an error, not a misnomer.

    Raises
    ------
    BadMask
        If it does not fit the image, or might lie over it in more than one way.

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
    if _fits_in_place(letters, missing.shape, layout):
        return Aligned(_in_place(missing, layout))
    found = _readings(letters, missing.shape, layout)
    note = ""
    if not found and not strict:
        foreign = "".join(letter if letter in layout.axes else "Q" for letter in letters)
        found = _readings(foreign, missing.shape, layout)
        if len(found) == 1:
            said = [
                f"{letters[own]} is taken for {layout.axes[other]}"
                for own, other in found[0].items()
                if letters[own] not in ("Q", layout.axes[other])
            ]
            note = f"Of its axes, {' and '.join(said)}: the lengths are the same." if said else ""
    if len(found) != 1:
        raise _not_one(found, missing.shape, names, layout)
    return Aligned(_placed(missing, found[0], layout), note)


def check_marks_pixels(missing: NDArray[np.bool_] | None) -> None:
    """Make sure that a mask for inpainting marks a pixel.

    Raises
    ------
    BadMask
        If there is a mask, and it marks none.
    """
    if missing is not None and not missing.any():
        raise BadMask(
            "nothing is painted: the mask marks no pixel as missing; paint what is to be filled, "
            "or check whether marked pixels are the known ones"
        )


def _as_missing(mask: ArrayLike) -> NDArray[np.bool_]:
    given = as_array(mask, "mask", BadMask)
    if given.dtype.kind not in "buif":
        raise BadMask(f"the mask has dtype {given.dtype}: give booleans or numbers")
    values = np.ma.getdata(given)
    missing: NDArray[np.bool_] = values if given.dtype == bool else values != 0
    if given.dtype.kind == "f":
        missing &= ~np.isnan(values)  # the background of labels that are kept as floats
    masked = np.ma.getmask(given)
    return missing if masked is np.ma.nomask else missing | masked


def _checked(axes: str, missing: NDArray[np.bool_]) -> str:
    axes = axes.upper()
    if len(axes) != missing.ndim or set(axes) - set(_LETTERS):
        raise BadMask(
            f"mask_axes={axes!r} for a mask of shape {missing.shape}: give one letter of "
            f"{', '.join(_LETTERS)} for each of its axes"
        )
    repeated = [letter for letter in "TCZYXS" if axes.count(letter) > 1]
    if repeated:
        raise BadMask(f"mask_axes={axes!r}: {repeated[0]} may stand but once")
    return axes


def _fits_in_place(letters: str, shape: tuple[int, ...], layout: Layout) -> bool:
    """Whether a mask has the image's axes, with or without that of the colours."""
    colour = layout.axes.find("S")
    if colour >= 0 and len(shape) == len(layout.shape) - 1:
        shape = (*shape[:colour], 1, *shape[colour:])
        letters = f"{letters[:colour]}S{letters[colour:]}"
    return len(shape) == len(layout.shape) and all(
        name in ("Q", letter) and (own == size or (own == 1 and letter not in "YX"))
        for name, own, size, letter in zip(letters, shape, layout.shape, layout.axes, strict=True)
    )


def _in_place(missing: NDArray[np.bool_], layout: Layout) -> NDArray[np.bool_]:
    colour = layout.axes.find("S")
    lacks = missing.ndim == len(layout.shape) - 1
    return np.expand_dims(missing, colour) if lacks else missing


def _readings(letters: str, shape: tuple[int, ...], layout: Layout) -> list[Reading]:
    """Find all ways in which a mask may lie over an image; what differs in nothing counts once."""
    ways = {tuple(sorted(way.items())): way for way in _ways(letters, shape, layout, {}, 0)}
    sides = {layout.axes.index(letter) for letter in "YX"}
    sides = {axis for axis in sides if layout.shape[axis] > 1}
    return [way for way in ways.values() if sides <= {*way.values()}]


def _ways(
    letters: str, shape: tuple[int, ...], layout: Layout, begun: Reading, own: int
) -> Iterator[Reading]:
    if own == len(shape):
        yield dict(begun)
        return
    letter, size = letters[own], shape[own]
    if size == 1:  # a row must not stand for all rows: then Y is matched by nothing
        yield from _ways(letters, shape, layout, begun, own + 1)
        return
    known = letter != "Q" and letter in layout.axes
    # Axes that are not known by letter are in the order of those of the image.
    nameless = [place for axis, place in begun.items() if _is_free(letters[axis], layout)]
    for other, theirs in enumerate(layout.axes):
        if other in begun.values() or layout.shape[other] != size:
            continue
        if known and theirs != letter:
            continue
        if not known and theirs != "Q" and (letter != "Q" or theirs in letters):
            continue
        if not known and nameless and other < max(nameless):
            continue
        yield from _ways(letters, shape, layout, begun | {own: other}, own + 1)


def _is_free(letter: str, layout: Layout) -> bool:
    return letter == "Q" or letter not in layout.axes


def _placed(missing: NDArray[np.bool_], way: Reading, layout: Layout) -> NDArray[np.bool_]:
    """Put the axes of a mask where the reading has them."""
    single = tuple(axis for axis in range(missing.ndim) if axis not in way)
    kept = sorted(way)
    squeezed = missing.squeeze(single)
    order = sorted(range(len(kept)), key=lambda place: way[kept[place]])
    turned = squeezed.transpose(order)
    lacking = [axis for axis in range(len(layout.shape)) if axis not in way.values()]
    return np.expand_dims(turned, tuple(lacking))


def _not_one(
    found: list[Reading], shape: tuple[int, ...], names: str | None, layout: Layout
) -> BadMask:
    said = f"the mask has shape {shape}" + (f" and axes {names!r}" if names else "")
    image = f"the image has {layout.shape}, axes {layout.axes!r}"
    if not found:
        return BadMask(
            f"{said}, but {image}; give a mask of the image's shape, or of its last axes, or say "
            "what its axes are (mask_axes), Y and X among them"
        )
    ways = [_named(way, layout) for way in found]
    return BadMask(
        f"{said}, and {image}: that may be {' or '.join(ways)}; say which (mask_axes, or "
        "--mask-axes), or give the mask as many axes as the image has, of length 1 where it holds "
        "for all"
    )


def _named(way: Reading, layout: Layout) -> str:
    """Write a reading as letters, or as numbers of axes where letters do not tell them apart."""
    places = sorted(way.values())
    if any(layout.axes.count(layout.axes[place]) > 1 for place in places):
        return f"the image's axes {', '.join(map(str, places))}"
    return "".join(layout.axes[way[own]] for own in sorted(way))
