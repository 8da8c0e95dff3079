"""Watch functions that tell how much they have done."""

import threading

import pytest

from napari_dip.checkpoint import Interrupted, checkpoint, watched


def work():
    for _ in range(3):
        checkpoint(1.0)


def test_without_a_watcher_nothing_happens():
    work()


def test_inner_watcher_replaces_the_outer_one():
    outer, inner = [], []
    with watched(outer.append):
        work()
        with watched(inner.append):
            work()
        work()
    assert (len(outer), len(inner)) == (6, 3)


def test_a_watcher_interrupts_and_is_removed():
    def refuse(_):
        raise Interrupted

    with pytest.raises(Interrupted), watched(refuse):
        work()
    work()


def test_other_threads_are_not_watched():
    seen = []
    with watched(seen.append):
        other = threading.Thread(target=work)
        other.start()
        other.join()
    assert not seen
