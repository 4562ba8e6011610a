"""The first run of a new graph is timed, once, and nobody notices."""

from __future__ import annotations

import traceback

import pytest

from adapters.sink import attached
from tracedbg.adapters.tf_function import TfFunctionAdapter
from tracedbg.events import PhaseSpan

from .test_invisible import our_frames
from .views import ended, started

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def first_runs(sink):
    return sink.of(PhaseSpan, name="first_run")


def context_of(f):
    (concrete,) = f._list_all_concrete_functions()
    return type(concrete._inference_function._bound_context).__module__


def test_only_the_first_run_of_a_graph_is_timed(sink):
    @tf.function
    def f(x):
        return x + 1.0

    for size in (1, 2, 1, 2):
        f(tf.ones(size))
    traces = started(sink, "f")
    assert [span.trace_id for span in first_runs(sink)] == [trace.id for trace in traces]
    for trace, span in zip(traces, first_runs(sink), strict=True):
        assert span.start_ns > ended(sink, trace).end_ns


def test_after_its_first_run_a_function_has_its_own_context_again(sink):
    @tf.function
    def f(x):
        return x + 1.0

    f.get_concrete_function(tf.TensorSpec([1]))
    assert context_of(f).startswith("tracedbg.")  # the control: it waits
    f(tf.ones(1))
    assert context_of(f).startswith("tensorflow.")


def test_functions_that_have_not_run_have_theirs_when_the_hooks_are_removed():
    @tf.function
    def f(x):
        return x + 1.0

    with attached(tf, TfFunctionAdapter()):
        f.get_concrete_function(tf.TensorSpec([1]))
    assert context_of(f).startswith("tensorflow.")


def test_a_graph_that_raises_in_its_first_run_shows_no_frame_of_ours_and_is_not_timed(sink):
    @tf.function
    def f(x):
        tf.debugging.assert_positive(x)
        return x + 1.0

    tf.debugging.disable_traceback_filtering()
    try:
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            f(tf.zeros(1))
    finally:
        tf.debugging.enable_traceback_filtering()
    assert our_frames(frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)) == []
    f(tf.ones(1))
    assert first_runs(sink) == [], "what it would say is the time of a second run"
    assert context_of(f).startswith("tensorflow.")


def test_a_function_inside_another_ones_graph_has_no_run_of_its_own(sink):
    @tf.function
    def inner(x):
        return x + 1.0

    @tf.function
    def outer(x):
        return inner(x)

    outer(tf.ones(1))
    (outer_trace,) = started(sink, "outer")
    assert [span.trace_id for span in first_runs(sink)] == [outer_trace.id]


def test_xla_compiles_in_the_first_run(sink):
    @tf.function(jit_compile=True)
    def f(x):
        return x + 1.0

    assert float(f(tf.ones(1))[0]) == 2.0
    assert len(first_runs(sink)) == 1
