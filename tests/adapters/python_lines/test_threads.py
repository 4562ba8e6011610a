"""Threads: those that run already, those to come, and pausing them."""

from __future__ import annotations

import sys
import threading

import pytest

from adapters.python_lines.debugged import debugging
from tracedbg.engine import Go

PATIENCE_S = 60


class Worker:
    """A thread that runs Python until it is told to end."""

    def __init__(self):
        self.turns = 0
        self.is_wanted = True
        self.began = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        assert self.began.wait(PATIENCE_S)
        return self

    def __exit__(self, *_):
        self.is_wanted = False
        self.thread.join()

    def run(self):
        self.began.set()
        while self.is_wanted:
            self.turn()

    def turn(self):
        self.turns += 1  # @turn
        self.turns += 1  # @turn again


def test_a_thread_that_runs_already_stops():
    with Worker() as worker, debugging(Go.OVER) as debugged:
        debugged.stop_at(__file__, "turn", is_once=True)
        assert debugged.script.stopped.wait(PATIENCE_S)
    assert debugged.script.at[:2] == ["turn", "turn again"]
    assert set(debugged.script.threads) == {worker.thread.ident}


def test_a_thread_to_come_stops():
    with debugging() as debugged:
        debugged.stop_at(__file__, "turn again", is_once=True)
        with Worker() as worker:
            assert debugged.script.stopped.wait(PATIENCE_S)
    assert debugged.script.threads == [worker.thread.ident]


def test_pausing_a_thread_stops_it_at_its_next_line_and_leaves_no_trace():
    with Worker() as worker, debugging() as debugged:
        debugged.engine.pause(worker.thread.ident)
        assert debugged.script.stopped.wait(PATIENCE_S)
        assert debugged.script.seen[0][0] == "pause"
        assert debugged.script.threads == [worker.thread.ident]


def test_the_main_thread_is_paused_by_another_in_the_midst_of_a_loop():
    with debugging() as debugged:
        ident = threading.get_ident()
        pauser = threading.Thread(target=lambda: debugged.engine.pause(ident))
        pauser.start()
        while not debugged.script.stopped.is_set():
            pass  # @busy
        pauser.join()
    assert debugged.script.threads == [ident]
    assert debugged.script.seen[0][0] == "pause"


def test_a_step_in_one_thread_is_not_taken_for_one_in_another():
    with Worker(), debugging(Go.OVER) as debugged:

        def here():
            first = 1  # @here
            return first + 1  # @next here

        debugged.stop_at(__file__, "here")
        here()
    assert debugged.script.at == ["here", "next here"]
    assert set(debugged.script.threads) == {threading.get_ident()}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring needs no thread states")
def test_other_threads_get_a_trace_function_and_keep_one_of_their_own():
    from tracedbg.adapters.python_lines._compat import OtherThreads

    found, looked = {}, threading.Barrier(3)

    def theirs(*_):
        return None

    def ours(*_):
        return None

    def look(name, tracer):
        sys.settrace(tracer)
        for step in ("set", "cleared"):
            looked.wait(PATIENCE_S)
            looked.wait(PATIENCE_S)
            found[name, step] = sys.gettrace()
        sys.settrace(None)

    threads = [threading.Thread(target=look, args=args) for args in (("free", None), ("taken", theirs))]
    for thread in threads:
        thread.start()
    others = OtherThreads()
    looked.wait(PATIENCE_S)
    others.set(ours)
    looked.wait(PATIENCE_S)
    looked.wait(PATIENCE_S)
    others.clear(ours)
    looked.wait(PATIENCE_S)
    for thread in threads:
        thread.join()
    assert sys.gettrace() is None
    assert found == {
        ("free", "set"): ours,
        ("taken", "set"): theirs,
        ("free", "cleared"): None,
        ("taken", "cleared"): theirs,
    }


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring needs no thread states")
def test_arming_is_safe_while_threads_come_and_go():
    from tracedbg.adapters.python_lines._compat import OtherThreads

    others, is_wanted = OtherThreads(), True

    def ours(*_):
        return None

    def come_and_go():
        while is_wanted:
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()

    makers = [threading.Thread(target=come_and_go) for _ in range(3)]
    for maker in makers:
        maker.start()
    for _ in range(2000):
        others.set(ours)
        others.clear(ours)
    is_wanted = False
    for maker in makers:
        maker.join()
