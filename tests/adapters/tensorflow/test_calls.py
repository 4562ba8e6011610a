"""How many calls ran as a graph, and how many eager."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.sink import attached
from tracedbg.events import Calls, Conversion, Fallback

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


@pytest.fixture
def eagerly():
    yield tf.config.run_functions_eagerly
    tf.config.run_functions_eagerly(False)


def watched():
    from tracedbg.adapters.tf_function import TfFunctionAdapter

    return attached(tf, TfFunctionAdapter())


def counted(sink, name):
    """(compiled, eager, first eager call), of all events together."""
    found = [event for event in sink.of(Calls) if event.function.name.endswith(name)]
    firsts = [event.first_eager_call for event in found if event.first_eager_call is not None]
    assert len(firsts) <= 1
    return sum(e.compiled for e in found), sum(e.eager for e in found), *firsts


def test_calls_are_counted_over_more_traces_than_tensorflow_remembers():
    with watched() as sink:

        @tf.function
        def f(x):
            return x + 1.0

        for _ in range(25):
            f(tf.ones(2))
        for size in range(3, 33):
            f(tf.ones(size))
    assert f.experimental_get_tracing_count() == 31
    assert counted(sink, ".f") == (55, 0)


def test_a_call_that_creates_variables_traces_twice_and_counts_once():
    variables = []
    with watched() as sink:

        @tf.function
        def f(x):
            if not variables:
                variables.append(tf.Variable(1.0))
            return x + variables[0]

        f(tf.ones(2))
        f(tf.ones(2))
    assert f.experimental_get_tracing_count() == 2
    assert counted(sink, ".f") == (2, 0)


def test_a_call_inside_another_functions_graph_is_none():
    with watched() as sink:

        @tf.function
        def inner(x):
            return x + 1.0

        @tf.function
        def outer(x):
            return inner(x)

        outer(tf.ones(2))
        outer(tf.ones(2))
    assert counted(sink, ".outer") == (2, 0)
    assert counted(sink, ".inner") == (0, 0)


def test_calls_of_several_function_objects_of_one_code_are_counted_together():
    with watched() as sink:
        for _ in range(3):
            f = tf.function(lambda x: x + 1.0)
            f(tf.ones(2))
            f(tf.ones(2))
    assert counted(sink, "<lambda>") == (6, 0)


def test_functions_that_run_eagerly_are_told_with_their_first_eager_call(eagerly):
    with watched() as sink:

        @tf.function
        def f(x):
            return x + 1.0

        f(tf.ones(2))
        f(tf.ones(3))
        eagerly(True)
        for _ in range(4):
            f(tf.ones(2))  # @eager
        eagerly(False)
        f(tf.ones(2))
    assert counted(sink, ".f") == (3, 4, 3)
    (fallback,) = sink.of(Fallback)
    assert (fallback.kind, fallback.reason) == (
        "run_functions_eagerly",
        "tf.config.run_functions_eagerly(True)",
    )
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert "# @eager" in lines[fallback.call_stack[0].line - 1]


def test_a_function_that_was_never_traced_is_told_of_too(eagerly):
    eagerly(True)
    with watched() as sink:

        @tf.function
        def f(x):
            return x + 1.0

        f(tf.ones(2))
    assert counted(sink, ".f") == (0, 1, 1)


def test_calls_before_we_came_are_not_counted(eagerly):
    @tf.function
    def f(x):
        return x + 1.0

    for _ in range(9):
        f(tf.ones(2))
    with watched() as sink:
        f(tf.ones(3))
        f(tf.ones(3))
    assert counted(sink, ".f") == (2, 0)
    with watched() as sink:
        eagerly(True)
        f(tf.ones(3))
    assert counted(sink, ".f") == (0, 1, 1)


def test_a_function_that_autograph_left_as_it_is_is_a_fallback_where_it_is_the_users():
    from tracedbg.adapters.autograph import AutographAdapter

    names = {}
    exec("def helper(x):\n    return x + 1.0\n", names)
    with attached(tf, AutographAdapter()) as sink:
        tf.function(lambda x: names["helper"](x))(tf.ones(2))
    (fallback,) = sink.of(Fallback)
    assert (fallback.kind, fallback.function.name) == ("unconverted", "helper")
    (conversion,) = [event for event in sink.of(Conversion) if event.failure]
    assert fallback.reason == f"left as it is: {conversion.failure}"
