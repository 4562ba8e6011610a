"""While nothing may stop, TensorFlow runs as it is; what is attached leaves nothing behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
import weakref

import pytest

import tracedbg
from adapters.tf_walk.support import Script, attached
from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.debugging import Outline
from tracedbg.engine import Breakpoint, Go

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow
OURS = os.path.dirname(tracedbg.__file__)


def test_the_call_is_tensorflows_own_but_while_something_may_stop_in_it(engine, line):
    own = _compat.CALL_FUNCTION.get()

    @tf.function
    def f(x):
        return x + 1  # here

    @tf.function
    def g(x):
        return x + 2  # other

    f(tf.constant(1))
    assert _compat.CALL_FUNCTION.get() is own
    made = engine.breakpoints.add(Breakpoint(file=__file__, line=line()))
    assert _compat.CALL_FUNCTION.get() is not own
    engine.breakpoints.remove([made.id])
    assert _compat.CALL_FUNCTION.get() is own
    made = engine.breakpoints.add(Breakpoint(file=__file__, line=line("other")))
    assert _compat.CALL_FUNCTION.get() is own  # it has not been traced
    g(tf.constant(1))
    assert _compat.CALL_FUNCTION.get() is not own
    assert engine.frontend.stops == [line("other")]


def test_an_unarmed_call_runs_no_code_of_ours(engine):
    @tf.function
    def f(x):
        return x + 1

    x = tf.constant(1)
    f(x)
    ran = []
    sys.setprofile(lambda frame, event, _: ran.append(frame.f_code.co_filename) if event == "call" else None)
    try:
        f(x)
    finally:
        sys.setprofile(None)
    assert ran
    assert [file for file in ran if file.startswith(OURS)] == []


def test_everything_is_tensorflows_own_after_removal(line):
    before = [name.get() for name in _compat.NAMES]
    functions = set(_compat.CONTEXT.get()().list_function_names())

    @tf.function
    def f(x):
        return tf.raw_ops.ParseTensor(serialized=tf.io.serialize_tensor(x), out_type=tf.int32) + 1  # here

    with attached(Script(Go.INTO)) as engine:
        engine.breakpoints.add(Breakpoint(file=__file__, line=line()))
        during = [name.get() for name in _compat.NAMES]
        assert int(f(tf.constant(1))) == 2
        assert engine.frontend.stops
    assert [name.get() for name in _compat.NAMES] == before
    assert sum(a is not b for a, b in zip(before, during, strict=True)) == 3
    left = set(_compat.CONTEXT.get()().list_function_names()) - functions
    assert [name for name in left if "tracedbg" in name] == []
    assert int(f(tf.constant(1))) == 2


def test_hooks_that_are_removed_while_a_thread_is_stopped_let_it_go_on(line):
    stopped, go_on = threading.Event(), threading.Event()

    @tf.function
    def f(x):
        y = x + 1
        return y * 2  # here

    def look(stop):
        stopped.set()
        assert go_on.wait(60)

    results = []
    with attached(Script(look=look)) as engine:
        engine.breakpoints.add(Breakpoint(file=__file__, line=line()))
        thread = threading.Thread(target=lambda: results.append(int(f(tf.constant(1)))))
        thread.start()
        assert stopped.wait(60)
    go_on.set()
    thread.join()
    assert results == [4]


def test_no_frame_of_ours_is_in_the_traceback_of_an_op(engine):
    @tf.function
    def inner(x):
        return x * 2.0

    @tf.function
    def f(x):
        if tf.reduce_sum(x) > 0:
            x = inner(x)
        return x

    graphs = [f.get_concrete_function(tf.TensorSpec([2])).graph]
    seen = 0
    while graphs:
        graph = graphs.pop()
        graphs += [function.graph for function in graph._functions.values() if hasattr(function, "graph")]
        for op in graph.get_operations():
            if op.traceback is not None:
                seen += 1
                assert [frame for frame in op.traceback if frame.filename.startswith(OURS)] == []
    assert seen > 3


def test_no_frame_of_ours_is_in_the_traceback_of_a_trace_that_fails(engine):
    @tf.function
    def f(x):
        raise KeyError("mine")

    tf.debugging.disable_traceback_filtering()
    try:
        with pytest.raises(KeyError, match="mine") as caught:
            f(tf.ones(1))
    finally:
        tf.debugging.enable_traceback_filtering()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame for frame in frames if frame.filename.startswith(OURS)] == []
    assert not engine._is_suspended


def test_nothing_of_a_function_is_kept_when_it_is_gone(engine, line):
    class Held:
        pass

    def make():
        held = Held()
        big = tf.ones([10])

        @tf.function
        def f(x):
            kept = held  # noqa: F841  a local at the stop
            return x + big  # here

        f(tf.ones([10]))
        return weakref.ref(held), weakref.ref(f.get_concrete_function(tf.ones([10])).graph), weakref.ref(big)

    engine.breakpoints.add(Breakpoint(file=__file__, line=line()))
    references = make()
    assert engine.frontend.stops
    gc.collect()
    assert [reference() for reference in references] == [None, None, None]


def test_outlines_are_there_when_the_trace_has_ended_and_before_the_first_run(engine, line):
    told = []
    add = engine.add_outline
    engine.add_outline = lambda outline: (told.append(outline), add(outline))

    @tf.function
    def f(x):
        x = x + 1  # first
        return x * 2  # last

    f.get_concrete_function(tf.TensorSpec([]))
    (outline,) = told
    assert isinstance(outline, Outline)
    assert outline.function == "f"
    assert {(__file__, line("first")), (__file__, line("last"))} <= outline.lines
    assert {"AddV2", "Mul"} <= outline.ops
    assert all(first <= line("first") <= last for file, first, last in outline.spans)
