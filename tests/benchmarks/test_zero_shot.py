"""The zero-shot methods of the benchmarks."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture
def pairs(scripts):
    from zero_shot import chequerboard_pairs

    y = torch.arange(7 * 5, dtype=torch.float32).reshape(1, 1, 7, 5)
    return y, chequerboard_pairs(y)


def test_halves_share_no_pixel(pairs):
    y, found = pairs
    even = {*y[..., :6, :4].flatten().tolist()}
    for source, target in found:
        one, two = ({*half.flatten().tolist()} for half in (source, target))
        assert not one & two
        assert one | two == even


def test_halves_are_pushed_together_both_ways(pairs):
    _, found = pairs
    assert [tuple(source.shape[-2:]) for source, _ in found] == [(6, 2), (6, 2), (3, 4), (3, 4)]


def test_pixels_of_a_pair_are_neighbours(pairs):
    y, found = pairs
    places = {float(y[0, 0, i, j]): (i, j) for i in range(7) for j in range(5)}
    for source, target in found:
        for one, two in zip(source.flatten().tolist(), target.flatten().tolist(), strict=True):
            (row, column), (other_row, other_column) = places[one], places[two]
            assert abs(row - other_row) + abs(column - other_column) == 1
