"""A stopping rule in a package of its own: stop when the loss no longer falls."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from napari_dip.dip.choose_rule import make_rule
from napari_dip.dip.stopping_rules import PatienceCounter
from napari_dip.settings import Stopping, register_rule


@register_rule
class Plateau(Stopping):
    """Stop when the loss has no new minimum for ``patience`` iterations."""

    rule: Literal["plateau"] = "plateau"
    label: ClassVar[str] = "the loss does not fall"
    patience: int = Field(5, ge=1)


@dataclass
class PlateauRule:
    """The rule during one fit."""

    counter: PatienceCounter
    name: str = "plateau"
    choice: int = 0
    buffers: ClassVar = ()

    def measure(self, state, /):
        """Return the loss of this iteration, on the device."""
        return state.data_term

    def update(self, *numbers):
        """Return a reason to stop, or an empty string."""
        return self.counter.update(*numbers)


@make_rule.register(Plateau)
def _build(stopping, context):
    """Return the rule, and the pixels to fit: here all of them."""
    return PlateauRule(PatienceCounter(stopping.patience)), context.observation
