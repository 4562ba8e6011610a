"""What AutoGraph did to the user's code is reported, once, with both sources and the user's lines."""

from __future__ import annotations

import inspect

import pytest

from tracedbg.events import Construct, Conversion

from .views import started

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def here(marker):
    """The line of this file that ends with the marker comment."""
    with open(__file__, encoding="utf-8") as text:
        (line,) = [n for n, row in enumerate(text, 1) if row.rstrip().endswith(f"# @{marker}")]
    return line


def became(sink):
    return {(event.line, event.kind, event.became) for event in sink.of(Construct)}


def test_a_conversion_is_reported_once_with_both_sources_and_a_line_map(sink):
    def helper(x):
        return x + 1.0

    @tf.function
    def f(x):
        if tf.reduce_sum(x) > 0:  # @if
            x = helper(x)
        return x

    f(tf.ones(1))
    f(tf.ones(2))
    first, second = sink.of(Conversion)
    assert (first.function.split(".")[-1], second.function.split(".")[-1]) == ("f", "helper")
    assert first.file == __file__
    assert first.source == inspect.getsource(f.python_function)
    generated = first.generated.splitlines()
    lines = [generated[at - 1] for line, at in first.line_map if line == here("if")]
    assert any("ag__.if_stmt" in line for line in lines)
    assert first.trace_id == second.trace_id == started(sink, "f")[0].id
    assert first.failure == ""
    assert first.duration_ns > 0


def test_each_construct_says_what_it_became(sink):
    @tf.function
    def f(x, flag):
        if tf.reduce_sum(x) > 0:  # @tensor_if
            x = x + 1.0
        if flag:  # @python_if
            x = x + 2.0
        for _ in tf.range(3):  # @tensor_for
            x = x + 3.0
        for _ in range(3):  # @unrolled_for
            x = x + 4.0
        for _ in range(1):  # @single_for
            x = x + 5.0
        for _ in x:  # @rows_for
            x = x + 5.0
        for _ in tf.data.Dataset.range(2):  # @dataset_for
            x = x + 6.0
        i = 0
        while i < 3:  # @unrolled_while
            i += 1
        while i < 4:  # @single_while
            i += 1
        n = tf.constant(0)
        while n < 3:  # @tensor_while
            n += 1
        y = x if flag else -x  # @python_if_exp
        return y if tf.reduce_sum(y) > 0 else -y  # @tensor_if_exp

    f(tf.ones(2), True)
    assert became(sink) == {
        (here("tensor_if"), "if", "cond"),
        (here("python_if"), "if", "python"),
        (here("tensor_for"), "for", "while_loop"),
        (here("unrolled_for"), "for", "unrolled"),
        (here("single_for"), "for", "python"),
        (here("rows_for"), "for", "while_loop"),
        (here("dataset_for"), "for", "dataset"),
        (here("unrolled_while"), "while", "unrolled"),
        (here("single_while"), "while", "python"),
        (here("tensor_while"), "while", "while_loop"),
        (here("python_if_exp"), "if_exp", "python"),
        (here("tensor_if_exp"), "if_exp", "cond"),
    }
    assert len(sink.of(Construct)) == 12


def test_a_construct_is_said_once_for_each_trace_and_outcome(sink):
    @tf.function
    def f(x):
        for i in range(4):
            if i > 1:  # @inner
                x = x + 1.0
        return x

    f(tf.ones(1))
    f(tf.ones(2))
    inner = [event for event in sink.of(Construct) if event.line == here("inner")]
    assert [event.trace_id for event in inner] == [trace.id for trace in started(sink, "f")]
    assert {event.became for event in inner} == {"python"}


def test_a_function_without_source_is_a_failure_with_the_reason(sink):
    names = {}
    exec("def g(x):\n    return x + 1\n", names)
    f = tf.function(names["g"])
    f(tf.ones(1))
    f(tf.ones(2))
    (failed,) = sink.of(Conversion)
    assert (failed.function, failed.file) == ("g", "<string>")
    assert failed.failure == "its source is not known: it was made by exec or eval"


@pytest.mark.filterwarnings("ignore")
def test_a_conversion_that_tensorflow_gives_up_on_is_a_failure_with_its_words(sink):
    pair = (lambda x: x + 1.0, lambda x: x + 2.0)  # @ambiguous

    @tf.function
    def f(x):
        return pair[0](x)

    f(tf.ones(1))
    f(tf.ones(2))
    (failed,) = [event for event in sink.of(Conversion) if event.failure]
    assert (failed.file, failed.line) == (__file__, here("ambiguous"))
    assert failed.trace_id == started(sink, "f")[0].id
    assert "Error: " in failed.failure


def test_a_function_that_asked_not_to_be_converted_is_no_failure(sink):
    @tf.autograph.experimental.do_not_convert
    def helper(x):
        return x

    @tf.function
    def f(x):
        return helper(x)

    f(tf.ones(1))
    assert [event.function.split(".")[-1] for event in sink.of(Conversion)] == ["f"]


def test_converted_code_that_runs_outside_a_trace_is_not_reported(sink):
    def eager(x):
        for _ in range(3):
            x = x + 1.0
        return x

    tf.autograph.to_graph(eager)(1.0)
    assert sink.of(Construct) == []
    (conversion,) = sink.of(Conversion)
    assert conversion.trace_id is None
