"""Stops at what the recording adapters tell: the user's line, the cause and what to do about it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

import tracedbg
from debugging_script import Script, line_of
from tracedbg.engine import Breakpoint, Go


def double(x):
    return x * 2


def shout(x):
    print("tracing cannot see this")  # @print
    return x + 1


def looked(stop):
    top = stop.view.frames()[0]
    return stop.filter, stop.text, top.function, stop.view.line


@contextmanager
def debugged(script, *filters):
    with tracedbg.debug(frontend=script) as engine:
        for name in filters:
            engine.breakpoints.add(Breakpoint(filter=name))
        yield


@pytest.fixture
def script():
    return Script(look=looked)


@pytest.fixture
def compiled():
    """`torch.compile` with a backend that does nothing, on a fresh cache."""
    import torch

    torch._dynamo.reset()
    yield lambda function: torch.compile(function, backend="eager")
    torch._dynamo.reset()


@pytest.mark.torch
def test_a_recompile_stops_at_the_call_with_its_cause(script, compiled):
    import torch

    function = compiled(double)
    with debugged(script, "retrace"):
        function(torch.ones(3))
        assert script.seen == []
        function(torch.ones(4))  # @recompiled
    text = (
        "double is traced again\n"
        "`x` changed shape from float32[3] to float32[4]; call torch._dynamo.mark_dynamic(x, 0) before the first"
        " call, or torch.compile(..., dynamic=True)"
    )
    caller = "test_a_recompile_stops_at_the_call_with_its_cause"
    assert script.seen == [("retrace", text, caller, line_of(__file__, "recompiled"))]


@pytest.mark.torch
def test_a_graph_break_stops_at_the_line_that_makes_it(script, compiled, capsys):
    import torch

    with debugged(script, "graph_break"):
        compiled(shout)(torch.ones(3))
    ((name, text, function, line),) = script.seen
    assert (name, function, line) == ("graph_break", "shout", line_of(__file__, "print"))
    assert text.startswith("shout is cut in two: ")
    assert capsys.readouterr().out == "tracing cannot see this\n"


@pytest.mark.torch
def test_a_function_that_is_not_compiled_any_more_stops_at_the_call(script, compiled):
    import torch

    function = compiled(double)
    with torch._dynamo.config.patch(recompile_limit=1), debugged(script, "silent_eager"):
        for dtype in (torch.float32, torch.int32):
            function(torch.ones(3, dtype=dtype))  # @limited
    ((name, text, _, line),) = script.seen
    assert (name, line) == ("silent_eager", line_of(__file__, "limited"))
    assert text.startswith("double runs eager: ")


@pytest.mark.tensorflow
def test_a_retrace_stops_at_the_call_with_its_cause(script):
    import tensorflow as tf

    function = tf.function(double)
    with debugged(script, "retrace"):
        function(tf.ones([3]))
        function(tf.ones([4]))  # @retraced
    ((name, text, _, line),) = script.seen
    assert (name, line) == ("retrace", line_of(__file__, "retraced"))
    assert text.startswith("double is traced again\n`x` changed shape from float32[3] to float32[4]; ")


@pytest.mark.torch
def test_aborting_at_a_retrace_reaches_the_program_and_leaves_it_usable(compiled):
    import torch

    function = compiled(double)
    with debugged(Script(Go.ABORT), "retrace"):
        function(torch.ones(3))
        with pytest.raises(KeyboardInterrupt):
            function(torch.ones(4))
        assert function(torch.ones(5)).tolist() == [2.0] * 5


@pytest.mark.torch
def test_nothing_stops_after_the_block(script, compiled):
    import torch

    function = compiled(double)
    with debugged(script, "retrace"):
        function(torch.ones(3))
    function(torch.ones(4))
    assert script.seen == []
