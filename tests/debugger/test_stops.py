"""What a recording keeps of the stops of a debugger: where, in which world, and for how long."""

from __future__ import annotations

import threading
import time

import pytest

import tracedbg
from debugging_script import Script, line_of
from tracedbg.engine import Go
from tracedbg.events import Fault, Stopped
from tracedbg.session import hub, observe
from tracedbg.store.reader import Run


def halve(x):
    return x / 2  # @half


class Kept(list):
    """A sink that keeps the stops, and our faults beside them."""

    def __init__(self):
        self.faults = []

    def emit(self, event):
        if isinstance(event, Fault):
            self.faults.append((event.where, event.message))
        if isinstance(event, Stopped):
            self.append(event)

    def flush(self):
        pass

    new_id = property(lambda _: hub().new_id)
    now_ns = property(lambda _: hub().now_ns)


@pytest.fixture
def kept():
    stops = Kept()
    end = observe(stops)
    yield stops
    end()


def here(mark):
    return f"{__file__}:{line_of(__file__, mark)}"


def test_a_stop_in_eager_code_is_recorded_with_its_line_and_how_long_it_took(kept):
    spans = []

    def wait(_):
        begun_ns = time.monotonic_ns()
        while time.monotonic_ns() - begun_ns < 2_000_000:
            pass
        spans.append(time.monotonic_ns() - begun_ns)

    with tracedbg.debug(here("half"), frontend=Script(look=wait)):
        halve(4)  # @call
        assert [one.reason for one in kept] == ["breakpoint"], "told as soon as the thread goes on"
    (stop,) = kept
    assert (stop.frame.file, stop.frame.line, stop.frame.function) == (
        __file__,
        line_of(__file__, "half"),
        "halve",
    )
    assert [(one.line, one.function.rpartition(".")[2]) for one in stop.stack[:2]] == [
        (line_of(__file__, "half"), "halve"),
        (
            line_of(__file__, "call"),
            "test_a_stop_in_eager_code_is_recorded_with_its_line_and_how_long_it_took",
        ),
    ]
    assert (stop.op, stop.graph, stop.is_backward) == ("", "", False)
    assert stop.thread_id == threading.get_ident()
    assert spans[0] <= stop.end_ns - stop.start_ns
    assert stop.end_ns <= hub().now_ns()


def test_a_stop_that_ends_with_the_program_aborted_is_recorded(kept):
    with tracedbg.debug(here("half"), frontend=Script(Go.ABORT)), pytest.raises(KeyboardInterrupt):
        halve(4)
    assert [one.frame.line for one in kept] == [line_of(__file__, "half")]


def test_a_view_that_cannot_be_told_of_is_a_fault_of_ours_and_still_stops(kept, monkeypatch):
    def fail(*_):
        raise RuntimeError("no frames")

    monkeypatch.setattr("tracedbg.debugger.stops._event", fail)
    script = Script()
    with tracedbg.debug(here("half"), frontend=script):
        assert halve(4) == 2
    assert len(script.stops) == 1
    assert kept == []
    assert kept.faults == [("debugger.stop", "RuntimeError: no frames")]


def test_without_a_debugger_no_stop_is_recorded(kept):
    halve(4)
    assert kept == []


@pytest.mark.torch
def test_stops_inside_a_compiled_function_name_its_graph_and_op(kept):
    import torch

    torch._dynamo.reset()
    with tracedbg.debug("op:*div*", frontend=Script(Go.OP)):
        compiled = torch.compile(halve, backend="aot_eager")
        compiled(torch.ones(3))
    torch._dynamo.reset()
    stop = kept[0]
    assert (stop.reason, stop.frame.line) == ("function breakpoint", line_of(__file__, "half"))
    assert "div" in stop.op
    assert stop.graph == "0/0 forward"


@pytest.mark.tensorflow
def test_stops_inside_a_tf_function_are_in_the_recording_of_the_run(tmp_path):
    import tensorflow as tf

    function = tf.function(halve)
    folder = str(tmp_path / "run")
    with tracedbg.record(folder), tracedbg.debug(here("half"), frontend=Script()):
        function(tf.ones([3]))
    with Run.open(folder) as run:
        (stop,) = run.processes[0].stops()
        (trace,) = run.processes[0].traces()
    assert (stop.frame.line, stop.graph) == (line_of(__file__, "half"), trace.ended.label)
    assert trace.ended.end_ns < stop.start_ns <= stop.end_ns
