"""Lay out the controls that the panels of all tasks share, and connect them to the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from magicgui.widgets import Container, Widget
from napari.layers import Image
from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import QTimer

from napari_dip.errors import BadImage, NapariDipError
from napari_dip.extensions import load_extensions
from napari_dip.plaintext import as_html
from napari_dip.plugin.controllers.run_control import RunController
from napari_dip.plugin.controllers.viewer_layers import LayerWatcher, unwrap_viewer
from napari_dip.plugin.models.file_job import FileJob
from napari_dip.plugin.models.layer_input import match_settings, read_layer
from napari_dip.plugin.models.layer_record import origin_of, recorded_settings
from napari_dip.plugin.models.request_template import LayerReader, RequestTemplate
from napari_dip.plugin.models.target import proposed_path
from napari_dip.plugin.views import controls, tooltips
from napari_dip.plugin.views.axes_controls import AxesControls
from napari_dip.plugin.views.batch_section import BatchSection
from napari_dip.plugin.views.docks import DockWatcher, UndockWatcher
from napari_dip.plugin.views.open_file import OpenButton
from napari_dip.plugin.views.output_controls import OutputControls, ask_about_folder
from napari_dip.plugin.views.panel_frame import (
    Icons,
    choose_first_image,
    make_scrollable,
    no_image_text,
    pause_spinner,
)
from napari_dip.plugin.views.result_section import ResultSection
from napari_dip.plugin.views.run_buttons import (
    TrialButtons,
    bind_shortcuts,
    settings_loaded,
)
from napari_dip.plugin.views.run_section import RunSection
from napari_dip.plugin.views.settings_controls import SettingsControls, remember_values
from napari_dip.settings.task import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Layer
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from napari_dip.files.folder_plan import FolderPlan
    from napari_dip.plugin.controllers.session import Session
    from napari_dip.plugin.models.run_request import RunRequest
    from napari_dip.settings import Settings, Task
    from napari_dip.settings.task import TaskSpec

__all__ = ["Panel"]

WIDTH = 350  # pixels: fits all rows at a font size of 14; the canvas needs the rest of the window


class Panel(Container[Widget]):
    """The controls that all tasks share; a subclass adds its ``task_type`` and its controls.

    Parameters
    ----------
    viewer
        The viewer.
    task_controls
        The controls of the task, under the image.
    advanced_controls
        The controls of the task under *Advanced settings*.
    notes
        What is said about the task, above the plan.

    Attributes
    ----------
    controller
        The controller of the runs of this panel.
    """

    task_type: ClassVar[type[Task]]

    def __init__(
        self,
        viewer: Viewer,
        task_controls: Sequence[Widget],
        advanced_controls: Sequence[Widget],
        notes: Sequence[QWidget] = (),
    ) -> None:
        self._viewer = unwrap_viewer(viewer)
        self._notes = notes
        _load_extensions()
        self.image = controls.layer_box("image", "Image", tooltips.IMAGE, self._viewer, Image)
        self._trial_buttons = TrialButtons()
        self._run = RunSection(self._spec.page, self._viewer)
        self._result = ResultSection(self._viewer)
        self._open = OpenButton(self._viewer)
        self._axes = AxesControls(self._viewer)
        self._settings = SettingsControls(advanced_controls, self._axes)
        remember_values(self._settings.remembered)
        self._output = OutputControls()
        super().__init__(widgets=[self.image, self._settings.preset, *task_controls])
        controls.align_labels(self)
        self.controller = RunController(self._viewer, self, self.native)
        self._arrange()
        self._watcher = LayerWatcher(self._check)
        self._connect()
        self.reset_choices()
        choose_first_image(self.image, self._viewer)
        self._check()

    @property
    def _spec(self) -> TaskSpec:
        """The row of the task in the table."""
        return TASKS[self.task_type.model_fields["kind"].default]

    def task(self) -> Task:
        """Return the task that the controls show."""
        raise NotImplementedError

    def set_task(self, recorded: Settings, origin: Mapping[str, Any]) -> None:
        """Set the controls of the task to those of a recorded layer."""
        raise NotImplementedError

    def set_image(self, recorded: Settings) -> str:
        """Set what the image lacks to that of a recorded run, and say what was set or differs."""
        return ""

    def general_settings(self) -> dict[str, Any]:
        """Return the settings beside those of the task that its controls show."""
        return {}

    def settings(self) -> Settings:
        """Return the settings that the controls show."""
        return self._settings.settings(self.task()).replace(**self.general_settings())

    def reader(self) -> LayerReader:
        """Return how layers are read with the current controls."""
        return LayerReader()

    def file_controls(self) -> list[Widget]:
        """Return further controls of a batch of files."""
        return []

    def file_inputs(self) -> dict[str, Any]:
        """Return the files beside the images that a batch of files needs."""
        return {}

    def watched_layers(self) -> list[Layer]:
        """List the layers whose changes may make a run possible or impossible."""
        return [self.image.value]

    @property
    def keep_history(self) -> bool:
        """Whether all previews are added as one layer at the end."""
        return bool(self._settings.keep_history.value)

    def input_layer(self) -> Image:
        """Return the chosen image.

        Raises
        ------
        BadImage
            If there is none, or a field of its axes is not valid.
        """
        if self.image.value is None:
            raise BadImage(no_image_text(self._viewer))
        self._axes.check()
        layer: Image = self.image.value
        return layer

    def choose_image(self, layer: Image) -> None:
        """Choose an image."""
        self.image.value = layer

    def template(self) -> RequestTemplate:
        """Return the values of the controls.

        Raises
        ------
        NapariDipError
            If they are not valid.
        """
        return RequestTemplate(
            self.reader(),
            self.settings(),
            self._output.target(),
            self._output.compute_options(),
        )

    def file_job(self, plan: FolderPlan, *, overwrite: bool) -> FileJob:
        """Return the job for image files.

        Raises
        ------
        NapariDipError
            If the controls are not valid, or cannot be used for files.
        """
        return FileJob(
            plan,
            self.settings(),
            self._output.compute_options(),
            self.file_inputs(),
            overwrite,
        )

    def propose_target(self, layer: Image) -> None:
        """Propose a folder that follows the image and the task."""
        source, settings = match_settings(read_layer(layer), self.settings())
        self._output.propose(proposed_path(source, settings))

    def choose_target(self, *, too_large: bool) -> bool:
        """Choose disk or memory for the result; return whether the choice changed to disk."""
        chosen = self._output.choose(too_large=too_large)
        if chosen:
            self._output_section.expand(animate=False)
        return chosen

    def ask_about_folder(self, request: RunRequest) -> RunRequest | None:
        """Ask what to do with the content of the folder; ``None`` cancels the run."""
        return ask_about_folder(request, self._viewer, self.native)

    def set_controls(self, settings: Settings, origin: Mapping[str, Any]) -> tuple[bool, list[str]]:
        """Set the controls; return whether the task fits, and the settings without a control."""
        fits = type(settings.task) is self.task_type
        shown = self.general_settings() if fits else ()
        without_control = self._settings.set_values(settings, shown)
        if fits:
            self.set_task(settings, origin)
        return fits, without_control

    def _arrange(self) -> None:
        self.image.native.setMinimumContentsLength(4)  # makes room for the button beside it
        self.image.native.parentWidget().layout().addWidget(self._open)
        self.native.layout().insertWidget(1, self._axes.section)
        self._output_section = controls.section("placing", "Output and computing", self._output)
        for part in (
            *self._notes,
            self._run,
            self._result,
            controls.section("trying", "Try on a part", self._trial_buttons),
            self._output_section,
            controls.section("advanced", "Advanced settings", self._settings),
            controls.section("queueing", "Batch", self._batch_section()),
        ):
            self.native.layout().addWidget(part)
        self._area = make_scrollable(self.native, self._viewer)
        bind_shortcuts(self.native, [*self._run.buttons.all, *self._result.buttons_with_keys])
        Icons(self.native, self._viewer)
        self.native.setFixedWidth(WIDTH)

    def _batch_section(self) -> QWidget:
        self._batch = BatchSection(self.controller, self._spec.done, self.file_controls())
        return self._batch

    def _connect(self) -> None:
        controller = self.controller
        UndockWatcher(self.native).undocked.connect(self._close)
        DockWatcher(self.native, self._viewer, type(self))
        self.native.destroyed.connect(controller.abandon)
        self._run.connect_to(controller)
        self._run.open_sample.changed.connect(self._add_sample)
        self._trial_buttons.try_here.changed.connect(controller.run_trial)
        self._trial_buttons.apply_to_stack.changed.connect(controller.apply_trial)
        controller.actions_changed.connect(self._trial_buttons.allow)
        controller.session_started.connect(self._follow)
        controller.session_ended.connect(self._show_result)
        controller.files.ended.connect(self._run.progress.clear)
        self._result.continued.connect(self._continue)
        self._result.resumed.connect(self._resume_rest)
        self._result.loaded.connect(self._load_settings)
        self._open.opened.connect(self.choose_image)
        self._axes.edited.connect(self._check)
        for source in (self._result, self._open, self._axes):
            source.message.connect(controller.say)
        self._viewer.layers.events.inserted.connect(self._check_if_no_image)
        self._viewer.layers.events.removed.connect(self._check_if_no_image)
        for part in (self, self._settings, self._output):
            part.changed.connect(self._check)

    def _check(self) -> None:
        """Check whether a run is possible with the current controls and layers."""
        self._watcher.watch([layer for layer in self.watched_layers() if layer is not None])
        self._axes.show_layer(self.image.value)
        self._run.open_sample.native.setVisible(self.image.value is None)
        self.controller.check()

    def _check_if_no_image(self) -> None:
        """Update the hint on how to get an image."""
        if self.image.value is None:
            self._check()

    def _add_sample(self) -> None:
        self._viewer.open_sample("napari-dip", self._spec.sample)
        choose_first_image(self.image, self._viewer)
        self._viewer.layers.selection.active = self.image.value

    def _follow(self, session: Session) -> None:
        self._result.follow(session)
        QTimer.singleShot(0, self._show_run)  # napari starts its spinner with the run

    def _show_run(self) -> None:
        """Show the progress; nothing moves if it is visible already."""
        if not isalive(self.native):  # type: ignore[no-untyped-call]
            return
        pause_spinner(self.native.window())
        self.native.layout().activate()
        self._area.ensureWidgetVisible(self._run, 0, 0)

    def _show_result(self, session: Session) -> None:
        self._run.progress.clear()
        self._result.show_result(session)

    def _continue(self, more: int) -> None:
        if self._result.run_view.finished is not None:
            self.controller.continue_run(self._result.run_view.finished, more)

    def _resume_rest(self) -> None:
        if self._result.run_view.rest is not None:
            self.controller.resume_rest(self._result.run_view.rest, self._result.run_view.finished)

    def _load_settings(self, record: Mapping[str, Any], name: str) -> None:
        try:
            settings = recorded_settings(record)
        except NapariDipError as error:
            self.controller.say(f"Another version made '{name}': {error}.")
            return
        fits, without_control = self.set_controls(settings, origin_of(record))
        other_task = "" if fits else settings.task.kind
        said = settings_loaded(name, other_task, without_control)
        about_image = self.set_image(settings) if fits else ""
        self.controller.say(" ".join(filter(None, (said, about_image))))

    def _close(self) -> None:
        """Stop the run when napari closes the panel."""
        self.controller.close()
        self._result.run_view.close_result()


def _load_extensions() -> None:
    """Load the extensions before lists are filled; the panel works without one that is broken."""
    try:
        load_extensions()
    except NapariDipError as error:
        show_error(as_html(error))
