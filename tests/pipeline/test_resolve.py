"""From facts and settings to steps: which steps, in which order, with which numbers."""

from dataclasses import replace

import pytest

from napari_dip.noise.poisson_gaussian import PoissonGaussian
from napari_dip.pipeline.facts import Facts, NoiseLevel
from napari_dip.pipeline.resolve import resolve
from napari_dip.settings import Denoise, Inpaint, Settings, SuperResolve

GAUSSIAN, PHOTONS = PoissonGaussian(read=0.1), PoissonGaussian(gain=0.01)
LEVEL = NoiseLevel(0.1, (0.1,))
PLANE = Facts((1, 64, 64), (GAUSSIAN,), LEVEL, LEVEL)
STACK = replace(
    PLANE, shape=(4, 64, 64), noises=(GAUSSIAN,) * 4, level=NoiseLevel(0.1, (0.1,) * 4), shared="Z"
)
SILENT = NoiseLevel(0.0, (0.0,))
CLEAN = replace(PLANE, noises=(PoissonGaussian(),), level=SILENT, stabilised_level=SILENT)


def names(facts, settings):
    return [type(step).__name__ for step in resolve(facts, settings).every_step]


FILTERED = ["Stabilise", "Fit", "PatchFilter", "Unstabilise"]
FILTERED_FIRST = ["Stabilise", "FirstFilter", "Fit", "PatchFilter", "Unstabilise"]
SHARPENED = ["Stabilise", "FirstSharp", "Fit", "AverageWithFirst", "Unstabilise"]
FITTED = ["Stabilise", "Fit", "Unstabilise"]
FILLED_FIRST = [
    "Stabilise",
    "FirstFill",
    "Fit",
    "AverageWithFirst",
    "PatchFilter",
    "Unstabilise",
]
GAPS = replace(PLANE, missing=0.2)


def test_matched_noise_is_the_last_step():
    settings = Settings(task=Inpaint(match_noise=True))
    moved = replace(STACK, missing=0.2, shifts=((0, 0), (0, 1), (0, 2), (0, 3)))
    assert names(GAPS, settings)[-1] == "MatchNoise"
    assert names(moved, settings)[-2:] == ["PutBack", "MatchNoise"]
    assert "MatchNoise" not in names(replace(CLEAN, missing=0.2), settings)


@pytest.mark.parametrize(
    ("facts", "settings", "steps"),
    [
        pytest.param(PLANE, Settings(), FILTERED_FIRST, id="noise"),
        pytest.param(PLANE, Settings(prior="unet"), FILTERED, id="another network"),
        pytest.param(PLANE, Settings(refinement=0), FITTED, id="the network alone"),
        pytest.param(PLANE, Settings(preset="paper"), FITTED, id="as published"),
        pytest.param(
            PLANE,
            Settings(preset="best"),
            [*FILTERED_FIRST, "Ensemble", "AverageWithFilter"],
            id="best",
        ),
        pytest.param(
            STACK, Settings(preset="best"), [*FILTERED_FIRST, "Ensemble"], id="best, a stack"
        ),
        pytest.param(replace(PLANE, blurred=True), Settings(), SHARPENED, id="blurred"),
        pytest.param(PLANE, Settings(task=SuperResolve()), FITTED, id="decimated"),
        pytest.param(
            CLEAN,
            Settings(task=SuperResolve()),
            ["Stabilise", "Fit", "FilterAndProject", "Unstabilise"],
            id="decimated, no noise",
        ),
        pytest.param(
            CLEAN, Settings(task=SuperResolve(), refinement=0), FITTED, id="decimated, no filter"
        ),
        pytest.param(
            replace(CLEAN, blurred=True), Settings(task=SuperResolve()), FITTED, id="and blurred"
        ),
        pytest.param(
            CLEAN, Settings(task=SuperResolve(), preset="paper"), FITTED, id="decimated, published"
        ),
        pytest.param(
            CLEAN, Settings(task=SuperResolve(), prior="unet"), FITTED, id="decimated, U-Net"
        ),
        pytest.param(
            PLANE,
            Settings(task=SuperResolve(axis="Z"), voxel=(2, 1, 1)),
            ["Stabilise", "Fit", "Project", "Unstabilise"],
            id="along Z",
        ),
        pytest.param(PLANE, Settings(task=Inpaint()), FITTED, id="inpainting without gaps"),
        pytest.param(GAPS, Settings(task=Inpaint()), FILLED_FIRST, id="inpainting"),
        pytest.param(
            replace(GAPS, gaps="hole"),
            Settings(task=Inpaint()),
            [step for step in FILLED_FIRST if step != "PatchFilter"],
            id="inpainting a hole",
        ),
        pytest.param(
            GAPS, Settings(task=Inpaint(), refinement=0), FITTED, id="inpainting, no filter"
        ),
        pytest.param(
            GAPS, Settings(task=Inpaint(), prior="unet"), FILTERED, id="inpainting, another network"
        ),
        pytest.param(
            GAPS, Settings(task=Inpaint(keep_known=False)), FILTERED, id="inpainting with noise"
        ),
        pytest.param(
            replace(STACK, shifts=((0, 0), (1, 2), (0, 1), (3, 3))),
            Settings(),
            ["Align", *FILTERED_FIRST, "PutBack"],
            id="moved planes",
        ),
    ],
)
def test_steps_follow_from_facts_and_settings(facts, settings, steps):
    assert names(facts, settings) == steps


def test_known_pixels_that_stay_are_not_denoised():
    def passes(**task):
        steps = resolve(GAPS, Settings(task=Inpaint(**task))).steps
        return steps[-2].filling, steps[-2].passes, steps[-2].scaling.trusted

    assert passes() == (8, 0, 0.5)
    assert passes(keep_known=False) == (8, 2, 1)


def test_only_photon_noise_is_stabilised():
    photons = replace(PLANE, noises=(PHOTONS,), stabilised_level=NoiseLevel(0.04, (0.04,)))
    stabilised = resolve(photons, Settings())
    assert stabilised.steps[0].domain.is_stabilised
    assert stabilised.fit.sigma == 0.04
    assert "Stabilise" in str(stabilised)
    for settings in (Settings(preset="paper"), Settings(task=SuperResolve())):
        assert not resolve(photons, settings).steps[0].domain.is_stabilised
    assert "Stabilise" not in str(resolve(PLANE, Settings()))


def test_a_clean_image_is_not_filtered():
    assert names(CLEAN, Settings()) == FITTED


def test_estimated_correlated_noise_is_distrusted_behind_a_blur():
    correlated = PoissonGaussian(read=0.1, correlation=((0.5,), (0.5,)))
    blurred = replace(PLANE, noises=(correlated,), blurred=True)

    def trusted(noise):
        return resolve(blurred, Settings(noise=noise)).steps[0].uses_noise

    assert trusted(0.1)
    assert not trusted("auto")


def test_the_text_names_every_step_that_acts():
    moved = replace(STACK, missing=0.2, shifts=((0, 0), (1, 2), (0, 1), (3, 3)))
    said = str(resolve(moved, Settings(members=2, iterations=77, task=Denoise())))
    for words in ("3 pixels", "at most 77 iterations", "gaps", "neighbouring planes", "2 times"):
        assert words in said


def test_more_iterations_change_the_fit_alone():
    short = resolve(PLANE, Settings(members=3))
    longer = short.with_iterations(900)
    assert longer.fit.recipe.iterations == longer.recipe.iterations == 900
    assert longer.most_iterations == 2700
    assert replace(longer.fit, recipe=short.recipe) == short.fit
