"""An op that raises, raises what the graph would have raised; and the stop before that tells where."""

from __future__ import annotations

import re
import traceback

import pytest

from adapters.tf_walk.support import locals_of, plain
from tracedbg.engine import Breakpoint

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


def programs():
    """(name, function): each raises for 7."""

    def boom(x):
        raise ValueError("mine")

    @tf.function
    def flat(x):
        return tf.gather([1.0, 2.0, 3.0], x)

    @tf.function
    def inner(x):
        return tf.gather([1, 2, 3], x)

    @tf.function
    def nested(x):
        return inner(x) * 2

    @tf.function
    def loop(x):
        for i in tf.range(3):
            x = x + inner(x + i)
        return x

    @tf.function
    def branch(x):
        if x > 1:  # noqa: SIM108  that is the subject
            x = inner(x)
        else:
            x = x * 0
        return x

    @tf.function
    def asserted(x):
        tf.debugging.assert_less(x, 3, message="too much")
        return x

    @tf.function
    def asserted_in_a_branch(x):
        tf.debugging.Assert(tf.reduce_all(x < 3), [x])
        return x

    @tf.function
    def python(x):
        return tf.py_function(boom, [x], tf.float32)

    @tf.function
    def numpy(x):
        return tf.numpy_function(boom, [x], tf.float32)

    @tf.function
    def numerics(x):
        return tf.debugging.check_numerics(tf.cast(x, tf.float32) * float("inf") * 0.0, "bad value")

    iterator = iter(tf.data.Dataset.range(0))

    @tf.function
    def exhausted(x):
        return next(iterator)

    return {
        function.python_function.__name__: function
        for function in (
            flat, nested, loop, branch, asserted, asserted_in_a_branch, python, numpy, numerics, exhausted,
        )
    }  # fmt: skip


def raised(function):
    """Kind and text of what it raises; the numbers that TensorFlow gives to functions differ."""
    with pytest.raises(tf.errors.OpError) as caught:
        function(tf.constant(7))
    return type(caught.value), re.sub(r"_\d+\b", "_N", str(caught.value)), caught.value


@pytest.mark.parametrize("name", programs())
def test_an_error_is_the_graphs_own(engine, script, name):
    script.look = lambda stop: stop.reason
    told = []
    for is_walked in (False, True):  # one line for both: it is in the text
        if is_walked:
            engine.breakpoints.add(Breakpoint(op_pattern="*", condition="False"))
            engine.breakpoints.add(Breakpoint(filter="error"))
        told.append(raised(programs()[name]))
    (plain_kind, plain_text, _), (kind, text, error) = told
    assert (kind, text) == (plain_kind, plain_text)
    assert script.stops == ["exception"]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tracedbg/" in frame.filename]
    assert len(ours) <= 1


def test_the_stop_tells_line_turn_and_inputs_of_the_op_that_raises(engine, script, line):
    @tf.function
    def f(x):
        for i in tf.range(5):
            x = x + tf.gather([1.0, 2.0, 3.0], i)  # here
        return x

    def look(stop):
        op = stop.view.op
        return (
            stop.view.line,
            stop.view.iteration,
            op.site.op,
            [plain(value) for _, value in op.inputs()],
            list(op.outputs()),
            locals_of(stop)["x"],
        )

    script.look = look
    engine.breakpoints.add(Breakpoint(filter="error"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.constant(0.0))
    assert script.stops == [(line(), 3, "GatherV2", [[1.0, 2.0, 3.0], 3, 0], [], 6.0)]


def test_an_error_of_a_gradient_tells_the_line_of_the_forward(engine, script, line):
    @tf.custom_gradient
    def checked(x):
        def gradient(upstream):
            return tf.debugging.check_numerics(upstream / 0.0, "bad gradient")  # gradient

        return x * 2.0, gradient

    @tf.function
    def f(x):
        return checked(x)

    script.look = lambda stop: (stop.view.line, stop.view.is_backward, stop.view.op.site.op)
    engine.breakpoints.add(Breakpoint(filter="error"))
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tape.gradient(y, x)
    assert script.stops == [(line("gradient"), True, "CheckNumerics")]
