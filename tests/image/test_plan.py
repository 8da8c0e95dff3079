"""An image is divided into units, and the plan describes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.image.axes import Layout
from napari_dip.image.plan import Plan, make_plan, shared_axis


def written(plan):
    """Count how often each plane is restored."""
    count = np.zeros(plan.layout.shape, int)
    for unit in plan.units:
        count[unit.index] += 1
    return count


@given(
    planes=st.integers(1, 40),
    window=st.integers(1, 12),
    context=st.integers(0, 3),
    breaks=st.sets(st.integers(0, 39)),
)
def test_windows_cover_planes_once_and_respect_breaks(planes, window, context, breaks):
    layout = Layout("CZYX", (2, planes, 8, 8), shared="Z")
    cuts = {(channel, plane) for channel in range(2) for plane in breaks}
    plan = make_plan(layout, window, context, cuts)
    assert (written(plan) == 1).all()
    for unit in plan.units:
        part = unit.input_index[1]
        if isinstance(part, slice):
            assert unit.index[1].stop - unit.index[1].start <= window
            assert not breaks & set(range(part.start + 1, part.stop))
            inner = range(part.start, part.stop)[unit.output_planes]
            assert (inner.start, inner.stop) == (unit.index[1].start, unit.index[1].stop)


def test_windows_have_nearly_the_same_size():
    plan = make_plan(Layout("TYX", (25, 8, 8), shared="T"), 10, 1, ())
    assert [unit.index[0] for unit in plan.units] == [slice(0, 8), slice(8, 16), slice(16, 25)]
    assert [unit.input_index[0] for unit in plan.units] == [
        slice(0, 9),
        slice(7, 17),
        slice(15, 25),
    ]


def test_dissimilar_planes_are_restored_separately():
    layout = Layout("ZYX", (4, 8, 8), shared="Z")
    plan = make_plan(layout, 10, 1, {(1,), (2,), (3,)})
    assert plan == Plan(layout)
    assert [unit.index for unit in plan.units] == [(0,), (1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("axes", "shape", "asked", "expected"),
    [
        ("TZYX", (5, 6, 8, 8), "auto", "Z"),
        ("TZYX", (5, 1, 8, 8), "auto", "T"),
        ("TZYX", (5, 6, 8, 8), "T", "T"),
        ("TZYX", (5, 6, 8, 8), "none", ""),
        ("CYX", (5, 8, 8), "auto", ""),
        ("TCZYX", (2, 3, 6, 8, 8), "C", "C"),
        ("CYX", (1, 8, 8), "C", ""),
        ("ZYXS", (5, 8, 8, 3), "auto", ""),
    ],
)
def test_the_shared_axis_is_chosen(axes, shape, asked, expected):
    assert shared_axis(axes, shape, asked) == expected


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(Layout("YX", (8, 8))), "one plane in 2-D"),
        (
            Plan(Layout("TCZYX", (12, 3, 40, 8, 8), shared="Z"), window=10),
            "12 frames × 3 channels × 40 planes, each plane in 2-D, up to 10 planes "
            "along Z fitted together; 144 parts",
        ),
        (
            Plan(Layout("TZYX", (2, 4, 8, 8), "ZYX"), tile=256),
            "2 frames, each volume in 3-D, in tiles of 256 × 256 pixels; 2 parts",
        ),
        (
            make_plan(Layout("CZYX", (3, 4, 8, 8), shared="C"), 13, 1, ()),
            "3 channels × 4 planes, each plane in 2-D, 3 channels fitted together; 4 parts",
        ),
        (
            make_plan(Layout("CYX", (20, 8, 8), shared="C"), 13, 0, ()),
            "20 channels, each plane in 2-D, up to 13 channels fitted together; 2 parts",
        ),
        (
            Plan(Layout("TYX", (5, 8, 8)), at_once=4),
            "5 frames, each plane in 2-D; 5 parts, 4 concurrent",
        ),
        (Plan(Layout("YX", (8, 8)), at_once=2), "one plane in 2-D; 2 concurrent fits"),
    ],
)
def test_the_plan_is_described_in_a_sentence(plan, words):
    assert str(plan) == words


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(Layout("YX", (8, 8)), at_once=2), "1 image"),
        (Plan(Layout("ZYX", (4, 8, 8), "ZYX")), "1 volume"),
        (Plan(Layout("TYX", (5, 8, 8), shared="T"), window=5), "5 frames, fitted together"),
        (
            Plan(Layout("TCZYX", (12, 3, 40, 8, 8), shared="Z"), window=10),
            "12 frames × 3 channels × 40 planes, planes fitted together, up to 10 at a time",
        ),
        (
            Plan(Layout("TZYX", (2, 4, 8, 8), "ZYX"), tile=256),
            "2 frames, each a volume, in tiles of 256 pixels",
        ),
    ],
)
def test_the_plan_is_described_in_short(plan, words):
    assert plan.in_short() == words
