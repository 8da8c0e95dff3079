"""Test that a recipe is a frozen value with the published defaults."""

from dataclasses import FrozenInstanceError, replace

import pytest

from napari_dip.dip.recipe import Recipe
from napari_dip.settings import Fixed
from napari_dip.settings.architectures import SkipNet


def test_a_recipe_is_a_frozen_value():
    recipe = Recipe(SkipNet(), 10)
    assert recipe == Recipe(SkipNet(), 10)
    assert len({recipe, replace(recipe), replace(recipe, iterations=11)}) == 2
    with pytest.raises(FrozenInstanceError):
        recipe.iterations = 11


def test_defaults_are_the_published_method():
    recipe = Recipe(SkipNet(), 10)
    assert (recipe.optimiser, recipe.learning_rate, recipe.averaging) == ("adam", 0.01, 0.99)
    assert (recipe.code, recipe.code_channels, recipe.code_noise) == ("noise", 32, 1 / 30)
    assert recipe.stopping == Fixed()
    steps = (recipe.refinement, recipe.gap_passes, recipe.projection_steps, recipe.guidance_decay)
    assert not any((recipe.tv_weight, *steps))
