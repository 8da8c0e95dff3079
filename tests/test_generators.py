import pytest

from napari_dip.generators import finished, map_steps


class Counting:
    """Yield 1, 2 and 3, and record when the generator is closed."""

    closed = False

    def steps(self):
        try:
            yield from (1, 2, 3)
            return "done"
        finally:
            self.closed = True


def test_steps_are_shown_and_the_result_returned():
    shown = []
    assert finished(map_steps(Counting().steps(), str), shown.append) == "done"
    assert shown == ["1", "2", "3"]


def test_closing_the_wrapper_closes_the_steps():
    counting = Counting()
    shown = map_steps(counting.steps(), str)
    next(shown)
    shown.close()
    assert counting.closed


def test_an_error_in_the_callback_closes_the_steps():
    counting = Counting()
    with pytest.raises(ZeroDivisionError):
        finished(counting.steps(), lambda step: step / 0)
    assert counting.closed


def test_a_stray_stop_iteration_is_an_error():
    with pytest.raises(RuntimeError, match="StopIteration"):
        finished(Counting().steps(), lambda _: next(iter(())))
