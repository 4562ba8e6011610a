"""The background clock: it ticks, ends when it is not needed, and does not cross a fork."""

from __future__ import annotations

import gc
import os
import sys
import threading

import pytest

from tracedbg import ticker
from tracedbg.ticker import Ticker

SOON = 0.001
LIMIT_S = 30


@pytest.fixture
def ticks():
    """A ticker whose ticks can be waited for, and that goes on until it is told to end."""

    class Ticks(Ticker):
        def __init__(self):
            self.ticked = threading.Semaphore(0)
            self.goes_on = True
            super().__init__(self._tick, SOON)

        def _tick(self):
            self.ticked.release()
            return self.goes_on

        def wait(self, count=1):
            for _ in range(count):
                assert self.ticked.acquire(timeout=LIMIT_S)

    made = Ticks()
    yield made
    made.stop()
    assert not ticker._running


def test_it_ticks_until_it_is_stopped(ticks):
    ticks.start()
    ticks.wait(3)
    assert ticks.stop()
    while ticks.ticked.acquire(blocking=False):
        pass
    assert not ticks.ticked.acquire(timeout=20 * SOON)


def test_it_ends_by_itself_when_there_is_nothing_left_to_do_and_can_begin_again(ticks):
    ticks.goes_on = False
    ticks.start()
    ended = ticks._ended
    ticks.wait()
    assert ended.wait(LIMIT_S)
    assert not ticks.stop()
    ticks.goes_on = True
    ticks.start()
    ticks.wait(2)


def test_starting_twice_makes_one_thread(ticks):
    ticks.start()
    first = ticks._stopping
    ticks.start()
    assert ticks._stopping is first


def test_no_thread_of_it_can_be_seen(ticks):
    before = threading.enumerate()
    ticks.start()
    ticks.wait()
    assert threading.enumerate() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_it_ticks_on_both_sides_of_a_fork(ticks):
    ticks.start()
    ticks.wait()
    pid = os.fork()
    if pid == 0:
        while ticks.ticked.acquire(blocking=False):
            pass
        os._exit(0 if ticks.ticked.acquire(timeout=LIMIT_S) else 1)
    while ticks.ticked.acquire(blocking=False):
        pass
    ticks.wait()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_its_thread_is_left_out_of_what_was_set_for_all_threads():

    seen, ended = [], threading.Event()

    def tick():
        seen.append((sys.getprofile(), sys.gettrace()))
        sys.setprofile(lambda *event: None)  # as a profiler that goes through all threads
        sys.settrace(lambda *event: None)
        if len(seen) == 3:
            ended.set()
        return True

    made = Ticker(tick, SOON)
    made.start()
    assert ended.wait(LIMIT_S)
    made.stop()
    assert seen[:3] == [(None, None)] * 3


def test_garbage_is_not_collected_meanwhile_and_then_as_before():
    with ticker.no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with ticker.no_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
