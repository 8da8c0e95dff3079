"""A run from each panel gives its result layer and releases its memory."""

from __future__ import annotations

import gc
import weakref

import numpy as np
from napari.layers import Image, Labels


def test_denoising(run, counts):
    image = Image(
        counts,
        name="cells",
        scale=(0.2, 0.3),
        units=("um", "um"),
        axis_labels=("y", "x"),
        colormap="green",
        contrast_limits=(3, 44),
    )
    output = run("Denoise", image)
    assert output.name == "cells (denoised)"
    assert output.data.shape == counts.shape
    assert output.data.dtype == counts.dtype
    assert output.data.std() < counts.std()
    np.testing.assert_allclose(output.scale, (0.2, 0.3))
    assert output.units == image.units
    assert output.axis_labels == ("y", "x")
    assert output.colormap.name == "green"
    assert output.contrast_limits == [3, 44]
    made = output.metadata["napari-dip"]
    assert made["settings"]["task"]["kind"] == "denoise"
    assert {"seed", "versions", "stop_reason"} <= set(made)


def test_super_resolution(run, counts):
    image = Image(counts, name="cells", scale=(2, 2), translate=(1, 5))
    output = run("Super-resolution", image)
    assert output.name == "cells (×2)"
    assert output.data.shape == (64, 80)
    np.testing.assert_allclose(output.scale, (1, 1))
    np.testing.assert_allclose(output.translate, (0.5, 4.5))
    np.testing.assert_allclose(
        output.extent.world - [[0.5, 0.5], [-0.5, -0.5]],
        image.extent.world - [[0, 0], [0, 0]] + [[-0.5, -0.5], [0.5, 0.5]],
        atol=1.1,
    )


def test_inpainting(run, counts):
    painted = np.zeros(counts.shape, int)
    painted[10:14, 5:30] = 3
    output = run("Inpaint", Image(counts, name="cells"), Labels(painted, name="scratch"))
    assert output.name == "cells (inpainted)"
    changed = output.data != counts
    assert changed[painted == 3].any()
    assert not changed[painted == 0].any()


def test_a_colour_image_stays_one(run):
    colours = np.random.default_rng(0).integers(0, 255, (32, 36, 3), np.uint8)
    output = run("Denoise", Image(colours, rgb=True, name="tissue"))
    assert output.rgb
    assert output.data.shape == colours.shape


def test_a_stack_is_restored_in_all_its_planes(run, counts):
    stack = np.stack([counts, counts[::-1], counts])
    output = run("Denoise", Image(stack, name="stack", scale=(3, 1, 1), axis_labels="zyx"))
    assert output.data.shape == stack.shape
    assert (output.data != stack).any((1, 2)).all()
    np.testing.assert_allclose(output.scale, (3, 1, 1))
    assert output.metadata["napari-dip"]["plan"].startswith("3 planes")


def test_discarding_a_run_releases_tensors(open_panel, counts):
    import torch

    def modules():
        gc.collect()
        return [one for one in gc.get_objects() if issubclass(type(one), torch.nn.Module)]

    earlier = weakref.WeakSet(modules())
    panel = open_panel("Denoise", Image(counts, name="cells"))
    panel["published"].setChecked(True)  # it does not end before the check
    panel["device"].setCurrentText("processor (cpu)")
    panel.press("run")
    panel.wait_for_preview()
    network = [weakref.ref(one) for one in modules() if one not in earlier]
    assert network
    panel.press("discard")
    panel.wait_until_idle()
    gc.collect()
    assert all(one() is None for one in network)


def test_memory_that_runs_out_is_told(open_panel, counts, notifications, monkeypatch):
    import torch

    from napari_dip.network import build as networks

    def exhausted(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 90 GiB")

    monkeypatch.setattr(torch.nn.Conv2d, "forward", exhausted)
    assert networks
    panel = open_panel("Denoise", Image(counts, name="cells"))
    panel["device"].setCurrentText("processor (cpu)")
    panel.press("run")
    panel.wait_until_idle()
    assert [note.severity.value for note in notifications] == ["error"]
    assert "memory" in notifications[0].message
    assert panel["run"].isEnabled()


def test_the_controls_reach_the_engine(open_panel, engine, monkeypatch):
    asked = []
    start = engine.run

    def run(problem, output, stop_requested, **keywords):
        asked.append((problem.settings, problem.observed.missing))
        return start(problem, output, stop_requested, **keywords)

    monkeypatch.setattr("napari_dip.image.restore.run", run)
    painted = np.zeros((32, 32), int)
    painted[:4], painted[-4:] = 1, 2
    panel = open_panel("Inpaint", Image(np.ones((32, 32))), Labels(painted))
    panel["label"].setValue(2)
    panel["published"].setChecked(True)
    panel["iterations"].setValue(77)
    panel["stopping"].setCurrentText("residual is noise")
    panel["noise"].setCurrentText("known level")
    panel["noise_level"].setValue(2.5)
    panel["seed"].setValue(5)
    panel["device"].setCurrentText("processor (cpu)")
    panel["missing"].setCurrentText("a hole")
    panel["keep_known"].setChecked(False)
    engine.finish.set()
    panel.press("run")
    panel.wait_until_idle()
    ((settings, mask),) = asked
    assert settings.task.missing == "hole"
    assert not settings.task.keep_known
    assert (settings.preset, settings.iterations, settings.seed) == ("paper", 77, 5)
    assert (settings.noise, settings.device) == (2.5, "cpu")
    assert settings.stopping.rule == "discrepancy"
    np.testing.assert_array_equal(mask, painted == 2)
