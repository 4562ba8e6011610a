"""Beside other tracers, and out of the way of programs in which nothing is waited for."""

from __future__ import annotations

import bdb
import sys
import threading

import pytest

from adapters.python_lines import lines_program as p
from adapters.python_lines.debugged import debugging, line_of
from tracedbg.events import Fault

FILE = p.__file__
pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring has room for all")


class Coverage:
    """A tracer of the user's: the lines that it was told of."""

    def __init__(self):
        self.lines = set()

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename == FILE:
            if event == "line":
                self.lines.add(frame.f_lineno)
            return self
        return None


def test_nothing_is_traced_while_nothing_is_waited_for():
    with debugging() as debugged:
        assert (sys.gettrace(), threading.gettrace()) == (None, None)
        made = debugged.stop_at(FILE, "in add")
        assert sys.gettrace() is not None
        assert threading.gettrace() is sys.gettrace()
        debugged.engine.breakpoints.remove([made.id])
        assert (sys.gettrace(), threading.gettrace()) == (None, None)
        assert sys._getframe().f_trace is None


def test_a_tracer_that_is_there_keeps_its_lines_and_it_is_said_once():
    theirs = Coverage()
    sys.settrace(theirs)
    try:
        with debugging(faults=1) as debugged:
            debugged.stop_at(FILE, "in add")
            debugged.stop_at(FILE, "add returns")
            assert sys.gettrace() is theirs
            p.add(1, 2)
            assert sys.gettrace() is theirs
    finally:
        sys.settrace(None)
    assert theirs.lines == {line_of(FILE, "in add"), line_of(FILE, "add returns")}
    assert debugged.script.at == []
    (fault,) = debugged.sink.of(Fault)
    assert (fault.where, fault.message) == (
        "walk.python_lines.settrace",
        f"{__name__}.Coverage traces this program already: "
        "breakpoints on lines that run as Python are left to it",
    )


def test_a_tracer_that_comes_later_has_the_lines_from_then_on():
    theirs = Coverage()
    with debugging() as debugged:
        debugged.stop_at(FILE, "in add")
        p.add(1, 2)
        sys.settrace(theirs)
        p.add(1, 2)
        sys.settrace(None)
        assert debugged.script.at == ["in add"]
    assert theirs.lines == {line_of(FILE, "in add"), line_of(FILE, "add returns")}


def test_lines_come_back_with_the_next_change_after_the_other_tracer_has_gone():
    with debugging() as debugged:
        debugged.stop_at(FILE, "in add")
        sys.settrace(Coverage())
        sys.settrace(None)
        debugged.stop_at(FILE, "add returns")
        p.add(1, 2)
    assert debugged.script.at == ["in add", "add returns"]


def test_pdb_steps_where_it_wants_while_lines_are_waited_for():
    class Steps(bdb.Bdb):
        def __init__(self):
            super().__init__()
            self.seen = []

        def user_line(self, frame):
            if frame.f_code.co_filename == FILE:
                self.seen.append(frame.f_lineno)
            self.set_step()

    steps = Steps()
    with debugging() as debugged:
        debugged.stop_at(FILE, "hot")
        steps.runcall(p.add, 1, 2)
    assert steps.seen == [line_of(FILE, "in add"), line_of(FILE, "add returns")]


def test_a_thread_of_a_debugger_is_left_alone():
    seen = []

    def serve(debugged):
        debugged.stop_at(FILE, "in add")
        seen.append(sys.gettrace())

    with debugging() as debugged:
        thread = threading.Thread(target=serve, args=(debugged,))
        thread.pydev_do_not_trace = True
        thread.start()
        thread.join()
        p.add(1, 2)
    assert seen == [None]
    assert debugged.script.at == ["in add"]
