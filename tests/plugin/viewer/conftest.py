"""A panel in a viewer, and a fake engine that runs until the test ends it."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from example_results import PREVIEW, begun
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.settings import get_plugin_settings
from napari.utils.notifications import notification_manager
from npe2 import PluginManager
from qtpy.QtWidgets import QPushButton, QWidget
from superqt import QCollapsible

from napari_dip.image import restore as engine_module
from napari_dip.image.result import Result
from napari_dip.image.unit_report import UnitReport
from napari_dip.plugin.controllers import session
from napari_dip.plugin.controllers.result_layer import ResultLayer
from napari_dip.plugin.views.curve_fold import CurveFold
from napari_dip.progress import Snapshot

PATIENCE_MS = 60_000  # milliseconds: five seconds, the default, are too short on a busy machine


@pytest.fixture
def qtbot(qtbot):
    """A robot that is patient."""
    for name in ("waitUntil", "waitSignal"):
        setattr(qtbot, name, partial(getattr(qtbot, name), timeout=PATIENCE_MS))
    return qtbot


@pytest.fixture(autouse=True)
def long_lived_objects():
    """Exclude existing objects from the garbage collections when viewers close.

    napari collects garbage four times a viewer; with its modules that takes 0.2 s each.
    """
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def manifests_are_read_once():
    """Read the manifests of the plugins for the first viewer only; that takes 0.1 s each time."""
    with pytest.MonkeyPatch.context() as patch:
        discover = PluginManager.discover

        def discover_once(manager, *arguments, **options):
            known = "napari-dip" in manager
            return 0 if known else discover(manager, *arguments, **options)

        patch.setattr(PluginManager, "discover", discover_once)
        yield


class Ballast:
    """Stands for the tensors of a network."""


class Engine:
    """Replace ``run``: each estimate is filled with the number of the iteration."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.fail: Callable[[], Exception] | None = None
        self.calls = 0
        self.closed = 0
        self.ballast = lambda: None
        self.thread: int | None = None
        self.final = "for a test"

    def run(self, problem, output, stop_requested, **_):
        self.calls += 1
        return self._steps(problem, stop_requested)

    def _steps(self, problem, stop_requested, iteration=0):
        ballast = Ballast()
        self.ballast = weakref.ref(ballast)
        self.thread = threading.get_ident()
        settings = problem.settings
        output = np.zeros(problem.shape, problem.dtype)
        try:
            while not (stop_requested() or self.finish.is_set()):
                if self.fail is not None:
                    raise self.fail()
                iteration += 1
                output = np.full_like(output, iteration)
                yield Snapshot(0, 1, (), iteration, 1000, 0.5, 0.1, iteration / 50, 2.0, output)
                time.sleep(0.005)
        finally:
            self.closed += 1
        report = UnitReport(
            (), "fixed", "asked to", iteration, iteration, 0.5, {}, 0, 1, "float32", ()
        )
        result = Result(output, settings.axes, settings, (report,), "cpu", 1.0, stop_requested())
        uncertainty = np.full(output.shape, 0.5, np.float32) if settings.preset == "best" else None

        def more(result, iterations, stop_requested, report):
            self.finish.clear()
            return self._steps(problem, stop_requested, iteration)

        return replace(
            result, uncertainty=uncertainty, final=self.final, more=None if self.final else more
        )


@pytest.fixture
def engine(monkeypatch):
    fake = Engine()
    monkeypatch.setattr(engine_module, "run", fake.run)
    return fake


class Panel:
    """A panel whose controls are found by their names."""

    def __init__(self, viewer, name, qtbot) -> None:
        self.viewer, self._qtbot = viewer, qtbot
        self.dock, self.widget = viewer.window.add_plugin_dock_widget("napari-dip", name)

    def __getitem__(self, name):
        return self.dock.findChild(QWidget, name)

    def unfold(self, name):
        self.dock.findChild(QCollapsible, name).expand(animate=False)

    def press(self, name):
        self.dock.findChild(QPushButton, name).click()

    @property
    def said(self):
        return self["status"].text()

    def wait_for_preview(self):
        before = len(self.viewer.layers)
        self._qtbot.waitUntil(lambda: len(self.viewer.layers) > before)
        return self.viewer.layers[-1]

    def wait_until_idle(self):
        self._qtbot.waitUntil(lambda: not session.running_sessions)


@pytest.fixture
def open_panel(make_napari_viewer, qtbot):
    def open_one(name, *layers):
        viewer = make_napari_viewer()
        for layer in layers:
            viewer.add_layer(layer)
        return Panel(viewer, name, qtbot)

    yield open_one
    for one in [*session.running_sessions]:
        one.discard()
    qtbot.waitUntil(lambda: not session.running_sessions)


@pytest.fixture(autouse=True)
def _nothing_remembered():
    """Reset the remembered settings, which napari keeps for the whole process."""
    yield
    get_plugin_settings("napari-dip").panels.reset()
    CurveFold.opened = False


@pytest.fixture
def notifications():
    """The notifications of napari."""
    notification_manager.records.clear()
    yield notification_manager.records
    notification_manager.records.clear()


@pytest.fixture
def run(open_panel):
    """Open a panel on some layers, set a few controls, run to the end, return the output."""

    def to_the_end(name, *layers, iterations=3):
        panel = open_panel(name, *layers)
        panel["iterations"].setValue(iterations)
        panel["device"].setCurrentText("processor (cpu)")
        panel.press("run")
        panel.wait_until_idle()
        assert panel.said.startswith("Done"), panel.said
        return panel.viewer.layers[-1]

    return to_the_end


@pytest.fixture
def counts():
    """Photon counts, 32 x 40."""
    return np.random.default_rng(0).poisson(20, (32, 40)).astype(np.uint16)


@pytest.fixture
def stack():
    """Photon counts of three planes of different brightness."""
    return np.random.default_rng(0).poisson(20, (3, 24, 28)).astype(np.uint16) * [
        [[1]],
        [[9]],
        [[5]],
    ]


@pytest.fixture
def cells(stack):
    """A calibrated z-stack."""
    return Image(
        stack,
        name="cells",
        scale=(2, 0.5, 0.5),
        translate=(7, 1, -3),
        units="um",
        axis_labels="zyx",
    )


@pytest.fixture
def noisy():
    """An image of 32 x 32 different values."""
    return Image(np.arange(1024, dtype=np.uint16).reshape(32, 32), name="noisy")


@pytest.fixture
def running(open_panel, engine, noisy):
    """A panel whose run has shown its first preview."""
    panel = open_panel("Denoise", noisy)
    panel.press("run")
    panel.wait_for_preview()
    return panel


@pytest.fixture
def calibrated():
    """An image of equal values with a scale and a translation."""
    return Image(np.full((32, 32), 100, np.uint16), name="noisy", scale=(2, 3), translate=(5, 7))


@pytest.fixture
def advanced(open_panel, engine, calibrated, qtbot):
    """A panel whose run has shown several previews."""
    engine.final = ""
    panel = open_panel("Denoise", calibrated)
    panel.press("run")
    qtbot.waitUntil(lambda: panel["scrub"].maximum() >= 3)
    return panel


@pytest.fixture
def ended(advanced, engine):
    """The same panel at the end of its run."""
    engine.finish.set()
    advanced.wait_until_idle()
    return advanced


@pytest.fixture
def viewer():
    """A viewer without a window, with an image and a mask."""
    viewer = ViewerModel()
    viewer.add_layer(Image(np.arange(256.0).reshape(16, 16), name="cells"))
    viewer.add_layer(Labels(np.zeros((16, 16), int), name="mask"))
    return viewer


@pytest.fixture
def output(viewer):
    """A result layer with a first preview."""
    output = ResultLayer(viewer)
    output.update(begun(), PREVIEW)
    return output
