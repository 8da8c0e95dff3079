"""The paragraph for the methods section tells what was done, in the past tense."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_dip import Settings
from napari_dip.assess.methods_text import CITATIONS, methods_text
from napari_dip.image.problem import make_problem
from napari_dip.image.restoration_plan import plan_of
from napari_dip.settings import Inpaint, SuperResolve

VALUES = np.random.default_rng(0).poisson(20, (4, 64, 64)).astype(np.uint16)
UNIT = {
    "reason": "all 9 iterations done",
    "iterations": 9,
    "most_iterations": 9,
    "rule": "consensus",
    "noise": {"kind": "poisson-gaussian", "gain": 2.0, "offset": 90.0, "read": 3.0},
}


def record(axes="YX", shape=(64, 64), units=(UNIT,), steps=(), **settings):
    asked = Settings(axes=axes, device="cpu", **settings)
    return {
        "napari-dip": "1.2.3",
        "settings": asked.model_dump(mode="json"),
        "input": {"axes": axes, "shape": list(shape)},
        "units": list(units),
        "steps": list(steps),
        "versions": {"torch": "2.9", "python": "3.12"},
        "machine": {"processor": "AVX2"},
    }


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (record(seed=4), "The image (64 x 64 pixels) was denoised with napari-dip 1.2.3"),
        (record("ZYX", (9, 64, 64)), "The z-stack (9 planes, 64 x 64 pixels) was denoised"),
        (record("TCYX", (5, 2, 64, 64)), "The time-lapse (5 time points, 2 channels, 64 x 64"),
        (record(task=SuperResolve(factor=3)), "super-resolved by a factor of 3 along Y and X"),
        (record(task=Inpaint()), "Missing pixels of the image (64 x 64 pixels) were inpainted"),
        (record(task=Inpaint()), "All other pixels were left unchanged."),
        (record(task=Inpaint(keep_known=False)), "inpainted, and the other pixels denoised with"),
        (record(), "gain 2, offset 90, standard deviation 3 in the dark; in units of the image"),
        (record(noise=5.0), "The noise was given ("),
        (record(), "The fit ended after 9 iterations."),
        (record(units=(UNIT, UNIT | {"iterations": 7})), "Each fit ended after 7 to 9 iterations"),
        (
            record(units=(UNIT | {"iterations": 7},)),
            "after 7 iterations, by the stopping rule consensus (Wang et al., 2023).",
        ),
        (record(refinement=0), "Settings other than those of the preset were: refinement = 0."),
        (record(prior="none"), "which filters groups of similar patches; no network was fitted"),
        (record() | {"continued_at": [9]}, "continued by hand after 9 iterations"),
        (record() | {"picture": {"strength_percent": 60}}, "mixed with the raw image (60 %"),
        (record(), "PyTorch 2.9 (Paszke et al., 2019) and Python 3.12 on a CPU (AVX2)."),
    ],
)
def test_it_tells_what_was_done(made, words):
    assert words in methods_text(made).paragraph


def test_settings_that_change_no_pixel_are_left_out():
    made = record(uncertainty=False, memory="4GB", preview_every_s=2.0)
    assert "Settings other than" not in methods_text(made).paragraph


def test_only_what_is_cited_is_listed():
    paper = methods_text(record(prior="none"))
    assert CITATIONS["Ulyanov et al., 2020"] not in paper.references
    assert all(words in paper.paragraph for words, one in CITATIONS.items() if one in str(paper))


TASKS = (
    {"kind": "denoise"},
    {"kind": "super-resolve"},
    {"kind": "super-resolve", "axis": "Z"},
    {"kind": "inpaint"},
    {"kind": "inpaint", "match_noise": True},
)
EVERY_RUN = [
    *((task, preset) for task in TASKS for preset in ("fast", "best", "paper")),
    *(({"kind": "deconvolve"}, preset) for preset in ("fast", "best")),  # nothing is published
]


@pytest.mark.parametrize(("task", "preset"), EVERY_RUN, ids=str)
def test_every_step_is_in_the_past_tense(task, preset):
    mask = np.zeros((64, 64), bool)
    mask[20:30, 20:30] = True
    hidden = mask if task["kind"] == "inpaint" else None
    psf = np.ones((3, 3)) if task["kind"] == "deconvolve" else None
    for axes, image in (("YX", VALUES[0]), ("ZYX", VALUES)):
        if task.get("axis") and axes == "YX":
            continue
        asked = Settings(task=task, preset=preset, axes=axes, device="cpu")
        steps = plan_of(make_problem(image, asked, hidden, psf)).steps
        paragraph = methods_text(record(steps=steps)).paragraph
        assert steps
        assert "A further step was" not in paragraph
        assert not re.search(r"\. (Fit|Filter|Fill|Model|Average|Add|Bring|Sharpen) ", paragraph)


def test_given_psf_of_a_deconvolution_is_told_once():
    made = record(task="deconvolve")
    made["input"]["psf"] = {"shape": [5, 5]}
    paragraph = methods_text(made).paragraph
    assert "The point spread function was given as an image. " in paragraph
    assert "deconvolved too" not in paragraph
    made["input"]["psf"]["file"] = "/beads/one bead.tif"
    assert "was given as an image (one bead.tif). " in methods_text(made).paragraph


def test_computed_psf_is_not_called_an_image():
    made = record(task={"kind": "deconvolve", "na": 1.4, "wavelength": 520, "ri": 1.518})
    made["input"]["psf"] = {"shape": [31, 31]}
    paragraph = methods_text(made).paragraph
    assert "NA 1.4, 520 nm, refractive index 1.518) with" in paragraph
    assert "The point spread function was computed from these numbers. " in paragraph
    assert "given as an image" not in paragraph


def test_kept_iteration_and_optimiser_are_told():
    fit = "Fit a network to the image with Muon, as a correction, at most 16 iterations."
    made = record(steps=[fit], units=[{"iterations": 16, "best_iteration": 3}])
    told = methods_text(made)
    assert "with the optimiser Muon (Jordan et al., 2024), as a correction" in told.paragraph
    assert "ended after 16 iterations, and the estimate of iteration 3 was kept." in told.paragraph
    assert any("Optimizer for Hidden Layers" in one for one in told.references)


def test_kept_iterations_of_several_fits_are_told():
    units = [{"iterations": 16, "best_iteration": best} for best in (16, 2, 5)]
    assert (
        "their estimates of iteration 2 to 16 were kept."
        in methods_text(record(units=units)).paragraph
    )
    tiled = [unit | {"tiles": 4} for unit in units]
    assert "kept" not in methods_text(record(units=tiled)).paragraph


def test_line_breaks_in_names_do_not_break_it():
    made = record()
    made["machine"]["processor"] = "AVX\n2"
    assert "\n" not in methods_text(made).paragraph
