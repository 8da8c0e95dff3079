"""The state of each plane of a result is listed, counted and described."""

import json

import numpy as np
import pytest

from napari_dip.image.axes import Layout
from napari_dip.image.coverage import Coverage, Part, empty_part, place_in_words


def planes(*numbers, state="restored", **stopped):
    return Part(tuple(range(low, high) for low, high in numbers), state, **stopped)


STOPPED = {"state": "partial", "iterations": 4, "max_iterations": 15}
MIXED = Coverage(
    "Z",
    (9,),
    (
        planes((0, 4)),
        planes((4, 5), **STOPPED),
        planes((5, 7), state="empty"),
        planes((7, 8), state="unchanged"),
        planes((8, 9)),
    ),
    "denoised",
)


def test_planes_are_listed_by_state():
    assert [place["Z"] for place in MIXED.restored] == [0, 1, 2, 3, 8]
    assert (MIXED.partial, MIXED.unchanged) == (({"Z": 4},), ({"Z": 7},))
    assert MIXED.empty == ({"Z": 5}, {"Z": 6})
    assert not MIXED.complete
    assert Coverage("Z", (4,), (planes((0, 4)),)).complete


def test_indices_follow_the_axes_of_an_array():
    parts = planes((0, 1), (0, 2)), planes((1, 2), (0, 2), state="empty")
    indices = list(Coverage("TC", (2, 2), parts).indices("empty", "TYC"))
    assert indices == [(1, slice(None), 0), (1, slice(None), 1)]


SINGLE = {
    "restored": "denoised",
    "partial": "stopped after 4 of 15 iterations, in tile 2 of 3 (the other tile is empty)",
    "empty": "nothing denoised; the result is empty",
    "unchanged": "no pixel is known; the image is unchanged",
}


@pytest.mark.parametrize("state", SINGLE)
def test_a_single_plane_is_described(state):
    part = Part((), state, 4, 15, 2, 3)
    assert Coverage("", (), (part,), "denoised").in_words() == SINGLE[state]


EVERY_SECOND = tuple(
    planes((number, number + 1), state="restored" if number % 2 else "empty")
    for number in range(20)
)


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        pytest.param(
            MIXED,
            "planes 1–4 and 9 of 9 denoised; plane 5 stopped after 4 of 15 iterations; "
            "planes 6–7 are empty; plane 8 has no known pixel and is unchanged",
            id="all-states",
        ),
        pytest.param(
            Coverage("T", (5,), (planes((0, 5), state="empty"),)),
            "none of 5 frames restored; frames 1–5 are empty",
            id="none",
        ),
        pytest.param(
            Coverage(
                "TZ",
                (2, 3),
                (
                    planes((0, 1), (0, 3)),
                    planes((1, 2), (0, 2)),
                    planes((1, 2), (2, 3), state="empty"),
                ),
            ),
            "frame 1, planes 1–3 and frame 2, planes 1–2 (5 of 6) restored; "
            "frame 2, plane 3 is empty",
            id="two-axes",
        ),
        pytest.param(
            Coverage("T", (20,), EVERY_SECOND),
            "10 of 20 frames restored; 10 of 20 frames are empty",
            id="many-spans",
        ),
        pytest.param(
            Coverage("Q", (6,), tuple(planes((n, n + 1), **STOPPED) for n in range(6))),
            "none of 6 images restored; images 1–6 stopped early",
            id="many-stopped",
        ),
    ],
)
def test_planes_are_described_in_a_sentence(coverage, words):
    assert coverage.in_words() == words


def test_the_record_counts_from_zero():
    record = MIXED.record()
    assert json.loads(json.dumps(record)) == record
    assert record["partial"] == [{"Z": 4, "iterations": 4, "most_iterations": 15}]
    assert record["unchanged"] == [{"Z": 7}]


def test_repeated_letters_are_numbered():
    coverage = Coverage("QQ", (2, 1), (planes((0, 2), (0, 1)),))
    assert coverage.restored == ({"Q0": 0, "Q1": 0}, {"Q0": 1, "Q1": 0})


@pytest.mark.parametrize(
    ("axes", "shape", "index", "words"),
    [
        ("YX", (8, 8), (), ""),
        ("ZYX", (1, 8, 8), (0,), ""),
        ("ZYX", (7, 8, 8), (4,), "plane 5 of 7"),
        ("TCYX", (3, 2, 8, 8), (2, 0), "frame 3 of 3, channel 1 of 2"),
        ("TYX", (9, 8, 8), (slice(3, 6),), "frames 4–6 of 9"),
    ],
)
def test_the_place_of_a_part_is_described(axes, shape, index, words):
    assert place_in_words(Layout(axes, shape), index) == words


def test_empty_parts_are_nan_or_zero():
    assert np.isnan(empty_part((2, 3), np.dtype("f4"), None)).all()
    assert not empty_part((2, 3), np.dtype("u1"), None).any()
    with_alpha = empty_part((2, 3, 4), np.dtype("f4"), 2)
    assert np.isnan(with_alpha[..., :3]).all()
    assert (with_alpha[..., 3] == 0).all()
