import pytest

from napari_dip.generators import finished, map_steps


class Counting:
    """Counts to three, and knows when it was closed."""

    closed = False

    def steps(self):
        try:
            yield from (1, 2, 3)
            return "done"
        finally:
            self.closed = True


def test_each_step_is_shown_and_the_result_handed_on():
    shown = []
    assert finished(map_steps(Counting().steps(), str), shown.append) == "done"
    assert shown == ["1", "2", "3"]


def test_steps_are_closed_with_what_is_made_of_them():
    counting = Counting()
    shown = map_steps(counting.steps(), str)
    next(shown)
    shown.close()
    assert counting.closed


def test_an_error_while_a_step_is_seen_closes_the_steps():
    counting = Counting()
    with pytest.raises(ZeroDivisionError):
        finished(counting.steps(), lambda step: step / 0)
    assert counting.closed


def test_a_stray_stop_iteration_is_not_taken_for_the_end():
    with pytest.raises(RuntimeError, match="StopIteration"):
        finished(Counting().steps(), lambda _: next(iter(())))
