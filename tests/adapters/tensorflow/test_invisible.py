"""The program cannot tell that it is watched: no frame, no call, no count and no warning of ours."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
import types

import pytest

import tracedbg
from adapters.sink import attached
from tracedbg.adapters.autograph import AutographAdapter
from tracedbg.adapters.tf_function import TfFunctionAdapter
from tracedbg.events import TraceEnded, TraceStarted

from .views import ended, started

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow
OURS = os.path.dirname(tracedbg.__file__)


def our_frames(files):
    return [file for file in files if file.startswith(OURS)]


def test_no_frame_of_ours_is_in_the_traceback_of_an_op(sink):
    def helper(x):
        while tf.reduce_sum(x) < 10:
            x = x + 1.0
        return x

    @tf.function
    def inner(x):
        for _ in range(2):
            x = helper(x)
        return x

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
                assert our_frames(frame.filename for frame in op.traceback) == []
    assert seen > 10


def test_no_frame_of_ours_is_in_the_traceback_of_an_exception(sink):
    def helper(x):
        for _ in range(2):
            if tf.reduce_sum(x) > 0:
                raise KeyError("mine")
        return x

    @tf.function
    def f(x):
        return helper(x)

    tf.debugging.disable_traceback_filtering()
    try:
        with pytest.raises(KeyError, match="mine") as caught:
            f(tf.ones(1))
    finally:
        tf.debugging.enable_traceback_filtering()
    error = caught.value
    assert our_frames(frame.filename for frame in traceback.extract_tb(error.__traceback__)) == []
    assert OURS not in str(error)


def test_a_call_that_finds_its_trace_runs_no_code_of_ours(sink):
    @tf.function
    def f(x):
        if tf.reduce_sum(x) > 0:
            x = x + 1.0
        return x

    x = tf.ones(1)
    ran = []

    def watch(frame, event, argument):
        if event == "call":
            ran.append(frame.f_code.co_filename)

    def profiled(value):
        ran.clear()
        sys.setprofile(watch)
        try:
            f(value)
        finally:
            sys.setprofile(None)
        return our_frames(ran)

    assert profiled(x)  # the control: a trace does run code of ours
    assert profiled(x) == []


def test_the_warning_about_retracing_comes_exactly_as_without_us(caplog):
    def work(n):
        return tf.constant(n)

    def warnings(name):
        fresh = types.FunctionType(work.__code__.replace(co_name=name), globals())  # they are counted by code
        f = tf.function(fresh, autograph=False)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "tensorflow"):
            for n in range(8):
                f(n)
        return [record.levelname for record in caplog.records], f.experimental_get_tracing_count()

    logger = tf.get_logger()
    before = logger.propagate
    logger.propagate = True
    try:
        plain = warnings("plain")
        with attached(tf, TfFunctionAdapter(), AutographAdapter()):
            watched = warnings("watched")
    finally:
        logger.propagate = before
    assert plain == watched
    assert plain[1] == 8
    assert plain[0]


def test_hooks_removed_during_a_trace_let_it_finish():
    started_tracing, removed = threading.Event(), threading.Event()

    @tf.function
    def slow(x):
        started_tracing.set()
        assert removed.wait(60)
        for _ in range(2):
            x = x + 1.0
        return x

    results = []
    with attached(tf, TfFunctionAdapter(), AutographAdapter()) as sink:
        thread = threading.Thread(target=lambda: results.append(slow(tf.ones(1))))
        thread.start()
        assert started_tracing.wait(60)
    removed.set()
    thread.join()
    assert float(results[0][0]) == 3.0
    (trace,) = started(sink, "slow")
    assert ended(sink, trace).error == ""
    slow(tf.ones(2))
    assert len(sink.of(TraceStarted)) == 1


def test_after_removal_everything_is_tensorflows_own():
    from tracedbg.adapters.tf_common import _compat

    names = (*_compat.TF_FUNCTION_NAMES, *_compat.AUTOGRAPH_NAMES)
    before = [name.get() for name in names]
    with attached(tf, TfFunctionAdapter(), AutographAdapter()):
        during = [name.get() for name in names]
    assert [name.get() for name in names] == before
    assert sum(a is not b and a != b for a, b in zip(before, during, strict=True)) == 11


def test_two_attachments_nest():
    with attached(tf, TfFunctionAdapter()) as outer:
        with attached(tf, TfFunctionAdapter()) as inner:

            @tf.function
            def f(x):
                return x

            f(tf.ones(1))
        f(tf.ones(2))
    assert (len(outer.of(TraceEnded)), len(inner.of(TraceEnded))) == (2, 1)


def test_a_fault_of_ours_is_reported_once_and_the_program_goes_on():
    @tf.function
    def f(x):
        return x

    with attached(tf, TfFunctionAdapter(), faults=1) as sink:
        sink.new_id = None
        f(tf.ones(1))
        f(tf.ones(2))
    assert f.experimental_get_tracing_count() == 2


def test_the_users_interrupt_is_not_swallowed(sink):
    @tf.function(autograph=False)
    def f(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        f(tf.ones(1))
    (trace,) = started(sink, "f")
    assert ended(sink, trace).error == "KeyboardInterrupt: "


def test_hooks_of_one_adapter_do_without_the_other():
    @tf.function
    def f(x):
        return x

    @tf.function
    def g(x):
        for _ in range(2):
            x = x + 1.0
        return x

    with attached(tf, TfFunctionAdapter()) as sink:
        f(tf.ones(1))
    assert len(sink.of(TraceStarted)) == len(sink.of(TraceEnded)) == 1
    with attached(tf, AutographAdapter()) as sink:
        g(tf.ones(1))
    (conversion,) = sink.events
    assert (conversion.function.split(".")[-1], conversion.trace_id) == ("g", None)
